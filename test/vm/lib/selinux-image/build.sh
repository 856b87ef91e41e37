#!/usr/bin/env bash
# Makes a guest image with Debian's SELinux policy of another one: build.sh ROOT_DISK OUTPUT_DIRECTORY
# Labelled here, on the mounted file system: in the guest it would take a boot of its own. Needs a loop device.
set -euo pipefail
. "$(dirname "$0")/../extend-image.sh"
here=$(cd "$(dirname "$0")" && pwd)
open_image "$1" "$2" 700M

say 'SELinux: policy, tools, auditd'
add_packages selinux-policy-default policycoreutils auditd

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
umount "$root/proc"
close_image
