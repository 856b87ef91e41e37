/** The tunables' keys in the commented example and in vqtune.toml(5), made from their declarations. Pure; for the build. */
import type { SwitchValue } from '../model'
import { SWITCHES } from '../tunables/index'
import { describeSize, type Switch } from '../tunables/tunable'

const PLACE = /^@SWITCHES@\n/m
/** Line width of the other comments there. */
const WIDTH = 120

/** packaging/vqtune.toml.in with every key, commented out at its default. @throws Error if the template has no @SWITCHES@ */
export function exampleConfiguration(template: string): string {
  const blocks = SWITCHES.map((one) => {
    const lines = wrapped(`${one.help} ${allowedText(one)}`, WIDTH - 2).map((line) => `# ${line}\n`)
    return `${lines.join('')}#${one.key} = ${tomlText(one.default)}\n`
  })
  return filled(template, blocks.join('\n'))
}

/** packaging/man/vqtune.toml.5.in in mdoc(7). @throws Error if the template has no @SWITCHES@ */
export function configurationManual(template: string): string {
  const items = SWITCHES.map((one) => {
    const type = typeOf(one)
    const standard = typeof one.default === 'string' ? `Dq ${one.default}` : `Li ${one.default}`
    return `.It Ic ${one.key} Pq ${type}, default ${standard}\n${mdocText(one.help)}\n`
  })
  return filled(template, items.join(''))
}

function filled(template: string, text: string): string {
  if (!PLACE.test(template)) throw new Error('the template has no line @SWITCHES@')
  return template.replace(PLACE, () => text)
}

function typeOf({ values }: Switch): string {
  if (values === 'boolean') return 'boolean'
  return 'words' in values ? `integer or string, ${describeSize(values)}` : 'string'
}

function allowedText({ values }: Switch): string {
  if (values === 'boolean') return 'true or false.'
  if ('words' in values) return `${describeSize(values)}, or ${values.words.map(tomlText).join(' or ')}.`
  const words = values.map(tomlText)
  return `${words.slice(0, -1).join(', ')} or ${words.at(-1)}.`
}

function tomlText(value: SwitchValue): string {
  return typeof value === 'string' ? JSON.stringify(value) : String(value)
}

/** One sentence per line; quoted words become macros, which must be at the beginning of a line. */
function mdocText(help: string): string {
  return help
    .replaceAll(/(?<=[.!?]) +(?=[A-Z"(])/g, '\n')
    .replaceAll(/ ?"([^"]+)"(?: |(?=[.,]))/g, (_, word: string) => `\n.Dq ${word}\n`)
    .replaceAll(/\n([.,])(?=\n|$| )/g, ' $1')
    .trim()
    .replaceAll(/\n+/g, '\n')
}

function wrapped(text: string, width: number): readonly string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line)
      line = word
    } else line = line === '' ? word : `${line} ${word}`
  }
  return [...lines, line]
}
