/**
 * The page of packaging/cockpit as Cockpit serves it: under the same path, with the policy of its manifest. The programs that
 * it starts are the built vqtune on a tree.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, watch } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { json } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { execa } from 'execa'
import type { Locator } from 'playwright-core'
import { BUNDLE } from './bundle'

const BUILD = fileURLToPath(new URL('../../packaging/cockpit/build.mjs', import.meta.url))
const FAKE = fileURLToPath(new URL('fake-cockpit.js', import.meta.url))
const PAGE = '/cockpit/@localhost/vqtune/'
const TYPES: Readonly<Record<string, string>> = { html: 'text/html', js: 'text/javascript', css: 'text/css' }

/** Builds the page as it is packaged. @returns its directory, in that of the caller */
export async function buildPage(files: string): Promise<string> {
  await execa(process.execPath, [BUILD, `${files}/page`, `${files}/meta`], { stdio: 'inherit' })
  return `${files}/page`
}

/** What the overview says of a NIC: its state, channels, target, host maximum, limit and private queues. */
export async function stateIn(row: Locator): Promise<string[]> {
  const cells = row.getByRole('gridcell').or(row.getByRole('cell'))
  return (await cells.allTextContents()).slice(1, 7)
}

interface Spawned {
  readonly argv: readonly string[]
  readonly superuser?: 'try' | 'require'
}

/** What the page finds; tests change it. */
export interface Session {
  /** A tree, or an archive for what only reads. */
  root: string
  /** Administrative access is on. */
  isAdmin: boolean
  isInstalled: boolean
  /** More options for the program, such as another libvirt. */
  more: (argv: readonly string[]) => readonly string[]
  /** What arrives at the page of what the program printed. */
  printed: (argv: readonly string[], text: string) => string
}

export class CockpitPage {
  readonly session: Session = {
    root: '/nonexistent',
    isAdmin: true,
    isInstalled: true,
    more: () => [],
    printed: (_argv, text) => text,
  }
  /** All that the page started, in order. */
  readonly spawned: Spawned[] = []
  private readonly children = new Set<ChildProcess>()

  private constructor(
    readonly files: string,
    private readonly server: Server,
  ) {}

  static async start(): Promise<CockpitPage> {
    const files = mkdtempSync(join(tmpdir(), 'vqtune-cockpit-'))
    await buildPage(files)
    const server = createServer()
    const page = new CockpitPage(files, server)
    server.on('request', (request, response) => page.answer(request, response))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return page
  }

  url(path = ''): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}${PAGE}index.html#/${path}`
  }

  async close(): Promise<void> {
    for (const child of this.children) child.kill()
    this.server.closeAllConnections()
    await new Promise((resolve) => this.server.close(resolve))
    rmSync(this.files, { recursive: true, force: true })
  }

  private answer(request: IncomingMessage, response: ServerResponse): void {
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://localhost')
    if (pathname === '/spawn') this.spawn(request, response)
    else if (pathname === '/watch') this.watch(searchParams.get('path') ?? '', response)
    else if (pathname === '/cockpit/@localhost/base1/cockpit.js') send(response, FAKE)
    else if (pathname.startsWith(PAGE))
      send(response, `${this.files}/page/${basename(pathname)}`, this.policy())
    else response.writeHead(pathname === '/favicon.ico' ? 204 : 404).end()
  }

  private policy(): string {
    const manifest = JSON.parse(readFileSync(`${this.files}/page/manifest.json`, 'utf8')) as object
    return (manifest as { 'content-security-policy': string })['content-security-policy']
  }

  private async spawn(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const spawned = (await json(request)) as Spawned
    this.spawned.push(spawned)
    const { session } = this
    const say = (line: object): void => {
      response.write(`${JSON.stringify(line)}\n`)
    }
    const fail = (problem: string): void => {
      say({ end: { failed: true, problem, message: problem, exit_status: null } })
      response.end()
    }
    const [program, ...args] = spawned.argv
    if (program !== 'vqtune') throw new Error(`the page starts ${program}`)
    if (spawned.superuser === 'require' && !session.isAdmin) return fail('access-denied')
    if (!session.isInstalled) return fail('not-found')
    const end = args.indexOf('--')
    const at = end === -1 ? args.length : end
    const more = ['--root', session.root, ...session.more(args)]
    const child = spawn(process.execPath, [BUNDLE, ...args.slice(0, at), ...more, ...args.slice(at)], {
      env: { LC_ALL: 'C', PATH: process.env.PATH },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.children.add(child)
    const texts = { out: '', err: '' }
    const isLined = args.includes('--progress')
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      if (isLined) say({ out: text })
      else texts.out += text
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      texts.err += text
    })
    response.on('close', () => child.kill('SIGTERM'))
    child.on('close', (code) => {
      this.children.delete(child)
      if (texts.out !== '') say({ out: session.printed(args, texts.out) })
      say({ end: { failed: code !== 0, problem: null, message: texts.err, exit_status: code } })
      response.end()
    })
  }

  /** Tells of each change of one file in the tree, as fswatch1 does. */
  private watch(path: string, response: ServerResponse): void {
    response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders()
    const file = `${this.session.root}${path}`
    if (!existsSync(dirname(file))) return
    const watcher = watch(dirname(file), (_event, name) => {
      if (name === basename(file)) response.write(`data: ${Date.now()}\n\n`)
    })
    response.on('close', () => watcher.close())
  }
}

function send(response: ServerResponse, file: string, policy?: string): void {
  if (!existsSync(file)) {
    response.writeHead(404).end()
    return
  }
  const type = TYPES[file.split('.').pop() ?? ''] ?? 'application/octet-stream'
  response.writeHead(200, {
    'content-type': `${type}; charset=utf-8`,
    'x-content-type-options': 'nosniff',
    ...(policy === undefined ? {} : { 'content-security-policy': policy }),
  })
  response.end(readFileSync(file))
}
