const abort = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => abort.abort(signal))

const argv = process.argv.slice(2)

// The boot path comes in a small bundle of its own: parsing the whole of vqtune takes longer than an apply.
async function main(): Promise<number> {
  const { runCli } = argv[0] === 'apply' ? await import('./cli') : await import('./cli-full')

  return runCli(argv, {
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    color: process.stdout.isTTY === true && !process.env.NO_COLOR,
    signal: abort.signal,
  })
}

// Not exitCode: a child that hangs in the kernel must not hold us. Standard streams are written synchronously.
main().then((code) => process.exit(code))
