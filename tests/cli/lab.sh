#!/usr/bin/env bash
# lab.sh VX86 - `vx86 bench` from outside: rivals that fail, hang or lie, an interruption, an image that boots nothing, reports
# that cannot be written. Rivals are programs of the shell.
set -euo pipefail
vx86=$1
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
mkdir rivals
PATH=$dir/rivals:$PATH

fail() {
    echo "FAILED: $1"
    [ ! -e out ] || cat out
    exit 1
}

rival() { printf '#!/bin/sh\n%s\n' "$2" >"rivals/$1" && chmod +x "rivals/$1"; }

# bench STATUS ARGUMENT...: into the file out.
bench() {
    local wanted=$1 status=0
    shift
    "$vx86" bench --rounds 1 "$@" >out 2>&1 || status=$?
    [ "$status" -eq "$wanted" ] || fail "bench $*: status $status, not $wanted"
}

says() { grep -qE -- "$1" out || fail "it does not say: $1"; }
ended() { [ "$(tail -c 4 "$1" | tr -d '\n')" = "]}" ] || fail "$1 is no whole report"; }

rival bochs 'exit 1'
rival qemu-system-i386 'echo "qemu: Failed to get \"write\" lock" >&2; exit 1'
bench 0 --scale 0.001 --json report.json loop crc
says '^crc .* failed +failed +[0-9.]+x '
says '^  TCG: ended with status 1 and no result: qemu: Failed to get "write" lock$'
ended report.json
grep -qF '"TCG": {"error": "ended with status 1 and no result: qemu: Failed to get \"write\" lock"}' report.json || fail "the report has no reason"

rival qemu-system-i386 'exec sleep 100'
bench 0 --scale 0.001 --timeout 2 loop crc
says '^  TCG: no end after 2 s; left out from here on$'
[ "$(grep -c 'TCG: no end' out)" -eq 1 ] || fail "it waits for what hangs again"

rival qemu-system-i386 'echo "@begin loop"; echo "@end loop 1 12345"'
bench 1 --scale 0.001 loop
says '^  TCG: checksum 12345, which is 1 in vx86$'

rm rivals/*
head -c 1M /dev/zero >blank.img
bench 1 --timeout 15 --alone --image blank.img linux
says '^linux .*the image boots nothing$'
bench 1 --alone --json /nowhere/report.json
[ "$(cat out)" = 'vx86: bench: /nowhere/report.json: No such file or directory; name another file' ] || fail "work before outputs"

# Interrupted in its second workload, which takes until then: the first is in the report.
"$vx86" bench --alone --rounds 25 --scale 100 --json report.json --html report.html boot fib >out 2>&1 &
pid=$!
for ((i = 0; i < 300; i++)); do
    ! grep -q '"boot"' report.json 2>/dev/null || break
    sleep 0.1
done
ended report.json
kill -INT $pid # ignored: a shell begins its background jobs so
sleep 0.3
kill -TERM $pid
status=0
wait $pid || status=$?
[ "$status" -eq 143 ] || fail "interrupted: status $status"
says '^boot '
says '^vx86: bench: interrupted; what is above was measured before$'
grep -q '"complete": false' report.json || fail "the report does not say that it is incomplete"
ended report.json
grep -q '</html>' report.html || fail "no whole page"
! pgrep -P $pid >/dev/null || fail "a run goes on"
