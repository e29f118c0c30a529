#!/usr/bin/env bash
# walls.sh SOURCE-ROOT - what only some folders may name, though the compiler would let others.
#   1. Headers of the host's encoders (asm.h, codegen.h, emit*.h, fragment.h): bt/x86_64 alone.
#   2. Zydis, which decodes for the translator and disassembles for people: bt/decode.c and debug/.
#   3. Capstone, by which the verifier judges what Zydis and the encoders have made: bt/verify alone.
#   4. Which system this is: base/host_linux.c and base/host_macos.c are chosen by the build, nobody asks.
#   5. Printing as it comes: what the debugger says goes through vx86/text.h. gdb_registers.c makes XML of our own tables.
# Tests may name all of them.
set -uo pipefail
cd "$1" || exit 2
failed=0

# directive PLACES PATTERN WHAT: no source outside of PLACES (a regular expression) has a directive that matches PATTERN.
directive() {
    local found
    found=$(grep -rnE --include='*.[chS]' --include='*.def' "^[[:space:]]*#[[:space:]]*$2" \
        base mmu cpu bt devices debug firmware frontend bench include | grep -vE "^($1)")
    [ -z "$found" ] && return
    echo "$3:"
    echo "$found"
    failed=1
}

# within PLACES PATTERN WHAT: includes only.
within() { directive "$1" "include[[:space:]]*[<\"]$2" "$3"; }

within 'bt/x86_64/' '(asm|codegen|emit(_[a-z0-9]+)?|fragment)\.h"' "encoders are named outside of bt/x86_64"
within 'bt/decode\.c:|debug/' 'Z(ydis|ycore)/' "Zydis is named outside of its places"
within 'bt/verify/' 'capstone' "Capstone is named outside of bt/verify"
directive 'base/host_' '.*(__linux__|__APPLE__)' "the host's system is asked for outside of base/host_*"

raw=$(grep -rnE --include='*.[ch]' '(^|[^a-z_])(v?f?printf|f?puts)\(' frontend/debug frontend/gdb base/log.c |
    grep -vE '^(frontend/gdb/gdb_registers\.c|base/log\.c:[0-9]+:    fprintf\(log->out, "%s\\n", line\);)')
if [ -n "$raw" ]; then
    echo "text is printed that nobody has escaped:"
    echo "$raw"
    failed=1
fi
exit $failed
