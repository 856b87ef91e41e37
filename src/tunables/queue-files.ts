/** Files of a queue below queues/, one for each queue in use. */
import type { System } from '../system/system'
import type { NicTopology, Setting } from './tunable'

export function queueKey(queue: number): string {
  return `queue ${queue}`
}

/**
 * Reads the attribute of each queue in use; queues without a readable file are left out.
 * @param parse undefined for a text that is no value
 */
export function readQueueFiles<V>(
  system: System,
  nic: NicTopology,
  direction: 'rx' | 'tx',
  attribute: string,
  title: string,
  parse: (text: string) => V | undefined,
): readonly Setting<V>[] {
  return nic.queues.flatMap(({ index }): Setting<V>[] => {
    const file = `${system.paths.sysClassNet}/${nic.name}/queues/${direction}-${index}/${attribute}`
    const text = system.readText(file)
    const value = text === undefined ? undefined : parse(text)
    const key = queueKey(index)
    return value === undefined ? [] : [{ key, value, label: `${key} ${title}`, file }]
  })
}
