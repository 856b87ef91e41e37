/** The command line with every verb. The bundler gives it a file of its own, see packaging/bundle.mjs. */
import { hostname } from 'node:os'
import { type CliStreams, runCli as run } from './cli'
import { canShowLinks, withLinks } from './text/links'

export function runCli(argv: readonly string[], streams: CliStreams): Promise<number> {
  const isLinked =
    streams.color &&
    streams.isTerminal &&
    canShowLinks(process.env) &&
    // What a program reads is shown as it is, and files of a captured tree are not of this machine.
    !argv.some((arg) => arg === '--json' || arg.startsWith('--root'))
  if (!isLinked) return run(argv, streams)
  const host = hostname()
  return run(argv, { ...streams, out: (text) => streams.out(withLinks(text, host)) })
}
