# lib.sh - what the guest tests share. Sourced by bash with set -euo pipefail.
#
# CMake hands over VX86 (the emulator), VX86_DRIVE (the driver), VX86_GUEST_DIR (images by tools/mkguest), VX86_SCRATCH.
# shellcheck shell=bash disable=SC2034

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
: "${VX86:=$here/../../build/release/vx86}"
: "${VX86_DRIVE:=$here/../../build/release/tests/guest/drive}"
: "${VX86_GUEST_DIR:=$here/../../build/guest}"
: "${VX86_SCRATCH:=$here/../../build/release/tests/guest/scratch}"
PATH=$PATH:/usr/sbin:/sbin

SKIPPED=77 # what ctest takes for "skipped"

fail() {
    echo "FAILED: $*"
    exit 1
}

# need FILE...: guest images that the test cannot do without.
need() {
    local file
    for file in "$@"; do
        [ -e "$VX86_GUEST_DIR/$file" ] || {
            echo "skipped: no $VX86_GUEST_DIR/$file; tools/mkguest all makes it"
            exit $SKIPPED
        }
    done
}

# need_tool PROGRAM...
need_tool() {
    local tool
    for tool in "$@"; do
        command -v "$tool" >/dev/null || {
            echo "skipped: no $tool on this host"
            exit $SKIPPED
        }
    done
}

# scratch NAME: an empty directory for this test, removed at exit.
scratch() {
    dir=$VX86_SCRATCH/$1
    rm -rf "$dir"
    mkdir -p "$dir"
    log=${VX86_KEEP_LOG:-$dir/console.log}
    trap 'rm -rf "$dir"' EXIT
}

# copy_image NAME: a private copy of an image in $dir.
copy_image() {
    cp --sparse=always "$VX86_GUEST_DIR/$1" "$dir/$1"
}

# root_partition IMAGE OUT: the ext4 partition of a Debian disk, behind 1 MiB and the 24 MiB boot partition.
root_partition() {
    dd if="$1" of="$2" bs=1M skip=25 conv=sparse status=none
}

# console SCRIPT ARGUMENT...: vx86 with its serial line under the driver; the output goes to $log.
console() {
    local script=$1
    shift
    "$VX86_DRIVE" --slow "${VX86_SLOW:-1}" --log "$log" "$script" \
        "$VX86" --verify-code --display none --serial stdio --no-reboot "$@"
}

linux_args=(--append "console=tty0 console=ttyS0,115200 panic=1")
