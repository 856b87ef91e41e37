#!/bin/sh
# greenboot's health check of an image-mode boot: fails, with one line, if a NIC is not as it should be. In wanted.d, so that it is
# reported and the deployment stays: a NIC with fewer channels is slow, not broken. Who wants such an update to be rolled back links
# this file into /etc/greenboot/check/required.d.

# With vqtune=off on the kernel command line nothing is to be tuned.
case " $(cat /proc/cmdline) " in *' vqtune=off '*) exit 0 ;; esac

# The daemon's first pass repairs what the boot left. It is "activating" until then, at most the 90 s of its unit.
while [ "$(systemctl is-active vqtuned.service)" = activating ]; do sleep 1; done

report=$(LC_ALL=C vqtune status --check 2>&1)
status=$?
case $status in
  0) exit 0 ;;
  3) line=$(printf '%s\n' "$report" | grep -m 1 ' pending$') ;;
  *) line=$(printf '%s\n' "$report" | grep -m 1 '^vqtune: ') ;;
esac
line=${line:-vqtune status --check: exit status $status}
printf 'vqtune: %s; see vqtune status\n' "${line#vqtune: }"
exit "$status"
