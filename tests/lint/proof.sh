#!/usr/bin/env bash
# proof.sh ROOT COMPILER NM SCRATCH - every lint lets a good example pass and refuses a bad one.
set -uo pipefail

root=$1 compiler=$2 nm=$3 scratch=$4
lint=$root/tests/lint
failed=0
proofs=0

# expect good|bad NAME COMMAND...
expect() {
    local want=$1 name=$2 verdict=bad
    shift 2
    "$@" >"$scratch/out" 2>&1 </dev/null && verdict=good
    proofs=$((proofs + 1))
    [ $verdict = "$want" ] && return
    echo "FAILED: $name is a $want example, the lint takes it for a $verdict one: $*"
    sed 's/^/    /' "$scratch/out"
    failed=1
}

rm -rf "$scratch"
mkdir -p "$scratch"
scratch=$(cd "$scratch" && pwd)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch" || exit 1

# ---- headers.sh: a header compiles alone and twice

mkdir -p headers/vx86
printf '#ifndef A\n#define A\n#include <stddef.h>\nstruct a { size_t n; };\n#endif\n' >headers/vx86/good.h
printf '#ifndef B\n#define B\nstruct b { size_t n; };\n#endif\n' >headers/vx86/needs.h
printf 'struct c { int n; };\n' >headers/vx86/twice.h
expect good "a header that stands alone" "$lint/headers.sh" "$compiler" headers headers/vx86/good.h
expect bad "a header that needs another" "$lint/headers.sh" "$compiler" headers headers/vx86/good.h headers/vx86/needs.h
expect bad "a header without a guard" "$lint/headers.sh" "$compiler" headers headers/vx86/twice.h

# ---- includes.sh: a folder sees its own headers

# tree: a small source tree with every folder that the lint knows.
tree() {
    local folder folders
    rm -rf tree
    eval "$(sed -n '/^folders=(/,/)$/p' "$lint/includes.sh")"
    # shellcheck disable=SC2154 # the line just taken over sets it
    for folder in "${folders[@]}"; do
        mkdir -p "tree/$folder"
        printf '#include "%s_own.h"\n' "${folder//\//_}" >"tree/$folder/a.c"
        touch "tree/$folder/${folder//\//_}_own.h"
        printf '{ "command": "cc -I%s/include -I%s -c %s/a.c" },\n' "$PWD/tree" "$PWD/tree/$folder" "$PWD/tree/$folder"
    done >commands.json
    mkdir -p tree/include/vx86
}
# shellcheck disable=SC2317 # called by way of expect
includes() { "$lint/includes.sh" "$compiler" "$PWD/tree" "$PWD/commands.json"; }
tree
expect good "a tree in order" includes
printf '#include "../bt/bt_own.h"\n' >>tree/cpu/a.c
expect bad "an include by path" includes
tree
touch tree/include/bt_own.h
expect bad "a private header that all can find" includes
tree
sed -i "s|-I$PWD/tree/cpu -c|-I$PWD/tree/cpu -I$PWD/tree/bt -c|" commands.json
expect bad "an include path of another folder" includes
tree
sed -i '/tree\/mmu\/a.c/d' commands.json
expect bad "a folder that is not built" includes

# ---- walls.sh: encoders, Zydis, Capstone

# walled FILE LINE: a tree in which that file includes that.
walled() {
    rm -rf walls
    mkdir -p walls/{base,mmu,cpu,firmware,frontend/debug,frontend/gdb,bench,include,debug,devices/machine/lockstep,bt/x86_64,bt/verify}
    printf '#include "asm.h"\n' >walls/bt/x86_64/emit_alu.c
    printf '#include <Zydis/Zydis.h>\n' | tee walls/bt/decode.c >walls/debug/disasm.c
    printf '#include <capstone/capstone.h>\n' >walls/bt/verify/verify_decode.c
    printf '    fprintf(log->out, "%%s\\n", line);\n' >walls/base/log.c
    printf '%s\n' "$2" >"walls/$1"
}
walled bt/verify/verify.c '#include "regs.h"'
expect good "each behind its wall" "$lint/walls.sh" walls
walled bt/verify/verify.c '#include "asm.h"'
expect bad "a verifier that knows the encoders" "$lint/walls.sh" walls
walled bt/translate.c '#  include "emit_mem.h"'
expect bad "an emitter in the neutral core" "$lint/walls.sh" walls
walled bt/x86_64/fragment.c '#include <Zydis/Zydis.h>'
expect bad "a decoder among the emitters" "$lint/walls.sh" walls
walled mmu/backing.c '#ifdef __linux__'
expect bad "a file that asks for the host's system" "$lint/walls.sh" walls
while IFS= read -r line; do
    walled mmu/backing.c "$line"
    expect bad "a call of one host's: $line" "$lint/walls.sh" walls
    walled base/host_linux.c "$line"
    expect good "... behind its wall" "$lint/walls.sh" walls
done <<'END'
#include <sys/eventfd.h>
#include <linux/capability.h>
#include <ucontext.h>
#include <elf.h>
#include <mach/mach_vm.h>
    int fd = memfd_create(name, 0);
    accept4(listener, NULL, NULL, 0);
    qsort_r(base, count, sizeof *base, compare, opaque);
    return __builtin_cpu_supports("bmi2");
    uint64_t pc = uc->uc_mcontext.gregs[REG_RIP];
    struct pollfd poll_fd = { fd, POLLRDHUP, 0 };
    FILE *file = fopen("/proc/self/maps", "r");
