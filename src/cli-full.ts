/** The command line with every verb. The bundler gives it a file of its own, see packaging/bundle.mjs. */
export { runCli } from './cli'
