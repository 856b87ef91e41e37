/** Global setup of the projects that run the built binary. */
import { fileURLToPath } from 'node:url'
import { execa } from 'execa'

export default async function setup(): Promise<void> {
  await execa(process.execPath, [fileURLToPath(new URL('../../packaging/bundle.mjs', import.meta.url))], {
    stdio: 'inherit',
  })
}
