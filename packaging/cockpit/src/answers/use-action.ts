import { useEffect, useRef, useState } from 'react'
import type { Running } from './run'

export interface Action<T> {
  readonly state: 'idle' | 'running' | 'done'
  readonly value: T | undefined
  readonly problem: string | undefined
  readonly begin: () => void
  readonly stop: () => void
}

/** Something that is run when the user says so. What is running when the component goes is stopped only if `stopsAlone`. */
export function useAction<T>(
  run: () => Running<T>,
  { onDone = () => {}, stopsAlone = false }: { onDone?: () => void; stopsAlone?: boolean } = {},
): Action<T> {
  const [state, setState] = useState<Pick<Action<T>, 'state' | 'value' | 'problem'>>({
    state: 'idle',
    value: undefined,
    problem: undefined,
  })
  const running = useRef<Running<T> | undefined>(undefined)
  const stop = (): void => running.current?.stop()
  const begin = (): void => {
    if (running.current !== undefined) return
    const own = run()
    running.current = own
    setState({ state: 'running', value: undefined, problem: undefined })
    own.result
      .then(
        (value) => setState({ state: 'done', value, problem: undefined }),
        (error: Error) => setState({ state: 'idle', value: undefined, problem: error.message }),
      )
      .finally(() => {
        running.current = undefined
        onDone()
      })
  }
  useEffect(
    () => () => {
      if (stopsAlone) running.current?.stop()
    },
    [stopsAlone],
  )
  return { ...state, begin, stop }
}
