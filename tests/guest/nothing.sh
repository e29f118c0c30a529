#!/usr/bin/env bash
# nothing.sh - with nothing to boot the BIOS gives up and vx86 exits 3, soon.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

need empty.img
scratch nothing
for arguments in "$VX86_GUEST_DIR/empty.img" "--cdrom $VX86_GUEST_DIR/empty.img"; do
    status=0
    # shellcheck disable=SC2086 # an option and its file
    timeout 30 "$VX86" --display none --serial stdio --snapshot $arguments </dev/null >"$dir/out" 2>&1 || status=$?
    [ $status -eq 3 ] || fail "exit status $status, not 3, for $arguments: $(tail -5 "$dir/out")"
done
