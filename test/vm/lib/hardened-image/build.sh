#!/usr/bin/env bash
# Adds what hardened guests run to a guest image, disabled: build.sh ROOT_DISK OUTPUT_DIRECTORY. Needs a loop device.
set -euo pipefail
. "$(dirname "$0")/../extend-image.sh"
open_image "$1" "$2"

say auditd
add_packages auditd
systemctl --root="$root" --quiet disable auditd.service
# As on any machine: writer-trace finds tracefs mounted; /etc/fstab says how / and what systemd mounts itself are mounted.
rm "$root"/etc/systemd/system/{sys-kernel-tracing.mount,systemd-remount-fs.service}
close_image
