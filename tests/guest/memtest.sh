#!/usr/bin/env bash
# memtest.sh [vx86 options] - memtest86+ finishes its first full pass over 16 MiB without an error.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

need memtest.img
scratch memtest
console "$here/memtest.script" -m 16M --snapshot "$@" "$VX86_GUEST_DIR/memtest.img"
