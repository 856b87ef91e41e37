/** docs/platforms.md, made from the platforms themselves, and how it is compared. */
import { PLATFORMS } from '../../src/advice/platforms/index'
import type { Platform, RemedyRequest } from '../../src/advice/platforms/platform'
import { PROVIDER_PLATFORMS } from '../../src/advice/platforms/providers'
import { SINGLE_QUEUE } from '../../src/advice/platforms/single-queue'
import { UNKNOWN } from '../../src/advice/platforms/unknown'

const REQUEST: RemedyRequest = {
  name: 'ens3',
  mac: '52:54:00:ab:cd:01',
  bus: 'pci',
  target: 8,
  xdpQueues: 0,
  maximum: 1,
  vcpus: 8,
}

const HEAD = `# Platforms

\`vqtune explain NIC\` recognises the platform by the strings of its firmware (\`/sys/class/dmi/id\`), and where these are QEMU's own
by the NIC, and prints how the NIC gets more queue pairs there. This page is made from the code (\`src/advice/platforms\`); a test
compares them, and \`VQTUNE_UPDATE=1 npx vitest run --project unit platforms\` writes it anew
(then \`npm run format\`).

They are looked at in this order, and the first whose own strings these are is the one: a provider's before those of the software
that it runs. "Perhaps" rows are listed together, the most likely first. If a string was renamed, or the files are missing, what
is left decides; otherwise the remedy is a request to send to the operator.

"Tried" says what of the remedy has been run; "no" means that it follows the source only, and \`explain\` says so.

| Platform | Recognised by | Multi-queue | Tried | Source |
| --- | --- | --- | --- | --- |
`

/** Those that share a text are told once, by the first. */
const REPEATED = [...PROVIDER_PLATFORMS.slice(1), ...SINGLE_QUEUE.slice(1)]

export function renderPlatforms(): string {
  const all = [...PLATFORMS, UNKNOWN]
  const [provider, vmm] = [PROVIDER_PLATFORMS[0]?.title, SINGLE_QUEUE[0]?.title]
  const sections = all.filter((platform) => !REPEATED.includes(platform)).map(section)
  return `${HEAD}${all.map(row).join('\n')}

## Remedies

For a NIC with one queue pair in a guest of 8 vCPUs. Clouds whose tenants have no setting of their own share the text of
${provider}, VMMs without multi-queue that of "${vmm}".
${sections.join('')}`
}

function row({ title, recognisedBy, singleQueue, tried, source }: Platform): string {
  const cells = [title, recognisedBy, singleQueue === true ? 'no' : 'yes', tried ?? 'no', source]
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|').replaceAll('*', '\\*').replaceAll('_', '\\_')).join(' | ')} |`
}

/** As explain prints it. */
function section(platform: Platform): string {
  const { steps, powerOff, powerOffHow, notes } = platform.remedy(REQUEST)
  const lines = [
    ...steps.flatMap(({ text, lines: copied }, index) => [
      `${index + 1}. ${text}${copied.length === 0 ? '' : ':'}`,
      ...copied.map((line) => `     ${line}`),
    ]),
    powerOff ? `This needs a full power-off; a reboot is not enough. ${powerOffHow}` : powerOffHow,
    ...notes,
  ]
  const title = `${platform.title[0]?.toUpperCase()}${platform.title.slice(1)}`
  return `\n### ${title}\n\n\`\`\`text\n${lines.join('\n')}\n\`\`\`\n`
}

/** The formatter pads the cells of tables. */
export function withoutPadding(markdown: string): string {
  return markdown.replace(/ +/g, ' ').replace(/-{3,}/g, '---')
}
