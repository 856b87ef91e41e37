/**
 * A guest of many vCPUs with a NIC of as many queue pairs as a tap can have. Emulated, it takes minutes to boot, so
 * this is none of the tests for each change.
 */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Guest } from './lib/guest'
import { queuesOf } from './lib/queues'

const CPUS = 64
/** MAX_TAP_QUEUES of the host's kernel, drivers/net/tun.c. */
const QUEUES = 256
const SLOW_MS = 300_000

let guest: Guest
let nic: string
beforeAll(async () => {
  guest = await Guest.boot({
    kernel: '6.1',
    cpus: CPUS,
    maxCpus: CPUS + 1,
    memoryMiB: 4096,
    nics: [{ queues: QUEUES }],
    vqtune: 'dist/vqtune.cjs',
    bootTimeoutMs: 900_000,
  })
  nic = await guest.nicName(0)
})
afterAll(() => guest?.dispose())

const vqtune = (...args: string[]) => guest.exec(['vqtune', ...args], { timeoutMs: SLOW_MS })

/** CPUs of rx IRQ and tx IRQ, and those that send by it, of each queue. */
async function layout(): Promise<string[]> {
  return (await queuesOf(guest, nic)).map(({ rx, tx, xps }) => `${rx} ${tx} ${cpusOf(xps).join()}`)
}

/** A mask as the kernel writes it: words of 32 bits, the highest first. */
function cpusOf(mask: string): number[] {
  const bits = BigInt(`0x${mask.replaceAll(',', '')}`)
  return Array.from({ length: CPUS + 1 }, (_, cpu) => cpu).filter((cpu) => (bits >> BigInt(cpu)) & 1n)
}

const ownCpuEach = (count: number): string[] =>
  Array.from({ length: count }, (_, cpu) => `${cpu} ${cpu} ${cpu}`)

test(`of ${QUEUES} queue pairs the kernel took one for each vCPU, and nothing is left to do`, async () => {
  expect(await vqtune('apply')).toMatchObject({ code: 0, stdout: 'nothing to do: 1 NIC up to date\n' })
  expect(await layout()).toEqual(ownCpuEach(CPUS))
  expect((await vqtune('explain', nic)).stdout).toContain(`host maximum ${QUEUES}`)
})

test.each([
  ['fewer', 3],
  ['more', QUEUES],
])('%s channels than vCPUs are repaired in one go', async (_name, channels) => {
  await guest.run(['ethtool', '-L', nic, 'combined', String(channels)], { timeoutMs: SLOW_MS })
  expect(await vqtune('status', '--check')).toMatchObject({ code: 3 })
  const { code, stdout } = await vqtune('apply')
  expect(stdout).toContain(`${nic}: channels ${channels} -> ${CPUS}`)
  expect(code).toBe(0)
  expect(await layout()).toEqual(ownCpuEach(CPUS))
  expect(await vqtune('status', '--check')).toMatchObject({ code: 0 })
})

test('one more vCPU has its own channel as soon as it is online', async () => {
  const cpu = await guest.addCpu()
  await guest.setCpuOnline(cpu, true)
  expect((await vqtune('apply')).stdout).toContain(`${nic}: channels ${CPUS} -> ${CPUS + 1}`)
  expect(await layout()).toEqual(ownCpuEach(CPUS + 1))
})

test('rollback restores what was there before the first change', async () => {
  expect((await vqtune('rollback')).stdout).toContain(`${nic}: channels ${CPUS + 1} -> 3`)
  expect(await layout()).toHaveLength(3)
})
