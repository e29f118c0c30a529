#!/bin/sh
# state.sh NM ALLOWED LIBRARY... - does a library have writable objects that ALLOWED does not name?
# ALLOWED: a line each "library object reason"; local statics without the compiler's number.
nm=$1
allowed=$2
shift 2
failed=0
for library; do
    name=$(basename "$library" .a | sed 's/^lib//')
    for object in $("$nm" --format=posix "$library" 2>/dev/null | awk '$2 ~ /^[bBdDCsS]$/ { sub(/\.[0-9]+$/, "", $1); print $1 }' | sort -u); do
        # constant tables with addresses in them (.data.rel.ro) are d to nm but not writable when the program runs
        if ! grep -q "^$name $object " "$allowed"; then
            section=$(objdump -t "$library" 2>/dev/null | awk -v o="$object" '{ n = $NF; sub(/\.[0-9]+$/, "", n); if (n == o) print $0 }' |
                grep -oE '\.(data|bss|tdata|tbss)[^[:space:]]*' | grep -v '^\.data\.rel\.ro' | head -1)
            [ -n "$section" ] || continue
            echo "$name: $object is mutable state at file scope ($section)"
            failed=1
        fi
    done
done
while read -r name object reason; do
    case $name in '' | '#'*) continue ;; esac
    [ -n "$reason" ] || { echo "$allowed: $object has no reason"; failed=1; }
done <"$allowed"
exit $failed
