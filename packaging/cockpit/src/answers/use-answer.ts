import { useCallback, useEffect, useRef, useState } from 'react'
import type { Answer, SchemaName } from './answer'
import { type Privileges, start } from './run'

export interface Loaded<T> {
  /** The newest answer; undefined before the first. */
  readonly value: T | undefined
  /** Why the newest attempt gave none. */
  readonly problem: string | undefined
  readonly isLoading: boolean
  readonly reload: () => void
}

/** What a command says, read when the component appears, when the arguments change, and on reload(). One at a time. */
export function useAnswer<Name extends SchemaName>(
  name: Name,
  args: readonly string[],
  privileges: Privileges = 'none',
): Loaded<Answer<Name>> {
  const [state, setState] = useState<Omit<Loaded<Answer<Name>>, 'reload'>>({
    value: undefined,
    problem: undefined,
    isLoading: true,
  })
  const key = JSON.stringify(args)
  const current = useRef<{ stop: () => void; again: boolean } | undefined>(undefined)

  const read = useCallback(() => {
    if (current.current !== undefined) {
      current.current.again = true
      return
    }
    setState((before) => ({ ...before, isLoading: true }))
    const running = start(name, JSON.parse(key) as readonly string[], privileges)
    const own = { stop: running.stop, again: false }
    current.current = own
    const settle = (next: Partial<Loaded<Answer<Name>>>): void => {
      if (current.current !== own) return
      current.current = undefined
      setState((before) => ({ ...before, problem: undefined, ...next, isLoading: own.again }))
      if (own.again) read()
    }
    running.result.then(
      (value) => settle({ value }),
      (error: Error) => settle({ problem: error.message }),
    )
  }, [name, key, privileges])

  useEffect(() => {
    read()
    return () => {
      const own = current.current
      current.current = undefined
      own?.stop()
    }
  }, [read])
  return { ...state, reload: read }
}
