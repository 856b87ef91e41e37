// Preloaded with --require: the process kills itself (SIGKILL) before its call number KILL_AT, from 0, of a function that
// changes something or starts a program.
const fs = require('node:fs')
const childProcess = require('node:child_process')

let left = Number(process.env.KILL_AT)
const CHANGES = [
  // Not writeSync, the write to a kernel attribute: opening one truncates nothing, as it does the file that stands for it.
  [fs, 'mkdirSync openSync writeFileSync fchmodSync ftruncateSync fsyncSync closeSync renameSync rmSync'],
  [childProcess, 'spawn'],
]
for (const [module, names] of CHANGES) {
  for (const name of names.split(' ')) {
    const real = module[name]
    module[name] = (...args) => {
      if (left-- === 0) process.kill(process.pid, 'SIGKILL')
      return real(...args)
    }
  }
}
