#!/usr/bin/env bash
# kill.sh - what the guest had flushed is in the image after kill -9.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

need debian-686.img
need_tool e2fsck debugfs
scratch kill
copy_image debian-686.img
console "$here/kill.script" "$dir/debian-686.img"
root_partition "$dir/debian-686.img" "$dir/root"
e2fsck -f -y "$dir/root" >"$dir/fsck.log" || [ $? -le 1 ] || fail "e2fsck cannot recover the journal: $(cat "$dir/fsck.log")"
[ "$(debugfs -R 'cat /root/mark' "$dir/root" 2>/dev/null | md5sum)" = "$(seq 1 20000 | md5sum)" ] || fail "flushed data is lost"
