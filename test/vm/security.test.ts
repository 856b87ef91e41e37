/** A real guest in which others chose the names: of the NIC, and of an interface beside it. See docs/threat-model.md. */
import { beforeAll, describe, expect, test } from 'vitest'
import { BUNDLE } from '../support/bundle'
import { kernelOf } from './lib/kernels'
import { runInGuest } from './lib/quick-guest'

/**
 * An option of real ethtool and ip, and what breaks the JSON of ip. What vqtune itself makes of more such names:
 * test/cli/security.test.ts.
 */
const TUNED = ['-L', '\u001b[8mX']
/** As the shell writes them, and as they are shown. */
const NOT_TUNED = [
  ["'*'", '*'],
  ["$'\\377\\376'", '\ufffd\ufffd'],
] as const

/** `step NAME COMMAND...` leaves a line: name, exit status, and the two streams, which may hold anything, in base64. */
const SCRIPT = `
nic=eth0
index=$(cat /sys/class/net/eth0/ifindex)
step() {
  local name=$1 code=0
  shift
  "$@" >/run/out 2>/run/err || code=$?
  echo "step $name $code $(base64 -w0 /run/out) $(base64 -w0 /run/err)"
}
rename() {
  ethtool -L "$nic" combined 1
  ip link set dev if$index name "$1"
  nic=$1
}
line() { LC_ALL=C sed -n "s/$1/\\\\1/p" /run/out; }
ip link add $'\\e]0;x' type veth peer name peer0
tuned() {
  rename "$2"
  step $1-explain vqtune explain -- "$2"
  step $1-apply bash -c "$(line '^Next: \\(vqtune apply .*\\)$')"
  step $1-status vqtune status --json
}
left_alone() {
  rename "$2"
  step $1-status vqtune status
  way=$(line '^.*: \\(ip link set dev ifN name NAME\\)$')
  way=\${way/ifN/if$index}
  step $1-way \${way/NAME/good0}
  nic=good0
  step $1-apply vqtune apply
  step $1-channels ethtool -l good0
}
`
const CALLS = [
  ...TUNED.map((name, i) => `tuned tuned${i} ${ansiQuoted(name)}`),
  ...NOT_TUNED.map(([name], i) => `left_alone left${i} ${name}`),
]

function ansiQuoted(name: string): string {
  return `$'${[...Buffer.from(name)].map((byte) => `\\x${byte.toString(16)}`).join('')}'`
}

interface Step {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

describe('names that others chose', () => {
  const steps = new Map<string, Step>()
  let all: string

  beforeAll(async () => {
    const script = `exec bash <<'END'\n${SCRIPT}${CALLS.join('\n')}\nEND\n`
    all = await runInGuest(
      { kernel: kernelOf('6.12'), cpus: 2, nics: [{ queues: 2 }], memoryMiB: 512, vqtune: BUNDLE },
      script,
    )
    const text = (base64: string): string => Buffer.from(base64, 'base64').toString()
    for (const [, name = '', code, out = '', err = ''] of all.matchAll(/^step (\S+) (\d+) (\S*) (\S*)\r?$/gm))
      steps.set(name, { code: Number(code), stdout: text(out), stderr: text(err) })
  })

  const good = (name: string): string => {
    expect(steps.get(name), all).toMatchObject({ code: 0, stderr: '' })
    return steps.get(name)?.stdout ?? ''
  }

  test.each(TUNED.map((name, i) => [name, i] as const))(
    '%j: tuned, and nothing is printed that a terminal obeys',
    (name, i) => {
      const explain = good(`tuned${i}-explain`)
      // By the command that it proposed, run as shown.
      const apply = good(`tuned${i}-apply`)
      expect(apply).toContain('channels 1 -> 2')
      expect(apply).toContain('converged: 1 NIC, 1 change')
      const status = good(`tuned${i}-status`)
      expect(JSON.parse(status).nics).toMatchObject([{ name, state: 'converged', channels: { current: 2 } }])
      for (const stdout of [explain, apply, status]) {
        // biome-ignore lint/suspicious/noControlCharactersInRegex: what must not be there.
        expect(stdout).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/)
      }
    },
  )

  test.each(NOT_TUNED.map(([name, shown], i) => [name, shown, i] as const))(
    'a NIC named %s is told of with the way out, and that works',
    (_, shown, i) => {
      expect(good(`left${i}-status`)).toContain(`${shown}: not a target: `)
      good(`left${i}-way`)
      expect(good(`left${i}-apply`)).toContain('converged: 1 NIC, 1 change')
      expect(good(`left${i}-channels`).trim()).toMatch(/Combined:\s+2$/)
    },
  )
})
