#!/usr/bin/env bash
# Makes a guest image with Debian's SELinux policy of another one: build.sh ROOT_DISK OUTPUT_DIRECTORY
# Labelled here, on the mounted file system: in the guest it would take a boot of its own. Needs a loop device.
set -euo pipefail
base=$1
out=$2
here=$(cd "$(dirname "$0")" && pwd)
root=$out/root
say() { printf '[image] %s\n' "$*"; }

cp --sparse=always "$base" "$out/root.ext4"
truncate -s +700M "$out/root.ext4"
# Status 1: it was not marked clean.
e2fsck -fp "$out/root.ext4" >/dev/null || [ $? = 1 ]
resize2fs "$out/root.ext4" >/dev/null 2>&1
mkdir "$root"
mount -o loop "$out/root.ext4" "$root"
trap 'umount "$root"' EXIT

say 'SELinux: policy, tools, auditd'
cp --remove-destination /etc/resolv.conf "$root/etc/resolv.conf"
printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
chmod 755 "$root/usr/sbin/policy-rc.d"
apt() { chroot "$root" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Acquire::Retries=5 -o APT::Install-Recommends=false "$@" </dev/null; }
apt update
apt -y install selinux-policy-default policycoreutils auditd >/dev/null
rm -rf "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/* "$root/usr/sbin/policy-rc.d" "$root/etc/resolv.conf"

cp "$here/agent.cil" "$root/root/agent.cil"
chroot "$root" semodule -s default -n -i /root/agent.cil
rm "$root/root/agent.cil"
# The guest's command line says whether it is enforced.
sed -i 's/^SELINUX=.*/SELINUX=enforcing/' "$root/etc/selinux/config"
mkdir "$root/etc/systemd/system/qemu-guest-agent.service.d"
printf '[Service]\nSELinuxContext=system_u:system_r:unconfined_t:s0-s0:c0.c1023\n' \
  >"$root/etc/systemd/system/qemu-guest-agent.service.d/selinux.conf"
# As on any machine: writer-trace finds tracefs mounted.
rm "$root/etc/systemd/system/sys-kernel-tracing.mount"

say 'labels'
# setfiles reaches files by /proc/self/fd.
mount --bind /proc "$root/proc"
trap 'umount "$root/proc" "$root"' EXIT
chroot "$root" setfiles -F /etc/selinux/default/contexts/files/file_contexts / >/dev/null
umount "$root/proc" "$root"
trap - EXIT
rmdir "$root"
