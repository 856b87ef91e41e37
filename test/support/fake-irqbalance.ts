/** irqbalance's socket, as sock_handle() of its source answers; and sockets that answer otherwise. */
import { once } from 'node:events'
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'
import { processFiles } from './systems'

export interface FakeIrqbalance {
  readonly pid: number
  readonly socket: string
  /** Interrupts that are banned, ascending. */
  banned(): readonly number[]
  ban(irqs: readonly number[]): void
  /** The messages, without the NUL at their end. */
  readonly messages: string[]
  /** Ends it: process and socket. */
  stop(): Promise<void>
}

interface FakeOptions {
  readonly pid?: number
  readonly banned?: readonly number[]
  /** 500 until 1.9.4; 16 KiB since. */
  readonly bufferBytes?: number
  /** Instead of what irqbalance does. */
  readonly behave?: (socket: Socket) => void
  /** Whether the process can be seen. Default: yes. */
  readonly isVisible?: boolean
  readonly cmdline?: string
}

/** @param root of a tree; the process and its socket are made there */
export async function startIrqbalance(root: string, options: FakeOptions = {}): Promise<FakeIrqbalance> {
  const { pid = 812, bufferBytes = 16_384, behave, isVisible = true } = options
  const { cmdline = '/usr/sbin/irqbalance\0--foreground\0' } = options
  let banned = new Set(options.banned)
  const messages: string[] = []
  const open = new Set<Socket>()
  const server = createServer((socket) => {
    open.add(socket)
    socket.on('close', () => open.delete(socket)).on('error', () => {})
    if (behave !== undefined) {
      behave(socket)
      return
    }
    socket.once('data', (data) => {
      const text = data.subarray(0, bufferBytes).toString('latin1')
      messages.push(text.replace(/\0$/, ''))
      const list = /^settings ban irqs (.*)/s.exec(text)?.[1]
      if (list !== undefined) banned = numbersOf(list)
      if (text.startsWith('setup')) {
        const irqs = [...banned].sort((a, b) => a - b).map((irq) => `IRQ ${irq} LOAD 0 DIFF 0 CLASS 0 `)
        socket.write(`SLEEP 10 ${irqs.join('')}BANNED 00000000`)
      }
      socket.end()
    })
  })
  const directory = `${root}/run/irqbalance`
  mkdirSync(directory, { recursive: true })
  const socket = `${directory}/irqbalance${pid}.sock`
  server.listen(socket)
  await once(server, 'listening')
  chmodSync(socket, 0o755)
  if (isVisible) {
    mkdirSync(`${root}/proc/${pid}`, { recursive: true })
    const files = processFiles(pid, 'irqbalance', { cmdline })
    for (const [path, text] of Object.entries(files)) writeFileSync(`${root}${path}`, text)
    const fields = Array.from({ length: 18 }, () => '0').join(' ')
    writeFileSync(`${root}/proc/${pid}/stat`, `${pid} (irqbalance) S ${fields} ${pid}77 0\n`)
  }
  const stop = async (): Promise<void> => {
    for (const one of open) one.destroy()
    if (!server.listening) return
    server.close()
    await once(server, 'close')
  }
  onTestFinished(stop)
  return {
    ...{ pid, socket, messages, stop },
    banned: () => [...banned].sort((a, b) => a - b),
    ban: (irqs) => {
      banned = new Set(irqs)
    },
  }
}

/** As strtoul() in a loop that a zero ends, but for the first. */
function numbersOf(list: string): Set<number> {
  const numbers = new Set<number>()
  for (const [position, word] of list.split(/[\s\0]+/).entries()) {
    const number = Number.parseInt(word, 10)
    if (Number.isNaN(number) || (number === 0 && position > 0)) break
    numbers.add(number)
  }
  return numbers
}
