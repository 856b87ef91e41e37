/** Every verb, in the order of --help. A new verb is one file and one entry. */
import type { CommandSpec, OptionSpec } from './command'

const JSON_OPTION: OptionSpec = { summary: 'print JSON; see /usr/share/vqtune/schema' }
const CHECK_OPTION: OptionSpec = { summary: 'exit with 3 when something is not as desired' }

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
      'Ends the hold of NICs that were rolled back, unless --unattended or --boot is given.',
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
    words: ['explain'],
    summary: 'why this target, what stops it, who else may write it, and what to do',
    positionals: ['<nic>'],
    options: { json: JSON_OPTION },
    load: () => import('./explain'),
  },
  {
    words: ['config', 'check'],
    summary: 'validate the configuration and show what applies to each NIC',
    options: { json: JSON_OPTION },
    load: () => import('./config-check'),
  },
]
