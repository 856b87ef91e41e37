/**
 * A unit of someone who shrinks the NIC in each boot before vqtune looks: what an old kernel or a rival's rule does. The boot unit has
 * something to do then.
 */
export const earlyRival = (nic: string): string => `[Unit]
DefaultDependencies=no
After=local-fs.target systemd-udev-trigger.service
Before=vqtune-boot.service
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/bin/udevadm wait --timeout=3600 /sys/class/net/${nic}
ExecStart=/usr/sbin/ethtool -L ${nic} combined 1
[Install]
WantedBy=multi-user.target
`
