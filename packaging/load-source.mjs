// A module of src as data, for what is made from it at build time.
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const top = fileURLToPath(new URL('..', import.meta.url))

/** What the module would load later stays outside: import() is never called here. @param module below src */
export async function loadSource(module, define = {}) {
  const { outputFiles } = await build({
    entryPoints: [`${top}src/${module}`],
    bundle: true,
    format: 'esm',
    platform: 'node',
    write: false,
    logLevel: 'warning',
    define,
    plugins: [
      {
        name: 'later-imports-stay-outside',
        setup({ onResolve }) {
          onResolve({ filter: /.*/ }, ({ kind, path }) =>
            kind === 'dynamic-import' ? { path, external: true } : undefined,
          )
        },
      },
    ],
  })
  return import(`data:text/javascript;base64,${Buffer.from(outputFiles[0].contents).toString('base64')}`)
}

/** The schemas of `--json`. @returns name -> JSON schema */
export async function loadSchemas(version) {
  const { SCHEMAS, jsonSchema } = await loadSource('output/schemas/index.ts', {
    VQTUNE_VERSION: JSON.stringify(version),
  })
  return Object.fromEntries(Object.keys(SCHEMAS).map((name) => [name, jsonSchema(name)]))
}
