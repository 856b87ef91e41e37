#!/usr/bin/env bash
# Captures test/fixtures/guests/ccw.tar.gz from an emulated s390x guest. Apart from the others, because nothing else needs
# qemu-system-misc and packages of a second architecture.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"
mkdir -p "$work"/{lists/partial,cache/archives/partial,debs,tree,tree/{proc,sys,dev,tmp,root}}
echo 'deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian bookworm main' >"$work/sources.list"
cat >"$work/apt.conf" <<CONF
Dir::Etc::sourcelist "$work/sources.list";
Dir::Etc::sourceparts "-";
Dir::State::Lists "$work/lists";
Dir::State::status "/dev/null";
Dir::Cache "$work/cache";
APT::Architecture "s390x";
APT::Architectures "s390x";
APT::Sandbox::User "root";
CONF
export APT_CONFIG=$work/apt.conf
apt-get -qq update
kernel=$(apt-cache depends linux-image-s390x | awk '/Depends: linux-image/ {print $2; exit}')
(cd "$work/debs" && apt-get -qq download "$kernel" busybox-static ethtool libmnl0 libc6 iproute2 libbpf1 libelf1 zlib1g \
  libcap2 libdb5.3 libbsd0 libmd0 libtirpc3 libselinux1 libpcre2-8-0 libgssapi-krb5-2 libxtables12 libkrb5-3 \
  libk5crypto3 libcom-err2 libkrb5support0 libkeyutils1 libssl3)
unset APT_CONFIG
tree=$work/tree
for deb in "$work"/debs/*.deb; do dpkg-deb -x "$deb" "$tree"; done
version=$(ls "$tree/lib/modules")
modules=$tree/lib/modules/$version/kernel
find "$modules" -name '*.ko*' | grep -vE '/(virtio[^/]*|net_failover|failover)\.ko' | xargs rm -f
depmod -b "$tree" "$version"
mv "$tree"/boot/vmlinuz-* "$work/kernel"
rm -rf "$tree"/boot "$tree"/usr/share
ln -sf busybox "$tree/bin/sh"
install -m 0755 "$here/init" "$tree/init"
(cd "$tree" && find . | cpio --quiet -o -H newc --owner=0:0) >"$work/initrd"
truncate -s 16M "$work/out.tar"

namespace=vqtune-test-$$-ccw
ip netns add "$namespace"
trap 'ip netns delete "$namespace"; rm -rf "$work"' EXIT
ip -n "$namespace" tuntap add dev tap0 mode tap multi_queue vnet_hdr
ip -n "$namespace" link set tap0 up
timeout 300 ip netns exec "$namespace" qemu-system-s390x -machine s390-ccw-virtio -cpu max -accel tcg,thread=multi \
  -smp 4 -m 1024 -nodefaults -display none -serial stdio \
  -kernel "$work/kernel" -initrd "$work/initrd" -append 'quiet panic=1' \
  -drive file="$work/out.tar",format=raw,if=none,id=out -device virtio-blk-ccw,drive=out,devno=fe.0.0001 \
  -netdev tap,id=net0,ifname=tap0,script=no,downscript=no,queues=4 \
  -device virtio-net-ccw,netdev=net0,mq=on,mac=52:54:00:77:00:00,devno=fe.0.0008 </dev/null

mkdir "$work/captured"
tar -x --no-same-owner -C "$work/captured" -f "$work/out.tar"
"$here/../../../support/pack-guest" "$work/captured" "$here/../../../fixtures/guests/ccw.tar.gz"
