#!/usr/bin/env bash
# Adds what hardened guests run to a guest image, disabled: build.sh ROOT_DISK OUTPUT_DIRECTORY. Needs a loop device.
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

say auditd
cp --remove-destination /etc/resolv.conf "$root/etc/resolv.conf"
printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
chmod 755 "$root/usr/sbin/policy-rc.d"
apt() { chroot "$root" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Acquire::Retries=5 -o APT::Install-Recommends=false "$@" </dev/null; }
apt update
apt -y install auditd >/dev/null
rm -rf "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/* "$root/usr/sbin/policy-rc.d" "$root/etc/resolv.conf"
systemctl --root="$root" --quiet disable auditd.service
# As on any machine: writer-trace finds tracefs mounted; /etc/fstab says how / and what systemd mounts itself are mounted.
rm "$root"/etc/systemd/system/{sys-kernel-tracing.mount,systemd-remount-fs.service}
umount "$root"
trap - EXIT
rmdir "$root"
