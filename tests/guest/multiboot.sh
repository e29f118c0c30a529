#!/usr/bin/env bash
# multiboot.sh gnumach|invaders|grub [vx86 options] - other people's multiboot kernels, booted with --kernel, get as far as they can.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

name=$1
shift
scratch "multiboot-$name-$(printf '%s' "$*" | tr -c 'a-z0-9' '-')"
case $name in
gnumach)
    need gnumach
    console "$here/multiboot-gnumach.script" "$@" -m 64M --kernel "$VX86_GUEST_DIR/gnumach" --append 'console=com0'
    # A module that is no program: it is seen, named and counted.
    console "$here/multiboot-gnumach-module.script" "$@" -m 64M --kernel "$VX86_GUEST_DIR/gnumach" --append 'console=com0' \
        --initrd "$VX86_GUEST_DIR/empty.img first \$(task-create) \$(task-resume)"
    ;;
invaders)
    need invaders
    "$VX86_DRIVE" --pty --slow "${VX86_SLOW:-1}" --log "$dir/screen.log" "$here/multiboot-invaders.script" \
        "$VX86" --display terminal --serial none --no-reboot "$@" --kernel "$VX86_GUEST_DIR/invaders"
    ;;
grub)
    need grub-core.img empty.img
    console "$here/multiboot-grub.script" "$@" --snapshot --kernel "$VX86_GUEST_DIR/grub-core.img" "$VX86_GUEST_DIR/empty.img"
    ;;
*) fail "no kernel $name" ;;
esac
