#!/usr/bin/env bash
# walls.sh SOURCE-ROOT - what only some folders may name, though the compiler would let others.
#   1. Headers of the host's encoders (asm.h, codegen.h, emit*.h, fragment.h): bt/x86_64 alone.
#   2. Zydis, which decodes for the translator and disassembles for people: bt/decode.c and debug/.
#   3. Capstone, by which the verifier judges what Zydis and the encoders have made: bt/verify alone.
#   4. Which system this is: base/host_linux.c and base/host_macos.c are chosen by the build, nobody asks.
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
exit $failed
