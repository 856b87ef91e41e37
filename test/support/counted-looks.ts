import { openSystem, type System } from '../../src/system/system'

export interface CountedLooks {
  readonly system: System
  /** Runs this before the given look, counted from now. */
  readonly beforeLook: (count: number, what: () => void) => void
}

/** The system of a tree, which tells before the daemon looks at it: each look reads the list of online CPUs once, and first. */
export function countLooks(root: string): CountedLooks {
  const plain = openSystem(root)
  let atLook = (_: number): void => {}
  let looks = 0
  const system: System = Object.assign(Object.create(plain), {
    readText: (path: string) => {
      if (path === `${plain.paths.sysCpu}/online`) atLook(++looks)
      return plain.readText(path)
    },
  })
  const beforeLook = (count: number, what: () => void): void => {
    looks = 0
    atLook = (now) => {
      if (now === count) what()
    }
  }
  return { system, beforeLook }
}
