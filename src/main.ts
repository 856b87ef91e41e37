import { runCli } from './cli'

const abort = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => abort.abort(signal))

runCli(process.argv.slice(2), {
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
  color: process.stdout.isTTY === true && !process.env.NO_COLOR,
  signal: abort.signal,
}).then((code) => {
  // Not exitCode: a child that hangs in the kernel must not hold us. Standard streams are written synchronously.
  process.exit(code)
})
