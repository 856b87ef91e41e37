import { mkdtempSync, rmdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type CliResult, inNamespace } from './bundle'

/**
 * Writing changes nothing of this machine: /usr is a layer above its own, /etc has little more than users. There are no services;
 * the network is a loopback of its own.
 */
const PRELUDE = `
set -e
mount -t tmpfs none "$ROOT"
cd "$ROOT"
mkdir -m 755 .upper .work usr proc sys dev etc var run root
mkdir -m 1777 tmp var/tmp
mount -t overlay -o "lowerdir=$LAYERS/usr,upperdir=$ROOT/.upper,workdir=$ROOT/.work" none usr
cp -a /bin /sbin /lib .
[ ! -e /lib64 ] || cp -a /lib64 .
for directory in proc sys dev; do mount --rbind "/$directory" "$directory"; done
cp -a /etc/passwd /etc/group /etc/ld.so.cache etc
ip link set lo up
`

/**
 * Runs a script that prepares a root, its working directory, and then enters it with chroot.
 * @param layers trees whose usr is laid above this machine's
 */
export async function inPrivateRoot(
  script: string,
  env: Readonly<Record<string, string>> = {},
  layers: readonly string[] = [],
): Promise<CliResult> {
  const root = mkdtempSync(join(tmpdir(), 'vqtune-root-'))
  try {
    const lower = layers.map((layer) => `${layer}/usr:`).join('')
    return await inNamespace(PRELUDE + script, { ...env, ROOT: root, LAYERS: lower }, ['-n'])
  } finally {
    rmdirSync(root)
  }
}
