#!/usr/bin/env bash
# clock.sh [INSTRUCTIONS [EVERY]] - with --clock=instructions the boot of the default system is the same run every time and under every
# engine: equal hashes of CPU and memory on the way, equal console output.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

instructions=${1:-30000000} every=${2:-5000000}
need default.img
scratch "clock-$instructions"
number=0
for engine in "--engine bt" "--engine bt" "--engine interp" "--engine bt --stress=3 --tu-max 7"; do
    number=$((number + 1))
    # shellcheck disable=SC2086 # several words on purpose
    "$VX86" $engine --clock=instructions --state-hash "$every" --stop-at "$instructions" --display none --serial stdio --snapshot \
        "$VX86_GUEST_DIR/default.img" </dev/null >"$dir/$number.console" 2>"$dir/$number.err" || fail "$engine: exit status $?"
    grep 'state after' "$dir/$number.err" >"$dir/$number.states" || fail "$engine: no state hashes"
    [ "$(wc -l <"$dir/$number.states")" -eq $((instructions / every)) ] || fail "$engine: hashes are missing"
    cmp "$dir/1.console" "$dir/$number.console" || fail "$engine: the console differs"
    diff "$dir/1.states" "$dir/$number.states" || fail "$engine: the states differ from those of the first run"
done
[ "$(cut -d: -f4 "$dir/1.states" | sort -u | wc -l)" -gt 1 ] || fail "the hash does not tell states apart"
tail -n 1 "$dir/1.states"
