#!/usr/bin/env bash
# lockstep.sh [--long] - the interpreter follows the translator through the boot of the default system, and nothing differs.
#
# Short: the BIOS and the boot loader unit by unit, the kernel's first part every 20,000 instructions, two seeds of stress. --long: to
# the shell unit by unit, and 20 seeds.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

need default.img
scratch "lockstep${1:-}"

# follow INSTRUCTIONS OPTION...
follow() {
    local count=$1
    shift
    "$VX86" "$@" --clock=instructions --stop-at "$count" --display none --serial stdio --snapshot \
        "$VX86_GUEST_DIR/default.img" </dev/null >"$dir/console" 2>"$dir/err" || {
        cat "$dir/err"
        fail "$*: exit status $?"
    }
    grep 'no difference' "$dir/err" || fail "$*: nothing was compared"
}

if [ "${1:-}" = --long ]; then
    follow 2000000000 --lockstep
    follow 4000000000 --lockstep=10000
    for seed in $(seq 1 20); do
        follow 150000000 --lockstep --stress="$seed"
        follow 300000000 --lockstep=1000 --stress="$seed"
    done
else
    follow 20000000 --lockstep
    follow 100000000 --lockstep=20000
    follow 10000000 --lockstep --stress=1
    follow 20000000 --lockstep=100 --stress=2
fi
