/** Every verb, in the order of --help. A new verb is one file and one entry. */
import type { CommandSpec, OptionSpec } from './command'

const JSON_OPTION: OptionSpec = { summary: 'print JSON; see /usr/share/vqtune/schema' }
const CHECK_OPTION: OptionSpec = { summary: 'exit with 3 when something is not as desired' }

const CONNECT_OPTION: OptionSpec = { summary: 'libvirt to ask; default qemu:///system', value: 'URI' }
const APPLY_OPTION: OptionSpec = { summary: 'do it; without this a dry run shows the difference' }
const UPLINK_OPTION: OptionSpec = {
  summary: 'judge this network device as the way out of the host',
  value: 'NIC',
}

export const GLOBAL_OPTIONS: Readonly<Record<string, OptionSpec>> = {
  config: { summary: 'read this configuration file instead of the installed ones', value: 'FILE' },
  root: {
    summary: 'read sys, proc, etc and programs from a captured guest tree',
    value: 'DIR',
  },
  help: { summary: 'show help', short: 'h' },
  version: { summary: 'show the version' },
}

export const COMMANDS: readonly CommandSpec[] = [
  {
    words: ['status'],
    summary: 'show every virtio-net NIC: channels, target, what limits it, and whose queues are private',
    positionals: ['[nic]'],
    options: { json: JSON_OPTION, check: CHECK_OPTION },
    load: () => import('./status'),
  },
  {
    words: ['plan'],
    summary: 'print what apply would change and why; changes nothing',
    positionals: ['[nic]'],
    options: { json: JSON_OPTION, check: CHECK_OPTION },
    load: () => import('./plan'),
  },
  {
    words: ['apply'],
    summary: 'bring channels, IRQ affinity and XPS to the desired state, and verify',
    positionals: ['[nic]'],
    options: {
      json: JSON_OPTION,
      unattended: { summary: 'for units and timers: leave NICs alone that were rolled back' },
      boot: { summary: 'as --unattended, and wait for the NICs as [boot] in vqtune.toml says' },
    },
    details: [
      'Ends the hold of NICs that were rolled back, and what the guard stepped back from, unless --unattended or --boot is',
      'given. When it changed channels, it waits until the gateway has answered, for guard.commit-confirm-seconds at most,',
      'and returns to those before when carrier or gateway are lost. Without a gateway it looks at the carrier once.',
      'Writes nothing when everything is as desired; that needs no privileges.',
    ],
    load: () => import('./apply'),
  },
  {
    words: ['rollback'],
    summary: 'print and restore the values from before the first change',
    positionals: ['[nic]'],
    options: { json: JSON_OPTION, 'dry-run': { summary: 'print the steps, change nothing' } },
    load: () => import('./rollback'),
  },
  {
    words: ['daemon'],
    summary: 'stay and keep the NICs in tune: repair drift, report it, never fight over it',
    details: [
      'Run by vqtuned.service. SIGHUP reads the configuration again, SIGTERM ends it; channels stay as they are.',
      'NICs that were rolled back are left alone until the next boot or vqtune apply.',
    ],
    load: () => import('./daemon'),
  },
  {
    words: ['drift'],
    summary: 'show the drift history: what was changed, by whom, and what became of it',
    options: {
      json: JSON_OPTION,
      since: {
        summary: 'only what came later: 2026-03-01, 2026-03-01T10:00, or 90m, 24h, 7d',
        value: 'TIME',
      },
    },
    load: () => import('./drift'),
  },
  {
    words: ['explain'],
    summary: 'why this target, what stops it, who else may write it, and what to do',
    positionals: ['<nic>'],
    options: { json: JSON_OPTION },
    load: () => import('./explain'),
  },
  {
    words: ['report'],
    summary:
      'measure whether multi-queue fits the traffic: queues, packets, flows, vCPUs; one verdict per condition',
    positionals: ['[nic]'],
    options: {
      all: { summary: 'every virtio-net NIC; also when no NIC is named' },
      window: { summary: 'how long to measure, 1 to 3600 seconds (default 10)', value: 'SECONDS' },
      html: { summary: 'also write one self-contained page with charts', value: 'FILE' },
      json: JSON_OPTION,
    },
    load: () => import('./report'),
  },
  {
    words: ['trial'],
    summary: 'try channel counts in turn on the traffic there is, or on a command, and say which is best',
    positionals: ['<nic>', '[-- command ...]'],
    options: {
      counts: { summary: 'counts to try (default 1,2,4 ... the most)', value: 'N,N...' },
      rounds: {
        summary: 'the most rounds of all counts, 1 to 200 (default 24 for two counts, 27 for four)',
        value: 'N',
      },
      window: {
        summary: 'how long each is measured, 0.5 to 600 seconds (default 5); not with a command',
        value: 'SECONDS',
      },
      keep: { summary: 'write the best to a configuration drop-in and apply it' },
      json: JSON_OPTION,
    },
    details: [
      'Options come before --, everything after it is the command, which is run without a shell, 600 seconds at most. It is',
      'judged by the bytes that the NIC moves in a second meanwhile, or by its run time when it moves nothing.',
      'Looks at the results up to four times and ends when they are clear, at the earliest after 7 rounds.',
      'Puts everything back in the end, on Ctrl-C, when an error occurs and when the gateway is lost; after kill -9,',
      '`vqtune rollback`, `vqtune apply` or the daemon does. Meanwhile apply and the daemon wait.',
      'The chance that noise is called a win is at most 5 %, over all counts and looks.',
    ],
    load: () => import('./trial'),
  },
  {
    words: ['config', 'check'],
    summary: 'validate the configuration and show what applies to each NIC',
    options: { json: JSON_OPTION },
    details: [
      '`--config -` judges what is on standard input, up to 128 KiB; elsewhere a configuration must be a file.',
    ],
    load: () => import('./config-check'),
  },
  {
    words: ['host', 'check'],
    summary: "on a hypervisor: each guest NIC's queues offered and used, files, and who must act",
    positionals: ['[domain]'],
    options: { json: JSON_OPTION, check: CHECK_OPTION, connect: CONNECT_OPTION },
    details: ['Changes nothing. Open files of guests and qemu.conf are seen by root only.'],
    load: () => import('./host/check'),
  },
  {
    words: ['host', 'set-queues'],
    summary: "on a hypervisor: set queues='N' in a guest's stored configuration",
    positionals: ['<domain>', '<n|vcpus>'],
    options: {
      nic: {
        summary: 'only this interface: MAC, target device or alias; default every virtio interface',
        value: 'NIC',
      },
      json: JSON_OPTION,
      force: { summary: 'also when the next start would fail, or a manager writes the configuration anew' },
      apply: APPLY_OPTION,
      connect: CONNECT_OPTION,
    },
    details: [
      'n is 1 to 256; vcpus means as many queues as the guest can have vCPUs, at most 256.',
      'Never starts or stops a guest: a running one keeps its queues until it is powered off and started again.',
    ],
    load: () => import('./host/set-queues'),
  },
  {
    words: ['host', 'max-files'],
    summary: 'on a hypervisor: set max_files in qemu.conf for many queues',
    positionals: ['[n]'],
    options: { json: JSON_OPTION, apply: APPLY_OPTION, connect: CONNECT_OPTION },
    details: [
      'n is 2048 to 1048576, and not below what a running guest has open. Without it: the power of two above what the',
      'largest guest needs or has open, at least 2048; that never lowers the limit.',
      'Says which daemon to restart and never restarts it.',
    ],
    load: () => import('./host/max-files'),
  },
  {
    words: ['host', 'zerocopy', 'status'],
    summary: 'on a hypervisor: zero-copy transmit of vhost_net, running and configured, and what defeats it',
    options: { json: JSON_OPTION, check: CHECK_OPTION, uplink: UPLINK_OPTION },
    load: () => import('./host/zerocopy-status'),
  },
  {
    words: ['host', 'zerocopy', 'on'],
    summary: 'on a hypervisor: turn zero-copy transmit on; gives up a mitigation',
    options: {
      'accept-risk': {
        summary: 'accept denial of service and information leaks between guests; --apply needs it',
      },
      json: JSON_OPTION,
      apply: APPLY_OPTION,
    },
    details: ['Loads vhost_net again only when nothing uses it; else says what to do.'],
    load: () => import('./host/zerocopy-on'),
  },
  {
    words: ['host', 'zerocopy', 'off'],
    summary: 'on a hypervisor: turn zero-copy transmit off',
    options: { json: JSON_OPTION, apply: APPLY_OPTION },
    details: ['Loads vhost_net again only when nothing uses it; else says what to do.'],
    load: () => import('./host/zerocopy-off'),
  },
  {
    words: ['host', 'zerocopy', 'probe'],
    summary: 'on a hypervisor: measure whether packets really leave without a copy (kprobe)',
    options: {
      json: JSON_OPTION,
      seconds: { summary: 'how long to measure; default 10, at most 600', value: 'N' },
    },
    load: () => import('./host/zerocopy-probe'),
  },
  {
    words: ['host', 'undo'],
    summary: 'on a hypervisor: put back what a host verb replaced; default the newest',
    positionals: ['[backup]'],
    options: {
      list: { summary: 'list the backups' },
      json: JSON_OPTION,
      force: { summary: 'also when somebody else changed it since' },
      apply: APPLY_OPTION,
    },
    load: () => import('./host/undo'),
  },
]
