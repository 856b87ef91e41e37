/** The output of `vqtune host zerocopy probe`. Pure. */
import type { ProbeResult, ProbeVerdict } from '../hypervisor/zerocopy/probe'

/** @param running the module's setting; undefined where it cannot be read */
export function probeText(result: ProbeResult, running: boolean | undefined): string {
  const { zeroCopied, copiedAfterAll, sent, seconds, verdict } = result
  const total = zeroCopied + copiedAfterAll
  const texts: Readonly<Record<ProbeVerdict, string>> = {
    works: `zero copy works: ${zeroCopied} of ${total} attempts were sent without a copy`,
    copied: `zero copy does not work: all ${copiedAfterAll} attempts were copied on the way (uplink without scatter-gather, traffic between guests, a packet sniffer)`,
    'not-tried':
      running === false
        ? 'zero copy is off: nothing was sent without a copy'
        : 'zero copy was not attempted: packets under 256 bytes, a full queue, or vhost gave up because the first packets were copied on the way (uplink without scatter-gather, traffic between guests)',
    'no-traffic': 'inconclusive: no guest sent anything; measure again under load',
    unreadable: 'inconclusive: the probed function of this kernel has unexpected arguments',
  }
  return `${texts[verdict]}\nmeasured ${seconds} s; guests sent ${sent} packets`
}
