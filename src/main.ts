import { OutputStream, outputIsTerminal } from './system/standard-streams'

const abort = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => abort.abort(signal))

// What a lost connection looks like: the work and the watch over it are done to their end, also below nohup, whose SIG_IGN
// the runtime takes back.
let isHungUp = false
process.on('SIGHUP', () => {
  isHungUp = true
})

const argv = process.argv.slice(2)
const out = new OutputStream(1)
const err = new OutputStream(2)

// The boot path comes in a small bundle of its own: parsing the whole of vqtune takes longer than an apply. So does the
// daemon, which would keep the whole of it in memory.
function commandLine(verb: string | undefined): Promise<typeof import('./cli')> {
  switch (verb) {
    case 'apply':
      return import('./cli')
    case 'daemon':
      return import('./cli-daemon')
    default:
      return import('./cli-full')
  }
}

async function main(): Promise<number> {
  const { runCli } = await commandLine(argv[0])
  const isTerminal = outputIsTerminal()
  const code = await runCli(argv, {
    out: (text) => out.write(text),
    err: (text) => err.write(text),
    // As for NO_COLOR: set and not empty; and 0 means what people think.
    verbose: !['', '0', undefined].includes(process.env.VQTUNE_DEBUG),
    color: !process.env.NO_COLOR && process.env.TERM !== 'dumb' && isTerminal,
    isTerminal,
    signal: abort.signal,
  })
  return printed(code)
}

/** Waits for what is still to be printed, unless a signal comes. @returns the exit code, 1 when something could not be */
async function printed(code: number): Promise<number> {
  let isGivenUp = isHungUp
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => {
      isGivenUp = true
    })
  }
  await out.drain(() => isGivenUp)
  if (out.problem !== undefined) err.write(`vqtune: standard output cannot be written (${out.problem})\n`)
  await err.drain(() => isGivenUp)
  const isLost = out.problem !== undefined || err.problem !== undefined
  return isLost && !isHungUp ? code || 1 : code
}

// Not exitCode: a child that hangs in the kernel must not hold us.
main().then((code) => process.exit(code))
