/** Programs that measure inside the guest, where a round trip to the host does not count: Python, as the image has it. */
import type { Guest } from '../../test/vm/lib/guest'

const PRELUDE = `
import os, subprocess, sys, time
NIC = sys.argv[1]
QUEUES = '/sys/class/net/' + NIC + '/queues'
def channels(nic=None):
    return sum(1 for q in os.listdir(QUEUES if nic is None else '/sys/class/net/%s/queues' % nic) if q.startswith('tx-'))
def ethtool(count, nic=None):
    subprocess.run(['/usr/sbin/ethtool', '-L', nic or NIC, 'combined', str(count)], check=True, stderr=subprocess.DEVNULL)
def wait(count, limit, pause=0.002, nic=None):
    end = time.monotonic() + limit
    while channels(nic) != count:
        if time.monotonic() > end: return False
        time.sleep(pause)
    return True
# MiB without what a file backs: alone in the guest, the pages of the runtime's own text count as private, too.
def memory(pid):
    kib = {}
    for line in open('/proc/%d/smaps_rollup' % pid):
        word = line.split()
        if len(word) == 3: kib[word[0]] = int(word[1])
    return kib['Anonymous:'] / 1024
`

/**
 * Runs a program after the prelude above. Words it prints in lines come back as numbers.
 * @param args the NIC first
 */
export async function runInGuest(
  guest: Guest,
  name: string,
  body: string,
  args: readonly string[],
  timeoutMs: number,
): Promise<number[][]> {
  const path = `/root/${name}.py`
  await guest.writeFile(path, PRELUDE + body)
  const text = await guest.run(['python3', path, ...args], { timeoutMs })
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.split(' ').map(Number))
}
