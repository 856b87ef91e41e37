import { spawn } from 'node:child_process'
import { copyFileSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { execa } from 'execa'
import { bundlesBeside } from '../../support/bundle'
import { HostNetwork } from './host-network'
import { guestImage, nodeDisk } from './image'
import { logTail } from './log-tail'
import { type BootOptions, qemuArgs } from './qemu-args'
import { scaled } from './wait'

/**
 * A real guest that runs one script instead of systemd and ends: a third of a boot. Same kernels, modules, root disk,
 * NICs and node as Guest; no udev (interfaces are eth0, eth1 ...), no agent.
 */
export type QuickOptions = Pick<
  BootOptions,
  'kernel' | 'cpus' | 'nics' | 'smbios' | 'smbiosTables' | 'kernelArgs' | 'memoryMiB'
> & {
  /** Bundle that becomes `vqtune` in the script. Without it the script has busybox and nothing else, sooner. */
  readonly vqtune?: string
}

const runPrefix = 'vqtune-test-guest-'
const limitMs = 300_000

const start = `#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
`

const bareInit = `${start}stty -F /dev/ttyS1 raw
sh /vqtune/script >/dev/ttyS1 2>&1
reboot -f
`

/** Takes the place of the image's own init: a later archive of an initramfs replaces files of an earlier one. */
const init = `${start}while read -r module; do insmod "/modules/$module"; done </modules/order
until [ -b /dev/vda ] && [ -b /dev/vdb ]; do sleep 0.1; done
mount -t ext4 -o rw,noatime /dev/vda /root
mount -t ext4 -o ro /dev/vdb /root/opt/node
for directory in proc sys dev; do mount -o bind /$directory /root/$directory; done
mount -t tmpfs run /root/run
cp -r /vqtune /root/run/vqtune-test
chroot /root modprobe virtio_net
chroot /root stty -F /dev/ttyS1 raw
chroot /root /usr/bin/env PATH=/run/vqtune-test:/usr/sbin:/usr/bin:/sbin:/bin sh /run/vqtune-test/script >/dev/ttyS1 2>&1
sync
reboot -f
`

const wrapper = '#!/bin/sh\nexec /opt/node/node /run/vqtune-test/vqtune.cjs "$@"\n'

/** Boots, runs the script as root, and returns what it printed on either stream. */
export async function runInGuest(options: QuickOptions, script: string): Promise<string> {
  const image = await guestImage()
  const disk = options.vqtune === undefined ? undefined : await nodeDisk()
  const runDirectory = mkdtempSync(join(tmpdir(), `${runPrefix}${process.pid}-`))
  const network = await HostNetwork.create()
  try {
    for (const [index, nic] of options.nics.entries()) await network.addTap(index, nic.queues)
    const initrd = await makeInitrd(runDirectory, image.initrd(options.kernel), options.vqtune, script)
    const output = join(runDirectory, 'output')
    const [file, args] = network.wrap([
      'qemu-system-x86_64',
      ...qemuArgs(
        { ...options, extraArgs: ['-serial', `file:${output}`, '-no-reboot'] },
        { image: { ...image, initrd: () => initrd }, nodeDisk: disk, runDirectory },
      ),
    ])
    await ended(file, args, [join(runDirectory, 'console.log'), output])
    return readFileSync(output, 'utf8')
  } finally {
    network.remove()
    rmSync(runDirectory, { recursive: true, force: true })
  }
}

async function makeInitrd(
  runDirectory: string,
  imageInitrd: string,
  bundle: string | undefined,
  script: string,
): Promise<string> {
  const tree = join(runDirectory, 'tree')
  mkdirSync(join(tree, 'vqtune'), { recursive: true })
  writeFileSync(join(tree, 'init'), bundle === undefined ? bareInit : init, { mode: 0o755 })
  writeFileSync(join(tree, 'vqtune', 'script'), script)
  if (bundle !== undefined) {
    writeFileSync(join(tree, 'vqtune', 'vqtune'), wrapper, { mode: 0o755 })
    for (const file of bundlesBeside(bundle)) cpSync(file, join(tree, 'vqtune', basename(file)))
  }
  const { stdout: names } = await execa('find', ['.'], { cwd: tree })
  const { stdout: archive } = await execa('cpio', ['--quiet', '-o', '-H', 'newc', '--owner=0:0'], {
    cwd: tree,
    input: names,
    encoding: 'buffer',
  })
  const initrd = join(runDirectory, 'initrd')
  copyFileSync(imageInitrd, initrd)
  writeFileSync(initrd, archive, { flag: 'a' })
  return initrd
}

function ended(file: string, args: readonly string[], logs: readonly string[]): Promise<void> {
  const qemu = spawn(file, args, {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, TMPDIR: process.env.TMPDIR ?? '/var/tmp' },
  })
  let complaints = ''
  qemu.stderr.on('data', (data: Buffer) => {
    complaints += data
  })
  const late = setTimeout(() => qemu.kill('SIGKILL'), scaled(limitMs))
  return new Promise((resolve, reject) => {
    qemu.once('error', reject)
    qemu.once('exit', (code, signal) => {
      clearTimeout(late)
      if (code === 0) return resolve()
      // What the kernel said, and how far the script got.
      reject(new Error([`QEMU ended (${code ?? signal}): ${complaints}`, ...logs.map(logTail)].join('\n')))
    })
  })
}
