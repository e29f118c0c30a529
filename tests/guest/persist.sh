#!/usr/bin/env bash
# persist.sh - what a guest wrote is there on the next boot, and the host finds the file system clean.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

need debian-686.img
need_tool e2fsck debugfs
scratch persist
copy_image debian-686.img
mark=$(seq 1 20000 | md5sum)
console "$here/persist.script" "$dir/debian-686.img"
root_partition "$dir/debian-686.img" "$dir/root"
e2fsck -f -n "$dir/root" || fail "e2fsck finds errors after the first power-off"
[ "$(debugfs -R 'cat /root/mark' "$dir/root" 2>/dev/null)" = "$mark" ] || fail "the host does not find what the guest wrote"
[ "$(debugfs -R 'cat /root/large' "$dir/root" 2>/dev/null | md5sum)" = "$(seq 1 200000 | md5sum)" ] || fail "the large file differs"

console "$here/reread.script" "$dir/debian-686.img"
root_partition "$dir/debian-686.img" "$dir/root"
e2fsck -f -n "$dir/root" || fail "e2fsck finds errors after the second power-off"
grep -aq "^${mark%% *}" "$log" || fail "the second boot does not see what the first one wrote"
