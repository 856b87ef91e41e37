# For the build.sh of images that are made of another one. To be sourced; needs a loop device.
#   open_image ROOT_DISK OUTPUT_DIRECTORY [SIZE]   mounts a copy, larger by SIZE, at $root
#   add_packages PACKAGE...                        Debian's; nothing of them is started
#   close_image

say() { printf '[image] %s\n' "$*"; }

open_image() {
  local base=$1 out=$2 more=${3-}
  root=$out/root
  cp --sparse=always "$base" "$out/root.ext4"
  if [ -n "$more" ]; then truncate -s "+$more" "$out/root.ext4"; fi
  # Status 1: it was not marked clean.
  e2fsck -fp "$out/root.ext4" >/dev/null || [ $? = 1 ]
  if [ -n "$more" ]; then resize2fs "$out/root.ext4" >/dev/null 2>&1; fi
  mkdir "$root"
  mount -o loop "$out/root.ext4" "$root"
  trap 'umount "$root"' EXIT
}

add_packages() {
  cp --remove-destination /etc/resolv.conf "$root/etc/resolv.conf"
  printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
  chmod 755 "$root/usr/sbin/policy-rc.d"
  apt update
  apt -y install "$@" >/dev/null
  rm -rf "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/* "$root/usr/sbin/policy-rc.d" "$root/etc/resolv.conf"
}

apt() {
  chroot "$root" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Acquire::Retries=5 -o APT::Install-Recommends=false "$@" </dev/null
}

close_image() {
  umount "$root"
  trap - EXIT
  rmdir "$root"
}
