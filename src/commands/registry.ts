/** Every verb, in the order of --help. A new verb is one file and one entry. */
import type { CommandSpec, OptionSpec } from './command'

const JSON_OPTION: OptionSpec = { summary: 'print JSON; the schemas are in /usr/share/vqtune/schema' }
const CHECK_OPTION: OptionSpec = { summary: 'exit 3 if any NIC has drifted' }

const CONNECT_OPTION: OptionSpec = {
  summary: 'libvirt connection URI (default qemu:///system)',
  value: 'URI',
}
const APPLY_OPTION: OptionSpec = { summary: 'apply the change (default: dry run with diff)' }
const UPLINK_OPTION: OptionSpec = {
  summary: "device to treat as the host's uplink",
  value: 'NIC',
}

export const GLOBAL_OPTIONS: Readonly<Record<string, OptionSpec>> = {
  config: { summary: 'use this configuration file instead of the installed ones', value: 'FILE' },
  root: {
    summary:
      'look at a captured guest: a directory with sys, proc, etc and programs, or a .tar.gz, which is only read',
    value: 'TREE',
  },
  verbose: {
    summary: 'show each program run and each write, with exit status and duration (or VQTUNE_DEBUG=1)',
  },
  'no-pager': { summary: 'print text that is longer than the terminal without less' },
  help: { summary: 'show help', short: 'h' },
  version: { summary: 'show the version' },
}

const CONFIG_SET_OPTIONS = {
  nic: { summary: 'for this NIC only, matched by its MAC', value: 'NIC' },
  'dry-run': { summary: 'show the difference, write nothing' },
  json: JSON_OPTION,
}
const CONFIG_SET_DETAILS = [
  'KEY is a key of vqtune.toml(5): guard.enabled; cap for defaults.cap; with --nic a key of [[nic]].',
  'The drop-in is /etc/vqtune/conf.d/70-set.toml. A running daemon reloads it; without the daemon, run `vqtune apply`.',
]

