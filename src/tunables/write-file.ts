/** Writes kernel attributes; errors say what to do. */
import { errnoOf, messageOf, VqtuneError } from '../errors'
import type { Step } from '../model'
import type { System } from '../system/system'
import { StepRefused } from './refused'

/**
 * Writes the file of a step in one write(2).
 * @param text in the kernel's format
 * @throws StepRefused when the kernel owns the setting (EIO, EPERM); VqtuneError kind permission, vanished, tool-failed
 */
export function writeSettingFile(system: System, step: Step, text: string): void {
  // Who writes a file has told where it is when it was read.
  const file = step.file as string
  try {
    system.writeAttribute(file, text)
  } catch (cause) {
    const errno = errnoOf(cause)
    const what = `${step.nic}: ${step.label}`
    switch (errno) {
      case 'EACCES':
      case 'EROFS':
        throw new VqtuneError('permission', `${what}: ${file} is not writable (${errno})`, { cause })
      case 'ENOENT':
        throw new VqtuneError('vanished', `${what} disappeared before it could be written`, { cause })
      // A managed interrupt: EIO on RHEL 8 and 9, EPERM on RHEL 10 (write_irq_affinity, kernel/irq/proc.c).
      case 'EIO':
      case 'EPERM':
        throw new StepRefused('refused', `${what}: the kernel does not allow a change`, errno)
      default: {
        const value = step.new === '' ? 'none' : step.new
        throw new VqtuneError('tool-failed', `${what}: ${value} not accepted: ${messageOf(cause)}`, { cause })
      }
    }
  }
}
