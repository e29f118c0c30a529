#!/usr/bin/env bash
# errors.sh - wrong input gives exit status 1, one line that names cause and remedy, within a second.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

scratch errors
printf 'not a kernel' >"$dir/text"
: >"$dir/empty"
truncate -s 64K "$dir/zeros"
head -c 1000 /dev/urandom >"$dir/odd.img" # no multiple of a sector
mkdir "$dir/directory"
cp "$dir/zeros" "$dir/unreadable"
chmod 000 "$dir/unreadable"

as_other=() # runs vx86 as another user, when set

# refused PATTERN ARGUMENT...: the message matches PATTERN (extended, any case).
refused() {
    local pattern=$1 status=0 began=${EPOCHREALTIME/./}
    shift
    timeout 10 "${as_other[@]}" "$VX86" --display none --serial none "$@" </dev/null >"$dir/out" 2>&1 || status=$?
    local took_ms=$(((${EPOCHREALTIME/./} - began) / 1000))
    [ $status -eq 1 ] || fail "exit status $status, not 1, for: $*: $(cat "$dir/out")"
    grep -qiE -- "$pattern" "$dir/out" || fail "no \"$pattern\" for: $*: $(cat "$dir/out")"
    [ "$(wc -l <"$dir/out")" -le 2 ] || fail "more than an error and a hint for: $*: $(cat "$dir/out")"
    [ $took_ms -lt 1000 ] || fail "$took_ms ms for: $*"
    echo "ok: $(head -n 1 "$dir/out")"
}

refused 'missing\.img' "$dir/missing.img"
refused 'empty' "$dir/empty"
refused 'directory' "$dir/directory"
refused '512|sector|truncated' "$dir/odd.img"
if [ "$(id -u)" -ne 0 ]; then
    refused 'permission' "$dir/unreadable"
else # root may read everything: somebody else tries, if there is a way to the image for him
    as_other=(setpriv --reuid 65534 --clear-groups)
    ! "${as_other[@]}" test -x "$VX86" 2>/dev/null || refused 'permission' "$dir/unreadable"
    as_other=()
fi
refused 'memory' -m 512K
refused 'memory' -m 4G
refused 'memory' -m nonsense
refused 'unknown.*--mmeory|did you mean.*--memory' --mmeory 64M
refused 'did you mean' --snapshoot "$dir/zeros"
refused 'missing' --bios "$dir/missing"
refused 'bios' --bios "$dir/text"
refused 'missing' --vga-bios "$dir/missing"
refused 'bzImage|kernel' --kernel "$dir/text"
refused 'missing' --kernel "$dir/missing"
refused 'engine' --engine jit
refused '--kernel' --initrd "$dir/text" "$dir/zeros"
refused 'missing' --cdrom "$dir/missing"
if [ -e "$VX86_GUEST_DIR/vmlinuz-686" ]; then
    truncate -s 400M "$dir/large"
    refused 'initrd' -m 256M --kernel "$VX86_GUEST_DIR/vmlinuz-686" --initrd "$dir/large"
    refused 'memory' -m 8M --kernel "$VX86_GUEST_DIR/vmlinuz-686"
fi
if [ -e "$VX86_GUEST_DIR/empty.img" ]; then
    copy_image empty.img
    # a disk that another vx86 has open for writing
    "$VX86" --display none --serial none --timeout 20 "$dir/empty.img" --kernel "$VX86_GUEST_DIR/memtest.bin" </dev/null >/dev/null 2>&1 &
    other=$!
    sleep 1
    refused 'in use|locked|another' "$dir/empty.img"
    kill -9 $other
    wait $other 2>/dev/null || true
fi
