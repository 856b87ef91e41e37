/** vCPUs that somebody keeps free of interrupts, by each way that the kernel or tuned has, in real guests: none of them gets a queue. */
import { afterEach, expect, test } from 'vitest'
import { Guest } from './lib/guest'
import { kernelOf } from './lib/kernels'

const CPUS = 4
let guest: Guest | undefined
afterEach(async () => {
  await guest?.dispose()
  guest = undefined
})

interface Status {
  readonly vcpus: { readonly isolated: string }
}

async function boot(...kernelArgs: string[]): Promise<Guest> {
  guest = await Guest.boot({
    ...{ kernel: kernelOf('6.12'), cpus: CPUS, nics: [{ queues: CPUS }], kernelArgs },
    vqtune: 'dist/vqtune.cjs',
  })
  return guest
}

/** Applies, and expects that vCPU 3 has no interrupt of a queue, with the source named. */
async function expectFree(vm: Guest, source: string): Promise<void> {
  const nic = await vm.nicName(0)
  const applied = await vm.exec(['vqtune', 'apply'])
  expect(applied.code, applied.stderr).toBe(0)
  const status: Status = JSON.parse(await vm.run(['vqtune', 'status', '--json']))
  expect(status.vcpus.isolated).toBe('3')
  expect(await vm.run(['vqtune', 'explain', nic])).toContain(source)
  const lists = await vm.shell(
    `for irq in $(sed -n 's/^ *\\([0-9]*\\):.*virtio[0-9]*-\\(input\\|output\\)\\.[0-9]*$/\\1/p' /proc/interrupts); do cat /proc/irq/$irq/smp_affinity_list; done`,
  )
  const ofQueues = lists
    .trim()
    .split('\n')
    .slice(0, 2 * (CPUS - 1))
  expect(ofQueues.length).toBe(2 * (CPUS - 1))
  expect(
    ofQueues.filter((list) => /\b3\b|-3\b/.test(list)),
    lists,
  ).toEqual([])
  expect((await vm.run(['sh', '-c', `ls -d /sys/class/net/${nic}/queues/tx-* | wc -l`])).trim()).toBe('3')
}

test.each([
  ['isolcpus=3', 'isolcpus='],
  ['isolcpus=managed_irq,3', 'isolcpus= or irqaffinity='],
  ['irqaffinity=0-2', 'isolcpus= or irqaffinity='],
])('%s', async (argument, source) => {
  await expectFree(await boot(argument), source)
})

test("tuned's isolated_cores, before the reboot that it asks for", async () => {
  const vm = await boot()
  // As tuned writes them; it need not run.
  await vm.run(['mkdir', '-p', '/etc/tuned'])
  await vm.writeFile('/etc/tuned/active_profile', 'cpu-partitioning\n')
  await vm.writeFile('/etc/tuned/cpu-partitioning-variables.conf', 'isolated_cores=3\n')
  await expectFree(vm, '/etc/tuned/cpu-partitioning-variables.conf')
})

test('a cpuset partition, made while the guest runs, and given up again', async () => {
  const vm = await boot()
  const nic = await vm.nicName(0)
  const partition = '/sys/fs/cgroup/apart'
  await vm.shell(
    `echo +cpuset >/sys/fs/cgroup/cgroup.subtree_control; mkdir ${partition}; echo 3 >${partition}/cpuset.cpus; echo isolated >${partition}/cpuset.cpus.partition`,
  )
  expect((await vm.readFile(`${partition}/cpuset.cpus.partition`)).trim()).toBe('isolated')
  await expectFree(vm, 'an isolated cpuset')
  await vm.shell(`echo member >${partition}/cpuset.cpus.partition`)
  expect((await vm.exec(['vqtune', 'apply'])).code).toBe(0)
  expect((await vm.run(['sh', '-c', `ls -d /sys/class/net/${nic}/queues/tx-* | wc -l`])).trim()).toBe('4')
})