export const COMMANDS: readonly CommandSpec[] = [
  {
    words: ['status'],
    summary: 'show channels, target, limiting factor and the map of queues to vCPUs of each NIC',
    positionals: ['[nic]'],
    options: {
      json: JSON_OPTION,
      check: CHECK_OPTION,
      watch: {
        summary: 'show it again every so many seconds, 1 to 3600, until interrupted',
        value: 'SECONDS',
      },
    },
    readsOnly: true,
    load: () => import('./status'),
  },
  {
    words: ['plan'],
    summary: 'show what apply would change and why; changes nothing',
    positionals: ['[nic]'],
    options: {
      json: JSON_OPTION,
      check: CHECK_OPTION,
      resume: { summary: 'also NICs that were rolled back or limited by the guard, which apply resumes' },
    },
    readsOnly: true,
    load: () => import('./plan'),
  },
  {
    words: ['apply'],
    summary: 'set channels, IRQ affinity and XPS to the desired state, and verify',
    positionals: ['[nic]'],
    options: {
      json: JSON_OPTION,
      unattended: { summary: 'non-interactive: skip NICs that were rolled back' },
      boot: { summary: 'like --unattended, and first wait for NICs as set in [boot] of vqtune.toml' },
    },
    details: [
      'Resumes tuning of NICs that were rolled back or limited by the guard, unless --unattended or --boot is given.',
      'After changing channels, waits until the default gateway answers, at most guard.commit-confirm-seconds, and reverts',
      'to the previous channels if carrier or gateway are lost. Without a gateway, checks the carrier once.',
      'If nothing needs changing, writes nothing and needs no privileges.',
    ],
    load: () => import('./apply'),
  },
  {
    words: ['rollback'],
    summary: 'show and restore the values from before the first change',
    positionals: ['[nic]'],
    options: {
      json: JSON_OPTION,
      'dry-run': { summary: 'show the steps, change nothing' },
      irqbalance: { summary: 'only let irqbalance move the interrupts again; settings stay as they are' },
    },
    load: () => import('./rollback'),
  },
  {
    words: ['daemon'],
    summary: 'run the daemon: report and repair drift; back off if another program insists',
    details: [
      'Run by vqtuned.service. SIGHUP reloads the configuration; SIGTERM stops the daemon and leaves the NICs as they are.',
      'NICs that were rolled back are skipped until the next boot or vqtune apply.',
    ],
    load: () => import('./daemon'),
  },
  {
    words: ['drift'],
    summary: 'show the drift history: what changed, what changed it, and what was done about it',
    options: {
      json: JSON_OPTION,
      since: {
        summary: 'only records since TIME: 2026-03-01, 2026-03-01T10:00, or 90m, 24h, 7d',
        value: 'TIME',
      },
    },
    readsOnly: true,
    isLong: true,
    load: () => import('./drift'),
  },
  {
    words: ['explain'],
    summary: 'explain the target, what limits it, what else may change it, and the fix on this platform',
    positionals: ['<nic>'],
    options: { json: JSON_OPTION },
    readsOnly: true,
    isLong: true,
    load: () => import('./explain'),
  },
  {
    words: ['report'],
    summary: 'measure the traffic: does multi-queue suit it, why is a NIC slow, what would help',
    positionals: ['[nic]'],
    options: {
      all: { summary: 'every virtio-net NIC (the default if no NIC is given)' },
      window: { summary: 'seconds to measure, 1 to 3600 (default 10)', value: 'SECONDS' },
      html: { summary: 'also write a self-contained HTML page with charts', value: 'FILE' },
      json: JSON_OPTION,
    },
    readsOnly: true,
    isLong: true,
    load: () => import('./report'),
  },
  {
    words: ['trial'],
    summary:
      'benchmark channel counts, or other settings, on live traffic or with a command, and report the best',
    positionals: ['<nic>', '[-- command ...]'],
    options: {
      vary: {
        summary: 'compare every combination of: channels, rings, rps, rfs, threaded-napi (default channels)',
        value: 'LIST',
      },
      counts: { summary: 'counts to compare (default 1,2,4 ... up to the maximum)', value: 'N,N...' },
      rounds: {
        summary: 'maximum number of rounds, 1 to 200 (default 24 for two counts, 27 for four)',
        value: 'N',
      },
      window: {
        summary: 'seconds per measurement, 0.5 to 600 (default 5); not with a command',
        value: 'SECONDS',
      },
      probe: {
        summary: 'ping this host meanwhile (default: the default gateway; off: none)',
        value: 'HOST',
      },
      'any-latency': { summary: 'also propose what at least doubles the latency of small requests' },
      keep: { summary: 'write the best count to a configuration drop-in and apply it' },
      json: JSON_OPTION,
      progress: { summary: 'with --json: first one line of JSON for each measurement' },
    },
    details: [
      'Options come before --; what follows is the command, run without a shell, for at most 600 seconds. It is rated by the',
      'bytes per second that the NIC moves meanwhile, or by its run time if the NIC moves nothing.',
      'Analyzes the results up to four times, after 7 rounds at the earliest, and ends once the answer is clear.',
      'Restores all settings at the end, on Ctrl-C, on errors, and if the gateway is lost; after kill -9, the daemon or',
      '`vqtune apply` does. While a trial runs, apply and the daemon wait.',
      'The overall false-positive rate is at most 5 %.',
    ],
    load: () => import('./trial'),
  },
  {
    words: ['capture'],
    summary: 'write this guest to a new archive that --root opens on another machine',
    positionals: ['<file>'],
    options: {
      'keep-addresses': {
        summary: 'keep MAC and IP addresses, host names, domain names and serial numbers as they are',
      },
      window: {
        summary: 'seconds between two readings of the counters, 1 to 3600 (default 10)',
        value: 'SECONDS',
      },
      json: JSON_OPTION,
    },
    details: [
      'Contains what vqtune reads: kernel settings and counters, output of ethtool and ip, configuration of vqtune and of',
      'other writers, drift history, state, and the journal of vqtune. Contains no passwords: of NetworkManager profiles only',
      'what is about channels, of the kernel command line only the values that matter.',
      'Addresses, names and serial numbers are replaced, each by the same value everywhere. Names of NICs are kept.',
      'Runs as any user and shows what that user may not read. Never overwrites a file.',
      'status, plan, explain and report --root FILE.tar.gz give the same answers as in the guest.',
    ],
    readsOnly: true,
    load: () => import('./capture'),
  },
  {
    words: ['config', 'check'],
    summary: 'validate the configuration and show the settings of each NIC',
    options: { json: JSON_OPTION },
    details: [
      '`--config -` checks standard input, up to 128 KiB; for all other commands the configuration must be a file.',
    ],
    readsOnly: true,
    isLong: true,
    load: () => import('./config-check'),
  },
  {
    words: ['config', 'set'],
    summary: 'write one key to a configuration drop-in, after a check of the whole configuration',
    positionals: ['<key>', '<value>'],
    options: CONFIG_SET_OPTIONS,
    details: CONFIG_SET_DETAILS,
    load: () => import('./config-set'),
  },
  {
    words: ['config', 'unset'],
    summary: 'remove one key from that drop-in',
    positionals: ['<key>'],
    options: CONFIG_SET_OPTIONS,
    details: CONFIG_SET_DETAILS,
    load: () => import('./config-unset'),
  },
  {
    words: ['host', 'check'],
    summary: "on a hypervisor: check the guests' queues and open files, and say who must act",
    positionals: ['[domain]'],
    options: {
      json: JSON_OPTION,
      check: { summary: 'exit 3 if there is an error or a warning' },
      connect: CONNECT_OPTION,
    },
    details: ['Changes nothing. Only root sees the open files of guests and qemu.conf.'],
    readsOnly: true,
    isLong: true,
    load: () => import('./host/check'),
  },
  {
    words: ['host', 'set-queues'],
    summary: "on a hypervisor: set queues='N' in a guest's stored configuration",
    positionals: ['<domain>', '<n|vcpus>'],
    options: {
      nic: {
        summary: 'only this interface: MAC, target device or alias (default: every virtio interface)',
        value: 'NIC',
      },
      json: JSON_OPTION,
      force: { summary: 'also if the next start would fail, or a manager rewrites the configuration' },
      apply: APPLY_OPTION,
      connect: CONNECT_OPTION,
    },
    details: [
      "n is 1 to 256; vcpus is the guest's maximum number of vCPUs, at most 256.",
      'Never starts or stops a guest: a running guest keeps its queues until it is powered off and started again.',
    ],
    load: () => import('./host/set-queues'),
  },
  {
    words: ['host', 'max-files'],
    summary: 'on a hypervisor: set max_files in qemu.conf for many queues',
    positionals: ['[n]'],
    options: { json: JSON_OPTION, apply: APPLY_OPTION, connect: CONNECT_OPTION },
    details: [
      'n is 2048 to 1048576, and not below what a running guest has open. Without it, the next power of two above what the',
      'largest guest needs or has open, at least 2048; this never lowers the limit.',
      'Prints which daemon to restart; never restarts it.',
    ],
    load: () => import('./host/max-files'),
  },
  {
    words: ['host', 'zerocopy', 'status'],
    summary: 'on a hypervisor: show zero-copy transmit of vhost_net, and what prevents it',
    options: {
      json: JSON_OPTION,
      check: { summary: 'exit 3 if the running setting differs from the configured one' },
      uplink: UPLINK_OPTION,
    },
    readsOnly: true,
    load: () => import('./host/zerocopy-status'),
  },
  {
    words: ['host', 'zerocopy', 'on'],
    summary: 'on a hypervisor: turn zero-copy transmit on; gives up a security mitigation',
    options: {
      'accept-risk': {
        summary: 'accept denial of service and information leaks between guests; required by --apply',
      },
      json: JSON_OPTION,
      apply: APPLY_OPTION,
    },
    details: ['Reloads vhost_net only if it is not in use; otherwise prints what to do.'],
    load: () => import('./host/zerocopy-on'),
  },
  {
    words: ['host', 'zerocopy', 'off'],
    summary: 'on a hypervisor: turn zero-copy transmit off',
    options: { json: JSON_OPTION, apply: APPLY_OPTION },
    details: ['Reloads vhost_net only if it is not in use; otherwise prints what to do.'],
    load: () => import('./host/zerocopy-off'),
  },
  {
    words: ['host', 'zerocopy', 'probe'],
    summary: 'on a hypervisor: measure whether packets are sent without a copy (kprobe)',
    options: {
      json: JSON_OPTION,
      seconds: { summary: 'seconds to measure, at most 600 (default 10)', value: 'N' },
    },
    load: () => import('./host/zerocopy-probe'),
  },
  {
    words: ['host', 'undo'],
    summary: 'on a hypervisor: restore what a host command replaced; default: the newest backup',
    positionals: ['[backup]'],
    options: {
      list: { summary: 'list the backups' },
      json: JSON_OPTION,
      force: { summary: 'also if it was modified since' },
      apply: APPLY_OPTION,
    },
    load: () => import('./host/undo'),
  },
]
