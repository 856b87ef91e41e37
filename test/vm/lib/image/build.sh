#!/usr/bin/env bash
# Builds the guest image: root.ext4, and vmlinuz-X / initrd-X for each kernel X.
#   build.sh OUTPUT_DIRECTORY x86_64|aarch64 bookworm|trixie
# Another architecture's programs run here while it is built: qemu-user-static has registered itself for them.
# Kernels are unpacked, not installed: that leaves out initramfs-tools, whose run takes longer than all the rest,
# and our own initramfs (busybox and a dozen modules) reaches the root disk within a second even under emulation.
set -euo pipefail
out=$1
case $2 in
  x86_64) debian=amd64 ;;
  aarch64) debian=arm64 ;;
esac
here=$(cd "$(dirname "$0")" && pwd)
mirror=${VQTUNE_TEST_MIRROR:-http://deb.debian.org}
root=$out/root
release=$3
# What the release has, newest of each line.
case $release in
  bookworm) kernels='6.1 6.12' ;;
  trixie) kernels='6.12' ;;
esac

mkdir -p "$out"
say() { printf '[image] %s\n' "$*"; }

# unpack PACKAGE DIRECTORY: since trixie what was in /bin and /lib is in /usr of the package, too.
unpack() {
  dpkg-deb -x "$1" "$2"
  for name in bin lib; do [ -e "$2/$name" ] || ln -s "usr/$name" "$2/$name"; done
}

# The meta package's name for each kernel line.
kernel_package() {
  case $release-$1 in
    bookworm-6.12) echo "linux-image-6.12-cloud-$debian" ;;
    *) echo "linux-image-cloud-$debian" ;;
  esac
}

packages=$(sed 's/#.*//' "$here/packages" | xargs | tr ' ' ,)
say "mmdebstrap $release: $packages"
mmdebstrap --architectures="$debian" --quiet --variant=minbase --mode=root --include="$packages" \
  --aptopt='Acquire::Retries "5"' --aptopt='APT::Install-Recommends "false"' \
  --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/doc/*' \
  --dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/lib/python3/dist-packages/*/test*' \
  "$release" "$root" \
  "deb $mirror/debian $release main" \
  "deb $mirror/debian $release-updates main" \
  "deb $mirror/debian-security $release-security main"

# What reaches the root disk on q35 and on microvm; everything else udev loads from there.
boot_modules='virtio_pci virtio_mmio virtio_blk ext4'

# mmdebstrap removes both when it is done.
cp --remove-destination /etc/resolv.conf "$root/etc/resolv.conf"
chroot "$root" apt-get -qq update
# Not this machine's, which may be of another architecture.
chroot "$root" sh -c "cd /tmp && apt-get -qq -o APT::Sandbox::User=root download busybox-static"
unpack "$root"/tmp/busybox-static*.deb "$out/busybox"
rm "$root"/tmp/busybox-static*.deb

for kernel in $kernels; do
  meta=$(kernel_package "$kernel")
  image=$(chroot "$root" apt-cache depends "$meta" | awk '/Depends: linux-image/ {print $2; exit}')
  say "kernel $kernel: $image"
  chroot "$root" sh -c "cd /tmp && apt-get -qq -o APT::Sandbox::User=root download '$image'"
  unpack "$root"/tmp/linux-image-*.deb "$out/kernel"
  rm "$root"/tmp/linux-image-*.deb
  version=$(ls "$out/kernel/lib/modules")
  cp "$out/kernel/boot/vmlinuz-$version" "$out/vmlinuz-$kernel"
  modules=$out/kernel/lib/modules/$version/kernel
  rm -rf "$modules"/{sound,drivers/{gpu,media,infiniband,scsi,md,iio,staging,usb,hid,input},fs/{xfs,btrfs,ceph,nfs,nfsd,smb,cifs,f2fs,ocfs2,gfs2,jfs,bcachefs},net/{ceph,sunrpc,wireless,bluetooth,mac80211}}
  mkdir -p "$root/usr/lib/modules"
  mv "$out/kernel/lib/modules/$version" "$root/usr/lib/modules/"
  rm -rf "$out/kernel"
  depmod -b "$root" "$version"

  tree=$out/initrd
  mkdir -p "$tree"/{bin,proc,sys,dev,root,modules}
  cp "$out/busybox/bin/busybox" "$tree/bin/busybox"
  # show-depends prints `insmod PATH` in load order; built-in ones as `builtin NAME`.
  # shellcheck disable=SC2086
  for module in $boot_modules; do modprobe -d "$root" -S "$version" --show-depends "$module"; done |
    awk '$1 == "insmod" && !seen[$2]++ {print $2}' | while read -r path; do
    name=$(basename "$path")
    case $name in
      *.xz) xz -dc "$path" >"$tree/modules/${name%.xz}" ;;
      *) cp "$path" "$tree/modules/$name" ;;
    esac
    echo "${name%.xz}" >>"$tree/modules/order"
  done
  cp "$here/initramfs-init" "$tree/init"
  chmod +x "$tree/init"
  (cd "$tree" && find . | cpio --quiet -o -H newc --owner=0:0) >"$out/initrd-$kernel"
  rm -rf "$tree"
