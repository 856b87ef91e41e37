import { outputIsTerminal, writeTo } from './system/standard-streams'

const abort = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => abort.abort(signal))

const argv = process.argv.slice(2)

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
  return runCli(argv, {
    out: (text) => writeTo(1, text),
    err: (text) => writeTo(2, text),
    // As for NO_COLOR: set and not empty; and 0 means what people think.
    verbose: !['', '0', undefined].includes(process.env.VQTUNE_DEBUG),
    color: !process.env.NO_COLOR && outputIsTerminal(),
    signal: abort.signal,
  })
}

// Not exitCode: a child that hangs in the kernel must not hold us. Standard streams are written synchronously.
main().then((code) => process.exit(code))
