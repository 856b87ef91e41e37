/** The command line for `vqtune daemon` alone. The bundler gives it a file of its own, see packaging/bundle.mjs. */
export { runCli } from './cli'
