#!/usr/bin/env bash
# snapshot.sh - with --snapshot the image stays as it was, although the guest writes and reads back what it wrote.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

need debian-686.img
scratch snapshot
copy_image debian-686.img
before=$(sha256sum <"$dir/debian-686.img")
console "$here/persist.script" --snapshot "$dir/debian-686.img"
[ "$(sha256sum <"$dir/debian-686.img")" = "$before" ] || fail "the image changed under --snapshot"
