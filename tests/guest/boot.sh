#!/usr/bin/env bash
# boot.sh MEDIUM FLAVOUR [vx86 options] - a Debian kernel (686, 686-pae) from disk, cd or direct (--kernel) to a shell, and off.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

medium=$1 flavour=$2
shift 2
scratch "boot-$medium-$flavour-$(printf '%s' "$*" | tr -c 'a-z0-9' '-')"
case $medium in
disk)
    need "debian-$flavour.img"
    console "$here/linux.script" "$@" --snapshot "$VX86_GUEST_DIR/debian-$flavour.img"
    ;;
cd)
    need "debian-$flavour.iso"
    console "$here/linux.script" "$@" --cdrom "$VX86_GUEST_DIR/debian-$flavour.iso"
    ;;
direct)
    need "vmlinuz-$flavour" "initrd-$flavour.gz"
    console "$here/linux.script" "$@" --kernel "$VX86_GUEST_DIR/vmlinuz-$flavour" --initrd "$VX86_GUEST_DIR/initrd-$flavour.gz" \
        "${linux_args[@]}"
    ;;
*) fail "no medium $medium" ;;
esac
