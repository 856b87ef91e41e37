/** Lines of `udevadm monitor --kernel`. Pure. */

export interface KernelEvent {
  /** add, remove, move, change, online, offline, bind ... */
  readonly action: string
  /** Path below /sys. */
  readonly device: string
  readonly subsystem: string
}

/** `KERNEL[12.345678] add      /devices/pci0000:00/.../queues/rx-1 (queues)`; undefined for the heading and anything else. */
export function parseKernelEvent(line: string): KernelEvent | undefined {
  const match = /^KERNEL\[\d+\.\d+\]\s+(\w+)\s+(\/\S+)\s+\((\w+)\)\s*$/.exec(line)
  const [, action, device, subsystem] = match ?? []
  if (action === undefined || device === undefined || subsystem === undefined) return undefined
  return { action, device, subsystem }
}

/** Whether the event can concern a virtio NIC or the vCPUs. Containers cause many veth events. */
export function concernsUs({ device, subsystem, action }: KernelEvent): boolean {
  // A vCPU that is added is still offline; its online event follows.
  if (subsystem === 'cpu') return action !== 'add'
  return !device.startsWith('/devices/virtual/')
}
