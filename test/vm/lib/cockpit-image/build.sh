#!/usr/bin/env bash
# Adds Cockpit to a guest image, not started, and an administrator who may sudo: build.sh ROOT_DISK OUTPUT_DIRECTORY. Needs a
# loop device.
set -euo pipefail
base=$1
out=$2
root=$out/root
say() { printf '[image] %s\n' "$*"; }

cp --sparse=always "$base" "$out/root.ext4"
mkdir "$root"
# Status 1: it was not marked clean.
e2fsck -fp "$out/root.ext4" >/dev/null || [ $? = 1 ]
mount -o loop "$out/root.ext4" "$root"
trap 'umount "$root"' EXIT

say Cockpit
cp --remove-destination /etc/resolv.conf "$root/etc/resolv.conf"
printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
chmod 755 "$root/usr/sbin/policy-rc.d"
apt() { chroot "$root" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Acquire::Retries=5 -o APT::Install-Recommends=false "$@" </dev/null; }
apt update
apt -y install cockpit-ws cockpit-bridge cockpit-system sudo >/dev/null
rm -rf "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/* "$root/usr/sbin/policy-rc.d" "$root/etc/resolv.conf"
systemctl --root="$root" --quiet disable cockpit.socket
# Without a certificate of its own: the browser is in the network of this guest alone.
printf '[WebService]\nAllowUnencrypted = true\n' >"$root/etc/cockpit/cockpit.conf"
chroot "$root" useradd --create-home --groups sudo --shell /bin/bash admin
echo admin:vqtune | chroot "$root" chpasswd
umount "$root"
trap - EXIT
rmdir "$root"
