#!/usr/bin/env bash
# sandbox.sh VX86 SANDBOX_CALLS_DEF - what vx86 really asks of the host once a run has been set up, by strace: nothing that is not in
# the sandbox's table, and nothing that the filter refuses; every thread is in it; what is wider is said.
set -euo pipefail
vx86=$1
table=$2
command -v strace >/dev/null || exit 77
strace -o /dev/null true 2>/dev/null || exit 77
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
failed=0

fail() {
    echo "FAILED: $*"
    failed=1
}

# disk NAME BYTES: a boot sector with the code that printf makes of BYTES.
disk() {
    # shellcheck disable=SC2059 # the bytes are the format
    printf "$2" >"$1"
    truncate -s 510 "$1"
    printf '\x55\xAA' >>"$1"
    truncate -s 65536 "$1"
}
disk hello.img '\xBA\xF8\x03\xB0o\xEE\xB0k\xEE\xBA\x04\x06\xB8\x00\x20\xEF\xF4' # "ok" to COM1, power off
disk idle.img '\xFB\xF4\xEB\xFC'
printf 'step 5\nregisters all\nengine interp\nstep\nengine bt\nsave saved 0 0xfff\nload saved 0x9000\ntrace-file trace\ntrace insns\nstep 10\ntrace off\n' >script

# names NEED...: the system calls that the table lets through, or answers as absent.
names() {
    local need
    for need in SANDBOX_ALWAYS "$@"; do
        sed -nE "s/^SANDBOX_CALL(_IF)?\($need, ([a-z0-9_]+).*/\2/p" "$table"
    done
    sed -nE 's/^SANDBOX_ABSENT\(([a-z0-9_]+)\).*/\1/p' "$table"
}

# after: what follows the filter in strace's file, one call a line, without what the load itself still does.
after() { awk '/seccomp\(SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC[^,]*, \{/ { on = 1; next } on' strace.out; }

# run "NEEDS" STATUS ARGUMENTS: vx86 as it is, under strace.
run() {
    local needs=$1 want=$2 status=0 call
    shift 2
    strace -f -qq -o strace.out "$vx86" "$@" >out 2>err </dev/null || status=$?
    [ $status -eq "$want" ] || { cat err; fail "vx86 $*: status $status, not $want"; }
    after >calls
    [ -s calls ] || fail "vx86 $*: no filter was set"
    # shellcheck disable=SC2086 # a list of words
    names $needs | sort -u >allowed
    sed -nE 's/^[0-9]+ +(<\.\.\. )?([a-z0-9_]+)(\(| resumed).*/\2/p' calls | sort -u >made
    for call in $(comm -13 allowed made); do
        grep -qE "^[0-9]+ +<\.\.\. $call resumed" calls && ! grep -qE "^[0-9]+ +$call\(" calls && continue # begun before
        fail "vx86 $*: $call is not in the table"
    done
    ! grep -E 'EPERM|SIGSYS' calls || fail "vx86 $*: something was refused"
}

run "" 0 hello.img
grep -q '^ok$' out || [ "$(cat out)" = ok ] || fail "the guest's output is missing"
! grep -q sandbox err || fail "an ordinary run says something of the sandbox"
run "" 0 --snapshot --stats=json --stats-file stats --serial file:line --log debug hello.img
run "" 0 --serial pty hello.img
run "SANDBOX_CLIENTS" 0 --serial unix:line1,server --serial2 stdio hello.img
run "" 0 --engine interp hello.img
run "" 0 --lockstep hello.img
run "" 0 --verify-code --stress hello.img
run "" 0 --clock=instructions --state-hash 1000000 hello.img
run "" 124 --timeout 2 idle.img
run SANDBOX_FILES 0 --debug-script script hello.img
grep -q 'vx86: sandbox: wider than usual: the debugger may open files$' err || fail "the debugger's files are not told of"
run "SANDBOX_FILES" 0 --engine interp --debug-script script hello.img
run "SANDBOX_CLIENTS SANDBOX_REMOVES" 124 --gdb unix:socket --timeout 2 hello.img
grep -q 'wider than usual: connections are accepted, GDB.s socket may be removed$' err || fail "GDB's socket is not told of"
[ ! -e socket ] || fail "GDB's socket was not removed"
mkdir below
run "SANDBOX_FILES SANDBOX_CLIENTS" 124 --gdb 0 --debug-files below --timeout 2 hello.img
grep -q 'the debugger may open files below --debug-files, connections are accepted$' err || fail "--debug-files is not told of"

# every thread
"$vx86" --snapshot --timeout 20 idle.img >/dev/null 2>started </dev/null &
pid=$!
for _ in {1..150}; do
    if grep -q '^vx86: engine' started; then break; fi
    sleep 0.1
done
threads=0
for status in "/proc/$pid/task/"*/status; do
    name=$(sed -n 's/^Name:[[:space:]]//p' "$status")
    [[ $name == vx86* ]] || fail "a thread is called $name"
    [ "$(grep -cE '^(Seccomp:[[:space:]]2|NoNewPrivs:[[:space:]]1)$' "$status")" -eq 2 ] || fail "$name is not in the sandbox"
    [ "$(grep -cE '^Cap(Eff|Prm|Inh|Amb):[[:space:]]0+$' "$status")" -eq 4 ] || fail "$name has capabilities"
    threads=$((threads + 1))
done
[ $threads -ge 5 ] || fail "$threads threads are too few"
grep -q '^Max core file size  *0  *0 ' /proc/$pid/limits || fail "a core file could be written"
kill $pid
wait $pid 2>/dev/null || true

strace -f -qq -o strace.out "$vx86" --sandbox off hello.img >/dev/null 2>&1 </dev/null
! grep -q 'seccomp(' strace.out || fail "--sandbox off sets a filter"

[ $failed -eq 0 ] && echo "in the sandbox, in all of these runs"
exit $failed
