/** A generated guest with a default gateway, for tests of commit-confirm: what answers is made by hand. */
import { execFileSync } from 'node:child_process'
import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { openSystem } from '../../src/system/system'
import { type GeneratedTree, generateTree } from './generated-tree'

/** Answers as iproute2 6.1 does. A probe is answered when the file `alive` lists the present channel count. */
const IP = `#!/bin/sh
T=$(dirname "$(dirname "$(dirname "$0")")")
case "$*" in
'-4 route show default dev eth0') echo 'default via 10.77.0.1 proto dhcp ' ;;
'-4 neigh show to 10.77.0.1 dev eth0') cat "$T/neigh" ;;
'-s neigh show') sed 's/^10.77.0.1/& dev eth0/' "$T/neigh" ;;
'-4 neigh change 10.77.0.1 lladdr 52:54:00:aa:bb:cc nud probe dev eth0')
  if grep -qw "$(cat "$T/sys/class/net/eth0/current")" "$T/alive"
  then echo '10.77.0.1 lladdr 52:54:00:aa:bb:cc REACHABLE ' >"$T/neigh.$$"
  else echo '10.77.0.1  FAILED ' >"$T/neigh.$$"
  fi
  # As the kernel: nobody sees an entry that is half written.
  mv "$T/neigh.$$" "$T/neigh" ;;
*) echo "unexpected: $*" >&2; exit 99 ;;
esac
`
export const BOOT = '8a9b7c6d-0000-4000-8000-000000000000'
const STALE = '10.77.0.1 lladdr 52:54:00:aa:bb:cc STALE \n'

const trees: GeneratedTree[] = []
const stops: AbortController[] = []
/** To be called after each test. */
export function tearDown(): void {
  for (const stop of stops.splice(0)) stop.abort()
  for (const tree of trees.splice(0)) tree.remove()
}

export type GatewayGuest = ReturnType<typeof gatewayGuest>

/** A guest whose gateway answers with some channel counts only, listed in `alive`. */
export function gatewayGuest(alive: string, current = 4) {
  const tree = generateTree(4, [{ name: 'eth0', maximum: 4, current, counts: [1, 2, 4] }])
  trees.push(tree)
  const { root } = tree
  writeFileSync(`${root}/usr/sbin/ip`, IP)
  chmodSync(`${root}/usr/sbin/ip`, 0o755)
  writeFileSync(`${root}/alive`, `${alive}\n`)
  writeFileSync(`${root}/neigh`, STALE)
  writeFileSync(`${root}/sys/class/net/eth0/carrier`, '1\n')
  const stop = new AbortController()
  stops.push(stop)
  return {
    ...{ root, system: openSystem(root), signal: stop.signal, refuse: tree.refuse },
    ethtool: (...args: string[]) => execFileSync(`${root}/usr/sbin/ethtool`, args),
    set: (file: 'alive' | 'neigh', text: string) => writeFileSync(`${root}/${file}`, text),
    setCarrier: (text: string) => writeFileSync(`${root}/sys/class/net/eth0/carrier`, text),
    channels: () => Number(readFileSync(`${root}/sys/class/net/eth0/current`, 'utf8')),
  }
}
