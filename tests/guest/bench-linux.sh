#!/usr/bin/env bash
# bench-linux.sh - the laboratory's workload that is a system: to its shell, its figures, and off; and what it says of a wrong image.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

scratch bench-linux
need debian-686.img
"$VX86" bench --alone --rounds 1 --image "$VX86_GUEST_DIR/debian-686.img" --json "$dir/report.json" linux | tee "$dir/table"
[ "$(grep -c '^linux ' "$dir/table")" -eq 4 ] || fail "not one row in each table"
awk 'length > 80 { exit 1 }' "$dir/table" || fail "a line of more than 80 columns"
grep -q '"workload": "linux".*"ok": true' "$dir/report.json" || fail "the report does not say that it ended well"
levels=$(awk '$1 == "linux" { gsub(/</, ""); print int($(NF - 3) + $(NF - 2) + $(NF - 1) + $NF + 0.5); exit }' "$dir/table")
[ "$levels" = 100 ] || fail "the levels add up to $levels %"
insns=$(sed -n 's/.*"instructions": \([0-9]*\).*/\1/p' "$dir/report.json")
[ "$insns" -gt 100000000 ] || fail "a system of $insns instructions"

if "$VX86" bench --image "$dir/missing.img" linux >"$dir/out" 2>&1; then
    fail "an image that is not there"
fi
grep -qx "vx86: bench: $dir/missing.img: No such file or directory; name a disk image with --image" "$dir/out" || fail "$(cat "$dir/out")"
