#!/usr/bin/env bash
# debug.sh boot|same|trace|signal - the debugger on the default system, in deterministic time.
#
#   boot    a script from power-on to a process: the switch of modes, kernel symbols, page walk, watched variable
#   same    a run that was stopped, stepped and moved between engines ends as one that was not
#   signal  SIGUSR1 where nobody can give commands: the guest is shown and goes on
#   trace   100,000 single steps show the same registers under both engines
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

need default.img
scratch "debug-$1"

# vx86 in deterministic time: out/NAME has what the debugger and the log said.
vx86() {
    local name=$1
    shift
    (cd "$dir" && "$VX86" --clock=instructions --snapshot --serial none --no-reboot --timeout 200 "$@" "$VX86_GUEST_DIR/default.img") \
        >"$dir/$name" 2>&1
}

said() { grep -qE -- "$2" "$dir/$1" || { cat "$dir/$1"; fail "$1 does not say: $2"; }; }

boot() {
    local status=0
    vx86 boot --lowering soft --debug-script "$here/debug-boot.dbg" || status=$?
    [ $status -eq 9 ] || { cat "$dir/boot"; fail "the script ended with status $status, not 9"; }
    said boot '^0000:7c00 +[0-9a-f]+ +[a-z]'
    said gates.trace '^[0-9]+ 0000:7c00 '
    [ "$(wc -l <"$dir/gates.trace")" -eq 2 ] || { cat "$dir/gates.trace"; fail "more than one instruction lies between the gates"; }
    said boot 'mode change: real mode -> protected mode, by'
    said boot 'mode change: protected mode -> protected mode with paging, by'
    said boot '^[0-9]{5,} symbols, kernel at '
    said boot '<start_kernel> .* call '
    said boot '^PDE +at [0-9a-f]{8}: [0-9a-f]{16} .* P RW'
    said boot 'linear [0-9a-f]{8} is physical [0-9a-f]{8}, a page of'
    said boot '#1 .*  startup_32_smp'
    said boot 'watchpoint: 4 bytes at .* written, [0-9a-f]{8} -> [0-9a-f]{8}, by 0060:'
    said boot '#1 .*  (tick_|update_)'
    said boot 'exception 14 #PF, error code (4|5|6|7|14|15), address [0-9a-f]{8}, by 0073:'
    said boot '^[0-9a-f]{8}-[0-9a-f]{8}  -> [0-9a-f]{8} .* u[rw]x'
    said boot 'GDT 0060  base 00000000  limit ffffffff  code, readable, 32-bit, accessed, DPL 0'
    said boot '^vector 000e  32-bit interrupt gate to 0060:[0-9a-f]{8} <.*page_fault>'
    said boot '^ +[1-9][0-9]*  +[0-9.]+%  [0-9a-f]{8}  +[0-9]+  [0-9]+ [0-9]+, cs32 .*  <[a-z_]'
    said boot '^entered [0-9a-f]{8}  left .*  for 0060:[0-9a-f]{8}  '
    said boot '^  entered [1-9][0-9]* times'
    said boot '; flags: reads [.]{6}  writes OSZAPC'
    said boot '; runs as itself, its operand by '
    said boot ' call .* <mem_slow>'
}

same() {
    local engine
    for engine in bt interp; do
        vx86 "plain-$engine" --engine $engine --state-hash 10000000 --stop-at 50000000
        vx86 "debugged-$engine" --engine $engine --state-hash 10000000 --stop-at 50000000 \
            --debug-script "$here/debug-same.dbg"
        said "debugged-$engine" 'state after 50000000'
        said "debugged-$engine" '^all of it was run'
        diff <(grep 'state after' "$dir/plain-$engine") <(grep 'state after' "$dir/debugged-$engine") ||
            fail "with --engine $engine debugging has changed the guest"
    done
    diff <(grep -v 'vx86: engine' "$dir/debugged-bt") <(grep -v 'vx86: engine' "$dir/debugged-interp") ||
        fail "the engines stop at different places"
}

trace() {
    local engine
    for engine in bt interp; do
        vx86 "trace-$engine" --engine $engine --debug-script "$here/debug-trace.dbg"
        mv "$dir/insns.trace" "$dir/insns-$engine"
    done
    [ "$(wc -l <"$dir/insns-bt")" -ge 200000 ] || fail "$(wc -l <"$dir/insns-bt") lines of trace are too few"
    cmp "$dir/insns-bt" "$dir/insns-interp" || fail "the traces differ"
}

signal() {
    local pid status=0
    (cd "$dir" && exec "$VX86" --snapshot --serial none --timeout 4 "$VX86_GUEST_DIR/default.img") </dev/null >"$dir/signal" 2>&1 &
    pid=$!
    for _ in {1..100}; do
        grep -q 'vx86: engine' "$dir/signal" && break
        sleep 0.1
    done
    kill -USR1 $pid
    wait $pid || status=$?
    [ $status -eq 124 ] || { cat "$dir/signal"; fail "the guest ended with status $status, not with the timeout's 124"; }
    said signal '^stopped$'
    said signal '^[0-9a-f]{4}:[0-9a-f]{4,8} '
    said signal '^no more commands: the guest goes on$'
}

case $1 in
boot | same | trace | signal) "$1" ;;
*) fail "no test $1" ;;
esac