done

say 'settling the system: no network manager, no timers, no first boot, no rivals'
rm -rf "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/* "$root"/usr/share/{man,doc,locale,info} "$root"/tmp/*
rm -f "$root/etc/resolv.conf" "$root"/etc/udev/rules.d/70-persistent-net.rules
echo guest >"$root/etc/hostname"
echo '127.0.0.1 localhost guest' >"$root/etc/hosts"
# A fixed id: no first boot, and no write to /etc on each start.
echo 0123456789abcdef0123456789abcdef >"$root/etc/machine-id"
# The initramfs mounts the disk with the host's node here, when there is one.
mkdir -p "$root/opt/node"
ln -s /opt/node/node "$root/usr/local/bin/node"
echo '/dev/vda / ext4 rw,noatime 0 0' >"$root/etc/fstab"
chroot "$root" passwd -dq root
chroot "$root" sh -c 'mkdir -p /var/lib/rpm && rpm --initdb'
mkdir -p "$root/etc/systemd/journald.conf.d" "$root/etc/systemd/system.conf.d"
printf '[Journal]\nStorage=persistent\nRateLimitIntervalSec=0\n' >"$root/etc/systemd/journald.conf.d/test.conf"
printf '[Manager]\nDefaultTimeoutStopSec=15s\n' >"$root/etc/systemd/system.conf.d/test.conf"
install -m 0644 "$here/qemu-guest-agent.service" "$root/etc/systemd/system/qemu-guest-agent.service"
for unit in apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer e2scrub_reap.service \
  fstrim.timer getty@tty1.service console-getty.service serial-getty@ttyS0.service getty-static.service \
  systemd-timesyncd.service systemd-random-seed.service systemd-update-utmp.service \
  systemd-update-utmp-runlevel.service systemd-pstore.service modprobe@drm.service modprobe@fuse.service \
  modprobe@configfs.service sys-kernel-debug.mount sys-kernel-tracing.mount dev-hugepages.mount dev-mqueue.mount \
  systemd-ask-password-wall.path systemd-ask-password-console.path systemd-binfmt.service logrotate.timer \
  systemd-fsck-root.service systemd-remount-fs.service systemd-rfkill.service kmod-static-nodes.service \
  wpa_supplicant.service NetworkManager-wait-online.service; do
  ln -sf /dev/null "$root/etc/systemd/system/$unit"
done
systemctl --root="$root" --quiet disable irqbalance.service tuned.service NetworkManager.service \
  NetworkManager-dispatcher.service systemd-networkd.service iperf3.service ssh.service \
  prometheus-node-exporter.service 2>/dev/null || true
systemctl --root="$root" --quiet enable qemu-guest-agent.service
systemctl --root="$root" --quiet set-default multi-user.target

used=$(du -s --block-size=1M "$root" | cut -f1)
say "root.ext4: $used MiB used"
truncate -s "$((used + 1500))M" "$out/root.ext4"
# Without what RHEL 7's kernel does not know (metadata_csum_seed, orphan_file).
mkfs.ext4 -q -F -m 0 -O ^metadata_csum,^metadata_csum_seed,^orphan_file,^has_journal -E lazy_itable_init=1,nodiscard -L vqroot -d "$root" "$out/root.ext4"
rm -rf "$root" "$out/busybox"
say 'done'
