#!/usr/bin/env bash
# menu.sh grub|syslinux - a boot loader's menu answers to the keyboard on the terminal display.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

scratch "menu-$1"
case $1 in
grub)
    need grub.iso
    medium=(--cdrom "$VX86_GUEST_DIR/grub.iso")
    ;;
syslinux)
    need menu.img
    medium=(--snapshot "$VX86_GUEST_DIR/menu.img")
    ;;
*) fail "no menu $1" ;;
esac
for script in "menu-$1" menu-off; do
    "$VX86_DRIVE" --pty --slow "${VX86_SLOW:-1}" --log "$dir/screen.log" "$here/$script.script" \
        "$VX86" --display terminal --serial none --no-reboot "${medium[@]}"
done
