#!/usr/bin/env bash
# Adds Cockpit to a guest image, not started, and an administrator who may sudo: build.sh ROOT_DISK OUTPUT_DIRECTORY. Needs a
# loop device.
set -euo pipefail
. "$(dirname "$0")/../extend-image.sh"
open_image "$1" "$2"

say Cockpit
add_packages cockpit-ws cockpit-bridge cockpit-system sudo
systemctl --root="$root" --quiet disable cockpit.socket
# Without a certificate of its own: the browser is in the network of this guest alone.
printf '[WebService]\nAllowUnencrypted = true\n' >"$root/etc/cockpit/cockpit.conf"
chroot "$root" useradd --create-home --groups sudo --shell /bin/bash admin
echo admin:vqtune | chroot "$root" chpasswd
close_image
