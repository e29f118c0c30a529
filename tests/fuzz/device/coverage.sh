#!/usr/bin/env bash
# coverage.sh [--least PERCENT] [vx86-devfuzz options] - runs the device fuzzer and prints how many lines of each chip were
# reached, as gcov counts them. Chips and their files: chips.def.
#
# Fails when a chip has less than PERCENT. Needs gcc and its gcov; builds in build/cover.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../.." && pwd)
least=0
if [ "${1:-}" = --least ]; then
    least=$2
    shift 2
fi
cmake -S "$root" --preset cover >/dev/null 2>"$root/build/cover.log" || { cat "$root/build/cover.log" && exit 2; }
cmake --build "$root/build/cover" --target vx86-devfuzz >/dev/null
objects=$root/build/cover/tests/fuzz/device/CMakeFiles
find "$root/build/cover" -name '*.gcda' -delete
"$root/build/cover/tests/fuzz/device/vx86-devfuzz" --note "$root/build/cover/devfuzz.note" "$@"

# lines of devices/FILE: "executed all"
lines_of() {
    local data
    data=$(find "$objects" -path "*/vx86-devfuzz_*.dir/*/devices/$1.gcda")
    [ -n "$data" ] || return 1
    gcov -n "$data" 2>/dev/null | awk -v name="/devices/$1'" '
        /^File/ { mine = index($0, name) }
        /^Lines executed/ && mine { split($0, part, /[:% ]+/); all = part[5]; printf "%d %d\n", part[3] * all / 100 + 0.5, all; exit }'
}

failed=0
printf '%-12s %6s %6s %7s\n' chip lines reached percent
while IFS=' ' read -r chip files; do
    executed=0 all=0
    for file in $files; do
        read -r one of < <(lines_of "$file") || { echo "no figures for devices/$file" >&2 && exit 2; }
        executed=$((executed + one)) all=$((all + of))
    done
    percent=$((executed * 1000 / all))
    printf '%-12s %6d %6d %5d.%d\n' "$chip" "$all" "$executed" $((percent / 10)) $((percent % 10))
    if [ $percent -lt $((least * 10)) ]; then failed=1; fi
done < <(sed -n 's/^CHIP(\([a-z0-9_]*\), [a-z0-9_]*, "\(.*\)")$/\1 \2/p' "$here/chips.def")
exit $failed