END
walled mmu/backing.c '/* Not memfd_create(): see there. */'
expect good "a comment about it" "$lint/walls.sh" walls
walled frontend/show.c '#include <Zydis/Zydis.h>'
expect bad "a second disassembler" "$lint/walls.sh" walls
walled bt/chain.c '#include <capstone/capstone.h>'
expect bad "Capstone outside of the verifier" "$lint/walls.sh" walls
walled frontend/debug/show.c 'fprintf(out, " <%s>", name);'
expect bad "a name that is printed as it comes" "$lint/walls.sh" walls

# ---- state.sh: no mutable state at file scope

library() {
    printf '%s\n' "$1" | "$compiler" -x c -O1 -fPIC -c -o state.o - && rm -f libvx_state.a && ar rc libvx_state.a state.o
}
: >none.allowed
library 'static const int table[] = { 1, 2 }; const int *f(int i) { return &table[i]; }'
expect good "a constant table" "$lint/state.sh" "$nm" none.allowed libvx_state.a
library 'static const char *const names[] = { "a", "b" }; const char *f(int i) { return names[i]; }'
expect good "a constant table of addresses" "$lint/state.sh" "$nm" none.allowed libvx_state.a
library 'static int count; int f(void) { return ++count; }'
expect bad "a static variable" "$lint/state.sh" "$nm" none.allowed libvx_state.a
library 'int f(void) { static int count = 5; return ++count; }'
expect bad "a static variable in a function" "$lint/state.sh" "$nm" none.allowed libvx_state.a
printf 'vx_state count because the proof wants it\n' >some.allowed
expect good "an exception with its reason" "$lint/state.sh" "$nm" some.allowed libvx_state.a
printf 'vx_state count\n' >some.allowed
expect bad "an exception without reason" "$lint/state.sh" "$nm" some.allowed libvx_state.a

# ---- rows.sh: a row of state for every member

chip() {
    printf 'struct chip {\n    uint8_t a, b[2]; /* and; more */\n    void (*send)(int c, int d);\n    struct part *%s;\n};\n' "$1"
    printf 'static const struct state_field f[] = {\n    FIELD_MAX(struct chip, a, 3),\n    FIELD(struct chip, b),\n'
    printf '    WIRES(struct chip, send,\n          part),\n%s};\n' "$2"
}
mkdir rows
chip part '' >rows/chip.c
expect good "a chip with a row for each member" "$lint/rows.sh" rows
chip 'part, *other' '' >rows/chip.c
expect bad "a chip with a member without a row" "$lint/rows.sh" rows
chip part '    DERIVED(struct chip, b),' >rows/chip.c
expect bad "a chip with two rows for a member" "$lint/rows.sh" rows
rm rows/chip.c
expect bad "a folder without chips" "$lint/rows.sh" rows
# Of the real chips, every twentieth row in turn is taken away.
cp -r "$root/devices" chips
grep -rnE '^ {4}(FIELD|REGISTER)[A-Z_]*\(struct [a-z0-9_]+, [a-z0-9_]+' chips --include='*.c' | awk 'NR % 20 == 10' >rows.list
[ "$(wc -l <rows.list)" -ge 10 ] || { echo "FAILED: fewer than ten rows"; failed=1; }
while IFS=: read -r file line _; do
    cp "$file" kept
    sed -i "${line}d" "$file"
    expect bad "$file without its line $line" "$lint/rows.sh" chips
    cp kept "$file"
done <rows.list

# ---- scripts.sh: the shell checker

if command -v shellcheck >/dev/null; then
    mkdir scripts
    # shellcheck disable=SC2016 # to be expanded by nobody
    for i in $(seq 12); do printf '#!/bin/sh\necho "$1"\n' >"scripts/$i"; done
    expect good "a dozen scripts" "$root/tests/guest/scripts.sh" scripts
    # shellcheck disable=SC2016
    printf '#!/bin/sh\nrm $1/*\n' >scripts/7
    expect bad "a script with an unquoted name" "$root/tests/guest/scripts.sh" scripts
fi

# ---- tools/lint: format, sizes, documents

# house: the tool in a tree of its own.
house() {
    rm -rf house
    mkdir -p house/tests/docs house/.ci house/tools
    cp -r "$root/tools/lint" "$root/tools/lib.sh" house/tools/
    cp -r "$root/tests/docs/check" house/tests/docs/
    cp "$root/.clang-format" house/
    (cd house && mkdir -p base bench/lab bt cpu debug devices firmware frontend include mmu cmake && touch CMakeLists.txt frontend/options.def bench/lab/bench_options.c)
    printf '# A house\n' | tee house/README.md >house/cpu/README.md
    printf 'int f(int x);\n' >house/cpu/a.h
}
house
expect good "a house in order" house/tools/lint
if command -v clang-format >/dev/null; then
    printf 'int  g( int x );\n' >>house/cpu/a.h
    expect bad "a badly formatted header" house/tools/lint
    house
fi
seq -f 'extern int f%.0f;' 501 >house/cpu/a.c
expect bad "a file of 501 lines" house/tools/lint
house
# shellcheck disable=SC2016
printf 'See `cpu/nothing.c`.\n' >>house/README.md
expect bad "a document that names what is not there" house/tools/lint

[ $failed -eq 0 ] && echo "$proofs examples judged as they should be"
exit $failed
