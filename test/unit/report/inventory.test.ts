import { afterEach, beforeEach, expect, it, vi } from 'vitest'

const told = vi.hoisted(() => ({
  system: async (): Promise<object> => ({}),
  cpu: async (): Promise<object> => ({}),
}))
vi.mock('systeminformation', () => ({ system: () => told.system(), cpu: () => told.cpu() }))

const { readInventory } = await import('../../../src/report/inventory')
const EVENTS = ['uncaughtException', 'unhandledRejection'] as const
let environment: NodeJS.ProcessEnv
let listening: readonly (readonly unknown[])[]
beforeEach(() => {
  environment = { ...process.env }
  listening = EVENTS.map((event) => process.listeners(event as 'uncaughtException'))
  told.system = async () => ({ manufacturer: 'QEMU', model: 'Standard PC' })
  told.cpu = async () => ({ manufacturer: 'AMD', brand: 'EPYC 7B12', cores: 4 })
})
afterEach(() => {
  vi.useRealTimers()
  for (const name of Object.keys(process.env)) delete process.env[name]
  Object.assign(process.env, environment)
  // What it leaves for good, since the program ends with it.
  for (const [i, event] of EVENTS.entries())
    for (const listener of process.listeners(event as 'uncaughtException'))
      if (!listening[i]?.includes(listener)) process.off(event, listener)
})

it('is the machine and its processor', async () => {
  expect(await readInventory()).toEqual({ machine: 'QEMU Standard PC', cpu: 'AMD EPYC 7B12, 4 vCPUs' })
})

it('leaves out what is not told', async () => {
  told.system = async () => ({ manufacturer: '', model: '' })
  told.cpu = async () => ({ manufacturer: '', brand: 'Cortex-A57', cores: 2 })
  expect(await readInventory()).toEqual({ machine: 'unknown', cpu: 'Cortex-A57, 2 vCPUs' })
})

it('hands nothing of the caller to the programs that are started', async () => {
  process.env['BASH_FUNC_lscpu%%'] = '() { echo bad; }'
  process.env.PATH = '/home/user/bin'
  let seen: NodeJS.ProcessEnv = {}
  told.system = async () => {
    seen = { ...process.env }
    return { manufacturer: '', model: '' }
  }
  await readInventory()
  expect(seen).not.toHaveProperty('BASH_FUNC_lscpu%%')
  expect(seen.PATH).not.toContain('/home/user')
  expect(seen.LC_ALL).toMatch(/^C/)
})

it('is not there when it cannot be told, or a program cannot be started', async () => {
  told.cpu = async () => {
    throw new Error('no')
  }
  expect(await readInventory()).toBeUndefined()
  told.cpu = () => new Promise(() => {})
  const asked = readInventory()
  const error = Object.assign(new Error('spawn ENOMEM'), { syscall: 'spawn lscpu' })
  const added = process.listeners('uncaughtException').at(-1)
  added?.(error, 'uncaughtException')
  expect(await asked).toBeUndefined()
  // Any other error is none of its business.
  expect(() => added?.(new Error('other'), 'uncaughtException')).toThrow('other')
})

it('is not waited for longer than ten seconds', async () => {
  vi.useFakeTimers()
  told.cpu = () => new Promise(() => {})
  let result: unknown = 'waiting'
  void readInventory().then((one) => {
    result = one
  })
  await vi.advanceTimersByTimeAsync(9_999)
  expect(result).toBe('waiting')
  await vi.advanceTimersByTimeAsync(1)
  expect(result).toBeUndefined()
})
