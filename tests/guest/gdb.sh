#!/usr/bin/env bash
# gdb.sh - GDB itself on the default system, in deterministic time: from power-on in real mode to a process under Linux, then
# detached, attached again, run from power-on again, and killed.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

need default.img
need_tool gdb
scratch gdb

(cd "$dir" && exec "$VX86" --gdb unix:gdb.socket --debug-files . --clock=instructions --snapshot --serial none --no-reboot --timeout 120 \
    "$VX86_GUEST_DIR/default.img") >"$dir/vx86" 2>&1 &
pid=$!
trap 'kill $pid 2>/dev/null || true; rm -rf "$dir"' EXIT

for _ in {1..100}; do
    [ -S "$dir/gdb.socket" ] && break
    sleep 0.1
done

# session NAME: runs gdb-NAME.gdb to its end.
session() {
    (cd "$dir" && timeout 100 gdb -nx -batch -x "$here/gdb-$1.gdb") >"$dir/$1" 2>&1 || true
    said "$1" '^done$'
}

said() { grep -qE -- "$2" "$dir/$1" || { cat "$dir/$1" "$dir/vx86"; fail "$1 does not say: $2"; }; }

session boot
said boot '^=> 0xfffffff0:[[:space:]]ljmp +.0xf000,.0xe05b$'
said boot '^power-on fffffff0 offset fff0 cs_base ffff0000$'
said boot '^Breakpoint 1, 0x00007c00'
said boot 'currently "i8086"'
said boot '^0xb8000:[[:space:]]0x0753.0x0765.0x0761.0x0742$' # SeaB
said boot '^0xb8000:[[:space:]]0x0756.0x0765.0x0761.0x0742$'
said boot '^mmio fee00030: 000[0-9]00[0-9]{2}$'
said boot '^=> 0x7c00:[[:space:]][a-z]+ .*%[a-d]x,%[a-d]x'
said boot '^stepped 7c0[1-9a-f]$'
said boot 'real mode, 16-bit code'
said boot '^\* 1 +Thread 1 \(CPU 0, running\)'
said boot '^mode 1 pc '
said boot 'currently "i386"'
said boot '^[0-9]{5,} symbols, kernel at '
said boot 'Breakpoint 2, 0xc[0-9a-f]{7} in start_kernel'
said boot '^#1 .* in i386_start_kernel'
said boot '^Hardware watchpoint 5: \*\(unsigned \*\)0x'
said boot '^New value = [1-9][0-9]*$'
said boot '^#1 .* in (tick_|update_)'
said boot '^jiffies [1-9][0-9]* 14$'
said boot '^1 pattern found'
said boot 'in asm_exc_page_fault'
said boot '^cr2 '
said boot '^0x7dfe:[[:space:]]0x55[[:space:]]0xaa$'
said boot '^cs_limit +0xffffffff'
said boot '^dr7 +0x400'
said boot '\[Inferior 1 .* detached\]'

sleep 2 # the guest runs on
kill -0 $pid || fail "the guest has ended with the first session"
session again
said again '^0x[0-9a-f]+ = [0-9]{9,}$'
said again '^eax 12345678$'
said again '^Breakpoint 1, .* in lapic_next_deadline'
said again '\[Inferior 1 .* detached\]'
session run
said run '^run to 7c00$'
said run '^run again to 7c00$'
said run '\[Inferior 1 .* killed\]'

status=0
wait $pid || status=$?
[ $status -eq 0 ] || { cat "$dir/vx86"; fail "vx86 ended with status $status"; }
[ ! -e "$dir/gdb.socket" ] || fail "the socket was left behind"
