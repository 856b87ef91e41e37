/** systemd/writer-trace in a tree that stands for tracefs and securityfs: what it asks of the kernel, and when it asks nothing. */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { TOP } from './rpms'

/** Runs it as the unit does before the daemon starts. @param lockdown as the kernel shows it; undefined: without the module */
function start(lockdown: string | undefined) {
  const kernel = join(mkdtempSync(join(tmpdir(), 'vqtune-trace-')), 'sys/kernel')
  mkdirSync(join(kernel, 'tracing/instances'), { recursive: true })
  mkdirSync(join(kernel, 'security'))
  writeFileSync(join(kernel, 'tracing/kprobe_events'), '')
  if (lockdown !== undefined) writeFileSync(join(kernel, 'security/lockdown'), `${lockdown}\n`)
  const text = readFileSync(join(TOP, 'systemd/writer-trace'), 'utf8').replaceAll('/sys/kernel', kernel)
  expect(text).not.toMatch(/(?<!\w)\/sys\//)
  const stdout = execFileSync('sh', ['-s', 'start'], {
    input: text,
    encoding: 'utf8',
    stdio: ['pipe', 'pipe', 'ignore'],
  })
  return {
    stdout,
    probes: readFileSync(join(kernel, 'tracing/kprobe_events'), 'utf8'),
    hasInstance: existsSync(join(kernel, 'tracing/instances/vqtune')),
  }
}

it.each([undefined, '[none] integrity confidentiality', 'none [integrity] confidentiality'])(
  'notes writers with lockdown %s',
  (lockdown) => {
    const { stdout, probes, hasInstance } = start(lockdown)
    expect(stdout).toBe('')
    expect(probes).toContain('p:vqtune/channels virtio_net:virtnet_set_channels')
    expect(hasInstance).toBe(true)
  },
)

it('asks nothing of a kernel that refuses all of it, and says so in one line', () => {
  const { stdout, probes, hasInstance } = start('none integrity [confidentiality]')
  expect(stdout).toMatch(/^the kernel notes no writers \(lockdown=confidentiality\): .+\n$/)
  expect(probes).toBe('')
  expect(hasInstance).toBe(false)
})
