/** docs/tutorial.md, command by command, in a guest that ethtool changes: each prints what the page shows. */
import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { afterAll, expect, it } from 'vitest'
import { BUNDLE } from '../support/bundle'
import { generateTree } from '../support/generated-tree'

const PAGE = 'docs/tutorial.md'
const tree = generateTree(4, [{ name: 'ens3', maximum: 4, current: 2, counts: [4], vectors: true }])
afterAll(() => tree.remove())

/** In the guest: `vqtune` looks at the tree, `ethtool` is the tree's, files are below it. */
function run(command: string): string {
  const script = `vqtune() { "$NODE" "$BUNDLE" "$@" --root "$TREE"; }
ethtool() { "$TREE/usr/sbin/ethtool" "$@"; }
cat() { command cat "$TREE$1"; }
${command}`
  const { stdout, stderr } = spawnSync('sh', ['-c', script], {
    encoding: 'utf8',
    env: { PATH: '/usr/bin:/bin', NODE: process.execPath, BUNDLE, TREE: tree.root },
  })
  return (stdout + stderr).replaceAll(tree.root, '')
}

it('the tutorial shows what its commands print, in this order', () => {
  const text = readFileSync(PAGE, 'utf8')
  const commands: string[] = []
  const now = text.replace(/```console\n([\s\S]*?)```/g, (_, block: string) => {
    const own = block.split('\n').filter((line) => line.startsWith('# '))
    commands.push(...own)
    const printed = own.map((line) => `${line}\n${run(line.slice(2)).trimEnd()}\n`)
    return `\`\`\`console\n${printed.join('')}\`\`\``
  })
  expect(commands.length).toBeGreaterThan(10)
  // `VQTUNE_UPDATE=1 npx vitest run --project cli tutorial` writes the page.
  if (process.env.VQTUNE_UPDATE) writeFileSync(PAGE, now)
  else expect(text).toBe(now)
  // It began with drift, and there is none left.
  expect(now).toMatch(/ens3: 2 channels, target 4[\s\S]*echo \$\?\n3\n[\s\S]*4 channels[\s\S]*echo \$\?\n0\n/)
})
