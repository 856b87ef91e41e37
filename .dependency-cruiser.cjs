// Imports run downward only. The order of the layers is the order of this list, top first.
const layers = [
  // Knows what every layer prints; nothing of the program loads it.
  ['output/schemas'],
  ['main.ts', 'cli.ts', 'cli-daemon.ts', 'cli-full.ts'],
  ['commands'],
  // What the verbs print: may name the types of every layer that they call.
  ['output(?!/schemas)'],
  ['daemon'],
  ['trial', 'report', 'guard', 'capture'],
  ['confirm'],
  ['drift'],
  ['writers', 'advice'],
  ['irqbalance'],
  ['planner'],
  ['hypervisor'],
  ['config'],
  ['tunables'],
  ['kernel'],
  ['system'],
  ['text', 'model.ts', 'errors.ts', 'quantile.ts', 'version.ts'],
]
const pattern = (names) =>
  `^src/(${names.map((name) => (name.endsWith('.ts') ? name.replace('.', '\\.') : `${name}/`)).join('|')})`

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    { name: 'no-circular', severity: 'error', from: {}, to: { circular: true } },
    ...layers.slice(1).map((layer, i) => ({
      name: `downward-only: ${layer.join(', ')}`,
      severity: 'error',
      from: { path: pattern(layer) },
      to: { path: pattern(layers.slice(0, i + 1).flat()) },
    })),
    {
      name: 'no-dev-dependencies',
      severity: 'error',
      from: { path: '^src/' },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'] },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { extensions: ['.ts', '.js', '.mjs', '.cjs', '.json'] },
  },
}
