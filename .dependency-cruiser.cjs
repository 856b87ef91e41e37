// Imports run downward only. The order of the layers is the order of this list, top first.
const layers = [
  ['main.ts', 'cli.ts'],
  ['commands'],
  ['daemon'],
  ['trial', 'report'],
  ['guard'],
  ['output', 'host', 'drift', 'advice', 'logger.ts'],
  ['goals.ts', 'boot.ts'],
  [
    'reconcile.ts',
    'plan.ts',
    'ledger.ts',
    'step-back.ts',
    'privacy.ts',
    'observe.ts',
    'desire.ts',
    'layout.ts',
  ],
  ['tunables'],
  ['config'],
  ['system'],
  ['model.ts', 'errors.ts', 'plural.ts', 'untrusted.ts', 'version.ts'],
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
      // help.ts prints the registry: a table of data that lives with the commands.
      to: { path: pattern(layers.slice(0, i + 1).flat()), pathNot: '^src/commands/(registry|command)\\.ts' },
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
