/** Real output of a Debian 12 hypervisor; see test/fixtures/host/debian12-libvirt9/README.md. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

export function recorded(name: string): string {
  return readFileSync(
    fileURLToPath(new URL(`../../fixtures/host/debian12-libvirt9/${name}`, import.meta.url)),
    'utf8',
  )
}
