#!/bin/bash
# includes.sh COMPILER SOURCE-ROOT COMPILE-COMMANDS - who may name whose headers?
#   1. No #include leads out of its folder by path ("../", or "cpu/...").
#   2. With a folder's include paths no private header of another folder is found, so naming one does not compile.
#   3. The build gives a folder no other include paths than those.
compiler=$1
root=$2
commands=$3
cd "$root" || exit 2
failed=0
# Folders and the include paths that they have besides include/; as in the CMake files.
folders=(base mmu cpu cpu/fp cpu/interp bt bt/x86_64 bt/verify devices/core devices devices/apic devices/floppy devices/ide
    devices/input devices/sound devices/vga devices/machine devices/machine/lockstep debug firmware frontend frontend/backends/audio frontend/backends/block frontend/backends/block/qcow2
    frontend/backends/display frontend/backends/serial frontend/debug frontend/gdb frontend/helper frontend/screenshot
    bench/lab)
chips="devices devices/core devices/apic devices/floppy devices/ide devices/input devices/sound devices/vga"
fronts="frontend/debug frontend/gdb frontend/helper frontend/backends/audio frontend/backends/block frontend/backends/display frontend/backends/serial"
declare -A paths=(
    [cpu/interp]="cpu/interp cpu cpu/fp"
    [bt]="bt bt/verify"
    [bt/x86_64]="bt/x86_64 bt"
    [bt/verify]="bt/verify bt bt/x86_64"
    [devices]="devices devices/core"
    [devices/floppy]="devices/floppy devices/core"
    [devices/ide]="devices/ide devices/core"
    [devices/apic]="devices/apic devices/core"
    [devices/input]="devices/input devices/core"
    [devices/sound]="devices/sound devices/core"
    [devices/vga]="devices/vga devices/core"
    [devices/machine]="devices/machine devices/machine/lockstep $chips"
    [bench/lab]="bench/lab bench/guest" # for rows.def
    [frontend]="frontend $fronts"
    [frontend/backends/block]="frontend/backends/block frontend/backends/block/qcow2"
    [frontend/backends/block/qcow2]="frontend/backends/block/qcow2 frontend/backends/block"
    [frontend/backends/serial]="frontend/backends/serial frontend/backends/display"
)

complain() {
    echo "$1"
    failed=1
}

no_paths_in_includes() {
    local found
    found=$(grep -nHE '^[[:space:]]*#[[:space:]]*include[[:space:]]*"(\.\./|(base|mmu|cpu|bt|devices|debug|firmware|frontend|bench)/)' \
        "$1"/*.[chS] "$1"/*.def 2>/dev/null)
    [ -z "$found" ] || complain "$found"
}

# Asks the compiler, with the folder's include paths, which of the others' headers it finds.
no_foreign_headers() {
    local folder=$1 own=" ${paths[$1]:-$1} " flags=() path other header found
    for path in $own; do
        flags+=(-I"$path")
    done
    found=$(for other in "${folders[@]}"; do
        [[ $own == *" $other "* ]] && continue
        for header in "$other"/*.h; do
            if [ ! -e "$header" ] || [ -e "$folder/$(basename "$header")" ]; then
                continue
            fi
            printf '#if __has_include("%s")\nlint_found %s\n#endif\n' "$(basename "$header")" "$header"
        done
    done | "$compiler" -E -P -x c -std=c17 -Iinclude "${flags[@]}" - | grep lint_found)
    [ -z "$found" ] || complain "$folder: $found"
}

no_foreign_paths() {
    local folder=$1 allowed="include" path
    for path in ${paths[$1]:-$1}; do
        allowed+="|$path"
    done
    local sources
    sources=$(grep -E "\"command\": .* -c $root/$folder/[^/ ]+\"" "$commands")
    [ -n "$sources" ] || complain "$commands names no source of $folder"
    local found
    found=$(grep -oE -- "-(I|isystem) ?$root/[^ ]*" <<<"$sources" | sort -u | grep -vE -- "$root/($allowed)\$")
    [ -z "$found" ] || complain "$folder is compiled with $found"
}

for folder in "${folders[@]}"; do
    no_paths_in_includes "$folder"
    no_foreign_headers "$folder"
    no_foreign_paths "$folder"
done
exit $failed
