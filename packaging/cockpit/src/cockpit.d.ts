/** What this page uses of cockpit.js, which Cockpit itself provides: https://cockpit-project.org/guide/latest/ */

interface CockpitFailure {
  /** A code of Cockpit, such as not-found or access-denied; null when the program itself failed. */
  readonly problem?: string | null
  readonly message?: string
  readonly exit_status?: number | null
}

interface CockpitProcess extends Promise<string> {
  /** Gives the output as it comes; the promise then has none. */
  stream(onOutput: (text: string) => void): CockpitProcess
  close(problem?: string): void
}

interface CockpitFile {
  watch(
    onChange: (content: string | null, tag: string | null) => void,
    options?: { readonly read: boolean },
  ): { remove(): void }
}

interface CockpitPermission extends EventTarget {
  /** null until it is known. */
  readonly allowed: boolean | null
  addEventListener(type: 'changed', listener: () => void): void
  removeEventListener(type: 'changed', listener: () => void): void
}

declare const cockpit: {
  spawn(
    argv: readonly string[],
    options: {
      readonly superuser?: 'try' | 'require'
      readonly err: 'message'
      readonly environ: readonly string[]
    },
  ): CockpitProcess
  file(path: string): CockpitFile
  permission(options: { readonly admin: true }): CockpitPermission
  readonly location: { readonly path: readonly string[]; go(path: readonly string[]): void }
  jump(path: string): void
  addEventListener(type: 'locationchanged', listener: () => void): void
  removeEventListener(type: 'locationchanged', listener: () => void): void
}

declare module 'virtual:shapes' {
  const shapes: Readonly<Record<string, import('./answers/shape').Shape>>
  export default shapes
}

declare module '*.css'
