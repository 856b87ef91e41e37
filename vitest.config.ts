import { defineConfig } from 'vitest/config'
import LongestFirst from './test/support/longest-first'
import { allKernels } from './test/vm/lib/kernels'

/**
 * Guest tests that the test command, which is to stay under 25 minutes, has no time for: `npm run vm:long`. Another
 * architecture needs packages of its own, and its image is built instruction by instruction. 64 vCPUs share one core. An hour
 * of traffic beside irqbalance, and ten reports for each cause of a slow NIC, are too long. The daemon's faults, what auditd
 * tells, the Ansible role with Prometheus, the guard of settings other than channels, the harness itself, isolated vCPUs, hardened
 * guests, the SELinux module and the page in Cockpit's shell change seldom. What platforms say of themselves is recorded, and
 * explained in unit tests.
 */
const LONG = [
  'test/vm/{aarch64,auditd,causes,cockpit,daemon-faults,debian13,explain,fleet,guard-settings}.test.ts',
  'test/vm/{hardened,harness,irqbalance-soak,isolation,largest,selinux}.test.ts',
]
/**
 * Ends what hangs, and nothing that is slow: whatever waits in a test has a limit of its own, which goes with the machine
 * (test/vm/lib/wait.ts).
 */
const HANGS_MS = 3_600_000
const BUILD = 'test/support/build-bundle.ts'
const KERNELS = 'test/vm/lib/kernels.ts'
/** Guest tests that each change runs on one kernel, or in part on some: `npm run vm:long` runs them on every kernel. */
const MATRIX = [
  'test/vm/{apply,daemon,daemon-faults,guard,harness,report,rpm,security,trial,tunable}.test.ts',
]

/**
 * Planner, parsers and what observes: every branch of these has a test in the unit project. The rest is reported. A file that
 * parses what another program or the kernel says belongs here.
 */
const ALL_BRANCHES = [
  'src/planner/{dead-queues,find-nic,layout,ledger,ledger-format,observe,operations,plan,regression-hold,target}.ts',
  'src/tunables/*.ts',
  'src/config/*.ts',
  'src/kernel/*.ts',
  'src/irqbalance/{options,protocol,record,wanted}.ts',
  'src/text/{nearest,numbers}.ts',
  'src/daemon/{prometheus,state,udev-events,view}.ts',
  'src/drift/{audit-log,audit-records,history,process-scan}.ts',
  'src/confirm/connectivity.ts',
  'src/report/{conclusions,parse,parse-nic}.ts',
  'src/hypervisor/change/{backup,diff}.ts',
  'src/hypervisor/libvirt/{domain,driver-edit,qemu-conf,queue-request,virsh-output,xml-scan}.ts',
  'src/hypervisor/network/{links,vdpa}.ts',
  'src/hypervisor/qemu/*.ts',
  'src/hypervisor/zerocopy/{conditions,histogram,modprobe-conf,module,probe-target}.ts',
  'src/advice/platforms/*.ts',
  'src/system/archive.ts',
  'src/writers/*.ts',
]

/**
 * Files at a time, everywhere: one guest uses one core at most, and a file of the others hardly more. Vitest's own choice is one
 * less than there are cores, which on two leaves one idle: the unit tests took 136 s with it, and 77 with two.
 */
const AT_A_TIME = 2

/** Unit tests that change modules, clocks or the environment of their process: each has one of its own. */
const APART = [
  'test/unit/config/load.test.ts',
  'test/unit/daemon/{confirmations,daemon,debounce,idle-heap,logger,notify,reconcile-loop-busy,schedule}.test.ts',
  'test/unit/packaging/lean.test.ts',
  'test/unit/report/inventory.test.ts',
  'test/unit/system/{child,pager,system}.test.ts',
  'test/unit/text/paint.test.ts',
]

const UNIT = {
  setupFiles: 'test/support/fixed-seed.ts',
  testTimeout: 60_000,
  maxWorkers: AT_A_TIME,
  sequence: { groupOrder: 1 },
}

/**
 * unit, unit-apart: no privileges. cli: the built binary on captured guest trees. packaging: RPMs and units, without a guest.
 * vm: real QEMU guests. In this order; cli and packaging side by side, in these and in vm the longest file first.
 */
export default defineConfig({
  test: {
    sequence: { sequencer: LongestFirst },
    // `npm run coverage`. What runs in child processes and guests does not count.
    coverage: {
      provider: 'v8',
      include: ['src/**/*.ts'],
      reporter: ['text-summary', 'json-summary', 'html'],
      reportsDirectory: 'coverage',
      thresholds: Object.fromEntries(ALL_BRANCHES.map((files) => [files, { branches: 100 }])),
    },
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/unit/**/*.test.ts', 'test/scenarios/**/*.test.ts'],
          exclude: [...APART],
          // Over 300 files load the same source. Of 275, each in a process of its own, they took 190 s; sharing it, 115.
          isolate: false,
          ...UNIT,
        },
      },
      {
        test: {
          name: 'unit-apart',
          include: [...APART],
          ...UNIT,
        },
      },
      {
        test: {
          name: 'fuzz',
          include: ['test/fuzz/**/*.test.ts'],
          // The properties share nothing that they could spoil; to load the source once saves a third of the time.
          isolate: false,
          // Long enough for the 100,000 inputs for each property of `npm run fuzz`, on a busy machine too.
          testTimeout: 7_200_000,
          maxWorkers: AT_A_TIME,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          name: 'cli',
          include: ['test/cli/**/*.test.ts'],
          globalSetup: BUILD,
          testTimeout: HANGS_MS,
          // Vitest's own second is too short for a browser on a busy machine.
          expect: { poll: { timeout: HANGS_MS } },
          maxWorkers: AT_A_TIME,
          sequence: { groupOrder: 2 },
        },
      },
      {
        test: {
          name: 'packaging',
          include: ['test/packaging/**/*.test.ts'],
          globalSetup: BUILD,
          testTimeout: HANGS_MS,
          hookTimeout: HANGS_MS,
          maxWorkers: AT_A_TIME,
          sequence: { groupOrder: 2 },
        },
      },
      {
        test: {
          name: 'vm',
          include: ['test/vm/**/*.test.ts'],
          exclude: LONG,
          globalSetup: [BUILD, KERNELS],
          testTimeout: HANGS_MS,
          hookTimeout: HANGS_MS,
          maxWorkers: AT_A_TIME,
          sequence: { groupOrder: 3 },
        },
      },
      {
        test: {
          name: 'long',
          include: LONG,
          globalSetup: [BUILD, KERNELS],
          testTimeout: HANGS_MS,
          hookTimeout: HANGS_MS,
          fileParallelism: false,
          sequence: { groupOrder: 4 },
        },
      },
      ...allKernels.map((kernel, index) => ({
        test: {
          name: `long-${kernel}`,
          include: MATRIX,
          env: { VQTUNE_VM_KERNEL: kernel },
          globalSetup: BUILD,
          testTimeout: HANGS_MS,
          hookTimeout: HANGS_MS,
          maxWorkers: AT_A_TIME,
          sequence: { groupOrder: 5 + index },
        },
      })),
    ],
  },
})
