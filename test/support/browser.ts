/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type BrowserContext, chromium, type Page } from 'playwright-core'
import { expect } from 'vitest'

/** Debian's Chromium as root, without a network of its own: no updates, no QUIC, no first run. */
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

export interface View {
  readonly width: number
  readonly scheme: 'light' | 'dark'
}

export const VIEWS: readonly View[] = [
  { width: 1280, scheme: 'light' },
  { width: 1280, scheme: 'dark' },
  { width: 390, scheme: 'light' },
  { width: 390, scheme: 'dark' },
]

export class Browser {
  private constructor(
    private readonly context: BrowserContext,
    private readonly profile: string,
  ) {}

  /** @param executable Chromium, or what starts it */
  static async start(executable = '/usr/bin/chromium'): Promise<Browser> {
    const profile = mkdtempSync(join(tmpdir(), 'vqtune-chromium-'))
    const context = await chromium.launchPersistentContext(profile, {
      executablePath: executable,
      headless: true,
      timeout: 600_000,
      args: FLAGS,
      viewport: { width: 1280, height: 900 },
    })
    // Of navigation, and of what is asked of a page.
    context.setDefaultTimeout(600_000)
    return new Browser(context, profile)
  }

  async close(): Promise<void> {
    await this.context.close()
    rmSync(this.profile, { recursive: true, force: true })
  }

  /** Opens an address. The caller judges what it asks for and complains of, and closes the page. */
  async open(url: string, { width, scheme }: View): Promise<Watched> {
    const page = await this.context.newPage()
    const requests: string[] = []
    const complaints: string[] = []
    page.on('request', (request) => requests.push(request.url()))
    page.on('console', (message) => complaints.push(`${message.type()}: ${message.text()}`))
    page.on('pageerror', (error) => complaints.push(error.message))
    await page.emulateMedia({ colorScheme: scheme, reducedMotion: 'reduce' })
    await page.setViewportSize({ width, height: 900 })
    await page.goto(url, { waitUntil: 'load' })
    return { page, requests, complaints }
  }

  /** Opens a file, and fails when it asks for anything else or complains. The caller closes the page. */
  async openAlone(file: string, { width, scheme }: View): Promise<Page> {
    const { page, requests, complaints } = await this.open(`file://${file}`, { width, scheme })
    expect(requests).toEqual([`file://${file}`])
    expect(complaints).toEqual([])
    return page
  }
}

/** What a page asked for, and what it complained of. */
export interface Watched {
  readonly page: Page
  readonly requests: readonly string[]
  readonly complaints: readonly string[]
}

/** Elements that stick out of the window to the right, but for what is inside a box that scrolls. */
export function overflowing(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const width = document.documentElement.clientWidth
    const found = document.documentElement.scrollWidth > width ? ['the page scrolls sideways'] : []
    for (const element of document.body.querySelectorAll('*')) {
      if (element.closest('.scroll') !== null && !element.classList.contains('scroll')) continue
      const { right, left } = element.getBoundingClientRect()
      if (right > width + 0.5 || left < -0.5) found.push(`${element.tagName} ${element.className} ${right}`)
    }
    return found
  })
}

export interface Ink {
  /** Different colours. */
  readonly colours: number
  /** Share of the commonest one, 0..1. */
  readonly ground: number
}

/** What a screenshot of the first element shows, read back by the browser itself. */
export async function inkOf(page: Page, selector: string): Promise<Ink> {
  const shot = await page.locator(selector).first().screenshot()
  const reader = await page.context().newPage()
  try {
    return await reader.evaluate(async (base64) => {
      const image = new Image()
      image.src = `data:image/png;base64,${base64}`
      await image.decode()
      const canvas = document.createElement('canvas')
      canvas.width = image.width
      canvas.height = image.height
      const drawing = canvas.getContext('2d')
      if (drawing === null) throw new Error('no canvas')
      drawing.drawImage(image, 0, 0)
      const { data } = drawing.getImageData(0, 0, image.width, image.height)
      const counts = new Map<number, number>()
      for (let i = 0; i < data.length; i += 4) {
        const colour = ((data[i] ?? 0) << 16) | ((data[i + 1] ?? 0) << 8) | (data[i + 2] ?? 0)
        counts.set(colour, (counts.get(colour) ?? 0) + 1)
      }
      return { colours: counts.size, ground: (Math.max(...counts.values()) * 4) / data.length }
    }, shot.toString('base64'))
  } finally {
    await reader.close()
  }
}

/** The least contrast of text against what is behind it, as WCAG counts it: 4.5 is legible. */
export function leastContrast(page: Page): Promise<{ ratio: number; text: string }> {
  return page.evaluate(() => {
    const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true })
    if (canvas === null) throw new Error('no canvas')
    const rgb = (colour: string, over?: readonly number[]): number[] => {
      canvas.clearRect(0, 0, 1, 1)
      if (over !== undefined) {
        canvas.fillStyle = `rgb(${over.join(' ')})`
        canvas.fillRect(0, 0, 1, 1)
      }
      canvas.fillStyle = colour
      canvas.fillRect(0, 0, 1, 1)
      return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3)
    }
    const luminance = (colour: readonly number[]): number => {
      const [r = 0, g = 0, b = 0] = colour.map((value) => {
        const share = value / 255
        return share <= 0.03928 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4
      })
      return 0.2126 * r + 0.7152 * g + 0.0722 * b
    }
    const groundOf = (element: Element): number[] => {
      const chain: Element[] = []
      for (let at: Element | null = element; at !== null; at = at.parentElement) chain.unshift(at)
      return chain.reduce(
        (ground, one) => rgb(getComputedStyle(one).backgroundColor, ground),
        [255, 255, 255],
      )
    }
    let worst = { ratio: 21, text: '' }
    for (const element of document.body.querySelectorAll('*')) {
      const own = [...element.childNodes].filter((node) => node.nodeType === Node.TEXT_NODE)
      const text = own
        .map((node) => node.textContent?.trim() ?? '')
        .join(' ')
        .trim()
      if (text === '') continue
      const ground = groundOf(element)
      const [a, b] = [luminance(rgb(getComputedStyle(element).color, ground)), luminance(ground)]
      const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05)
      if (ratio < worst.ratio) worst = { ratio, text }
    }
    return worst
  })
}
