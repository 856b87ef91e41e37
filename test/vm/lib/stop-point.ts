/**
 * Stops a guest, its clock too, at the moment when a program in it has done its work: what the host does then has happened
 * before the program ends, however slow either of them is. A wrapper of the program writes to a disk each of whose sectors
 * fails once; QEMU stops a guest whose disk fails, and tries again when it is told to go on.
 */
import type { Guest } from './guest'
import { PATIENCE_MS } from './wait'

/** Stop points that a guest can have. */
const SECTORS = 8
const failOnce = Array.from({ length: SECTORS }, (_, sector) =>
  Object.entries({ event: 'none', iotype: 'write', errno: 28, once: 'on', sector }).map(
    ([name, value]) => `inject-error.${sector}.${name}=${value}`,
  ),
)

/** For the boot option extraArgs. */
export const STOP_POINT_ARGS = [
  '-drive',
  `if=none,id=stop,driver=blkdebug,image.driver=null-co,image.size=1M,${failOnce.flat().join()},werror=stop`,
  ...['-device', 'virtio-blk-pci,drive=stop,serial=stop-point,bus=pcie.0,addr=0x1d'],
]

const DISK = '/dev/disk/by-id/virtio-stop-point'
const ARMED = '/run/stop-point'
const used = new WeakMap<Guest, number>()

export class StopPoint {
  private readonly stopped: Promise<void>

  private constructor(
    private readonly guest: Guest,
    private readonly tool: string,
  ) {
    this.stopped = guest.qmp.event('STOP', 2 * PATIENCE_MS)
    // Awaited later, when something else may have failed.
    this.stopped.catch(() => {})
  }

  /**
   * After a program has run with these arguments, the next time that it does. Not in the sandbox of a unit, which has no
   * disks.
   * @param tool absolute path
   * @param args with one blank in between
   */
  static async after(guest: Guest, tool: string, args: string): Promise<StopPoint> {
    const sector = used.get(guest) ?? 0
    if (sector === SECTORS) throw new Error(`a guest has ${SECTORS} stop points`)
    used.set(guest, sector + 1)
    await guest.writeFile(
      '/root/stop-point',
      `#!/bin/sh
${tool}.real "$@"
code=$?
if [ "$*" = '${args}' ] && rm ${ARMED} 2>/dev/null; then
  dd if=/dev/zero of=${DISK} bs=512 count=1 seek=${sector} oflag=direct status=none
fi
exit $code
`,
      '0755',
    )
    await guest.shell(`test -b ${DISK}; mv ${tool} ${tool}.real; mv /root/stop-point ${tool}; touch ${ARMED}`)
    return new StopPoint(guest, tool)
  }

  /** Waits for it, works while the guest stands still, and lets it go on. */
  async whenReached(work: () => Promise<void>): Promise<void> {
    await this.stopped
    try {
      await work()
    } finally {
      await this.guest.qmp.run('cont')
    }
  }

  /** The program is itself again. */
  async remove(): Promise<void> {
    await this.guest.shell(`mv ${this.tool}.real ${this.tool}; rm -f ${ARMED}`)
  }
}
