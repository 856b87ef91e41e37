import { cpSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { execa } from 'execa'
import { cached, contentHash } from './cache'
import { isRhel, type Kernel, rhelImage } from './kernels'
import { progress } from './locks'

export type Arch = 'x86_64' | 'aarch64'
/** Debian 12 or 13. */
export type Release = 'bookworm' | 'trixie'

export interface Image {
  rootDisk: string
  kernel(kernel: Kernel): string
  initrd(kernel: Kernel): string
}

const recipe = fileURLToPath(new URL('./image', import.meta.url))
const selinuxRecipe = fileURLToPath(new URL('./selinux-image', import.meta.url))
const hardenedRecipe = fileURLToPath(new URL('./hardened-image', import.meta.url))
/** What the recipes of images share that are made of another one. */
const extending = fileURLToPath(new URL('./extend-image.sh', import.meta.url))
const cockpitRecipe = fileURLToPath(new URL('./cockpit-image', import.meta.url))

/** The guest image; built on first use (about a minute), then taken from the cache until its recipe changes. */
export async function guestImage(arch: Arch = 'x86_64', release: Release = 'bookworm'): Promise<Image> {
  const name = ['image', ...(arch === 'x86_64' ? [] : [arch]), ...(release === 'bookworm' ? [] : [release])]
  const directory = await cached(name.join('-'), contentHash([recipe]), async (target) => {
    progress(
      `building the guest image of ${release} for ${arch} (once, about ${arch === 'x86_64' ? 'a minute' : '20 minutes'})`,
    )
    await execa('bash', [join(recipe, 'build.sh'), target, arch, release], {
      stdin: 'ignore',
      stdout: process.stderr,
      stderr: 'inherit',
    })
  })
  return {
    rootDisk: join(directory, 'root.ext4'),
    kernel: (kernel) => (isRhel(kernel) ? rhelImage(kernel) : join(directory, `vmlinuz-${kernel}`)),
    // RHEL's have their drivers built in and refuse the modules that are in it, which its init only remarks.
    initrd: (kernel) => join(directory, `initrd-${isRhel(kernel) ? '6.12' : kernel}`),
  }
}

/** The image of Debian 12 with Debian's SELinux policy, labelled. Kernels and initramfs are those of the image without. */
export function selinuxGuestImage(): Promise<Image> {
  return extendedImage('image-selinux', selinuxRecipe)
}

/** The image of Debian 12 with auditd, which a test enables, and /etc/fstab heeded as elsewhere. */
export function hardenedGuestImage(): Promise<Image> {
  return extendedImage('image-hardened', hardenedRecipe)
}

/** The image with Debian's Cockpit, which a test starts, and a user `admin`, password `vqtune`, who may sudo. */
export function cockpitGuestImage(release: Release = 'bookworm'): Promise<Image> {
  return extendedImage(`image-cockpit-${release}`, cockpitRecipe, release)
}

async function extendedImage(name: string, ownRecipe: string, release?: Release): Promise<Image> {
  const base = await guestImage('x86_64', release)
  const directory = await cached(name, contentHash([recipe, extending, ownRecipe]), async (target) => {
    progress(`building the guest ${name} (once, about two minutes)`)
    await execa('bash', [join(ownRecipe, 'build.sh'), base.rootDisk, target], {
      stdin: 'ignore',
      stdout: process.stderr,
      stderr: 'inherit',
    })
  })
  return { ...base, rootDisk: join(directory, 'root.ext4') }
}

/** A read-only disk with this process's node, seen in the guest as /opt/node/node (and /usr/local/bin/node). */
export async function nodeDisk(): Promise<string> {
  const directory = await cached('node', `${process.version}-rhel7`, async (target) => {
    const tree = join(target, 'tree')
    cpSync(process.execPath, join(tree, 'node'), { dereference: true })
    await execa('mkfs.ext4', [
      '-q',
      '-O',
      // Without what RHEL 7's kernel does not know.
      '^has_journal,^metadata_csum_seed,^orphan_file',
      '-m',
      '0',
      '-d',
      tree,
      join(target, 'disk.ext4'),
      '160M',
    ])
    await execa('rm', ['-r', tree])
  })
  return join(directory, 'disk.ext4')
}
