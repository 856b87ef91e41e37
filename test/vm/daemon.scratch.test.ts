import { writeFileSync } from 'node:fs'
import { test } from 'vitest'
import { Guest } from './lib/guest'

test('probe', async () => {
  await using guest = await Guest.boot({ kernel: '6.12', cpus: 4, nics: [{ queues: 4 }], node: true })
  const nic = await guest.nicName(0)
  await guest.writeFile(
    '/tmp/w.js',
    `
const fs=require('fs');const dir=process.argv.slice(2);const out=fs.openSync('/tmp/w.out','w');
for(const d of dir){fs.openSync(d,'r');fs.watch(d,(e,f)=>fs.writeSync(out,d+' '+e+' '+f+'\\n'))}
setInterval(()=>{},1000)`,
  )
  const irq = (await guest.shell(`grep virtio.*-input.0 /proc/interrupts | tail -1 | cut -d: -f1`)).trim()
  const out = await guest.shell(
    `
which stdbuf logger udevadm systemd-notify
setsid node /tmp/w.js /proc/irq/${irq} /sys/class/net/${nic}/queues/tx-0 >/dev/null 2>/tmp/w.err </dev/null &
setsid sh -c 'udevadm monitor --kernel --subsystem-match=net --subsystem-match=queues --subsystem-match=cpu | cat > /tmp/u.out' >/dev/null 2>&1 </dev/null &
setsid sh -c 'stdbuf -oL ethtool --monitor | cat > /tmp/e.out' >/dev/null 2>&1 </dev/null &
sleep 4
cat /tmp/w.err
ethtool -L ${nic} combined 2; sleep 1
echo == unbuffered udevadm; cat /tmp/u.out | head -50
echo == ethtool; cat /tmp/e.out
echo 1 > /proc/irq/${irq}/smp_affinity
echo 2 > /proc/irq/${irq}/smp_affinity_list
echo 3 > /sys/class/net/${nic}/queues/tx-0/xps_cpus
echo 0 > /sys/devices/system/cpu/cpu3/online; sleep 1
echo 1 > /sys/devices/system/cpu/cpu3/online; sleep 1
ip link set ${nic} name foo0; ip link set foo0 name ${nic}
echo == watch; cat /tmp/w.out
echo == udev; cat /tmp/u.out
echo == ethtool; cat /tmp/e.out
ethtool -L ${nic} combined 4; sleep 1
ethtool --version
ls /run/udev
ls -l /run/systemd/notify; systemctl --version | head -1
`,
    { timeoutMs: 120000 },
  )
  writeFileSync('/tmp/drift/probe.txt', out)
}, 400000)
