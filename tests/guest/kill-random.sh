#!/usr/bin/env bash
# kill-random.sh [COUNT] - kill -9 at any moment loses nothing that the guest has flushed: the guest writes files one after the
# other, each flushed before its number appears on the console; after the kill the image has every file so announced.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

need debian-686.img
need_tool e2fsck debugfs
scratch kill-random
for ((round = 1; round <= ${1:-10}; round++)); do
    copy_image debian-686.img
    rm -f "$log"
    delay=$((RANDOM % 4)).$((RANDOM % 10))$((RANDOM % 10))
    cat >"$dir/script" <<'END'
expect 120 vx86:/# 
send while :; do seq 1 300000 > /root/noise; done & i=0\n
expect 20 vx86:/# 
send while i=$((i + 1)); seq $i $((i + 3000)) | dd of=/root/f$i bs=64k conv=fsync 2>/dev/null; do echo flushed $i; done\n
expect 60 flushed 1
END
    printf 'pause %s\nkill\nexit 20 137\n' "$delay" >>"$dir/script"
    console "$dir/script" "$dir/debian-686.img"
    # the last line may have been cut short: only whole ones count
    count=$(tr -d '\r' <"$log" | sed -n 's/^flushed \([0-9]*\)$/\1/p' | sed '$d' | tail -n 1)
    root_partition "$dir/debian-686.img" "$dir/root"
    e2fsck -f -y "$dir/root" >"$dir/fsck.log" 2>&1 || [ $? -le 1 ] || fail "e2fsck cannot recover the journal: $(cat "$dir/fsck.log")"
    e2fsck -f -n "$dir/root" >"$dir/fsck.log" 2>&1 || fail "the file system is not clean after recovery: $(cat "$dir/fsck.log")"
    for ((i = 1; i <= ${count:-0}; i++)); do
        debugfs -R "cat /root/f$i" "$dir/root" 2>/dev/null | cmp -s - <(seq "$i" $((i + 3000))) ||
            fail "round $round, killed after $delay s: file $i of $count was flushed and is not there"
    done
    echo "round $round: killed after $delay s, all ${count:-0} flushed files are there"
done
