#!/usr/bin/env bash
# engines.sh MEDIUM FLAVOUR - the same boot under every engine gives the same console text, apart from times.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

medium=$1 flavour=$2
mkdir -p "$VX86_SCRATCH"
texts=$(mktemp -d "$VX86_SCRATCH/engines.XXXXXX")
trap 'rm -rf "$texts"' EXIT
for engine in "--engine bt" "--engine interp" "--engine bt --stress=1"; do
    name=$(printf '%s' "$engine" | tr -c 'a-z0-9' '-')
    echo "$medium $flavour $engine"
    # shellcheck disable=SC2086 # several words on purpose
    VX86_KEEP_LOG=$texts/$name "$here/boot.sh" "$medium" "$flavour" $engine || exit $?
    "$here/console-text.sh" "$texts/$name" >"$texts/$name.text"
    [ -e "$texts/first" ] || cp "$texts/$name.text" "$texts/first"
    diff "$texts/first" "$texts/$name.text" || fail "the console text under $engine differs from the first engine's"
done
