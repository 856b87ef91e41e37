// Preloaded with --require: call number FAULT_AT, from 0, of a function that changes something or starts a program does not
// come about: the process kills itself (FAULT=SIGKILL) or the call fails (FAULT=ENOSPC).
const fs = require('node:fs')
const childProcess = require('node:child_process')

const { FAULT } = process.env
let left = Number(process.env.FAULT_AT)
const CHANGES = [
  // Not writeSync, the write to a kernel attribute: opening one truncates nothing, as it does the file that stands for it.
  [fs, 'mkdirSync openSync writeFileSync fchmodSync ftruncateSync fsyncSync closeSync renameSync rmSync'],
  [childProcess, 'spawn'],
]
for (const [module, names] of CHANGES) {
  for (const name of names.split(' ')) {
    const real = module[name]
    module[name] = (...args) => {
      if (left-- !== 0) return real(...args)
      if (FAULT === 'SIGKILL') process.kill(process.pid, FAULT)
      // Linux gives the descriptor back, whatever close(2) answers.
      if (name === 'closeSync') real(...args)
      process.stderr.write(`fault: ${name}\n`)
      throw Object.assign(new Error(`${FAULT}: ${name}`), { code: FAULT, syscall: name })
    }
  }
}
