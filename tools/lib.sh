# lib.sh - what tools/run, tools/test and tools/mkguest share. Sourced by bash with set -euo pipefail.
# shellcheck shell=bash disable=SC2034 # the variables are for those who source this

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
guest_dir=$root/build/guest
vx86=$root/build/release/vx86

say() { printf 'vx86 tools: %s\n' "$*" >&2; }
die() {
    say "$*"
    exit 1
}

# What the build and the tests need, by package.
build_packages=(gcc libc6-dev cmake ninja-build pkg-config libzydis-dev libcapstone-dev libedit-dev libseccomp-dev libcriterion-dev nasm acpica-tools seabios
    libpng-dev zlib1g-dev libzstd-dev)
# What makes the guest images.
guest_packages=(syslinux syslinux-common isolinux mtools dosfstools e2fsprogs fdisk cpio kmod xorriso grub-common binutils)
# What some of the tests use on the host's side.
test_packages=(e2fsprogs gdb qemu-system-x86 qemu-utils shellcheck dpkg-dev fish zsh)
brew_formulas=(cmake ninja pkg-config zydis capstone libpng criterion zstd nasm acpica qemu bash)

as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        die "must install packages but is neither root nor has sudo: apt-get install ${missing[*]}"
    fi
}

# install_packages PACKAGE...: what is missing of them, by apt. Other systems: see host_set_up.
install_packages() {
    local package
    local -a missing=()
    for package in "$@"; do
        dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || missing+=("$package")
    done
    [ ${#missing[@]} -eq 0 ] && return
    say "installing ${missing[*]}"
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq update || say "apt-get update failed in part; going on"
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends "${missing[@]}" >/dev/null
}

# host_set_up PACKAGE...: the host's tools, or a word on how to get them.
host_set_up() {
    if command -v dpkg-query >/dev/null && command -v apt-get >/dev/null; then
        install_packages "$@"
    elif [ "$(uname -s)" = Darwin ]; then
        local tool
        for tool in cmake ninja pkg-config nasm iasl; do
            command -v "$tool" >/dev/null || die "no $tool; on macOS, first: brew install ${brew_formulas[*]}"
        done
    else
        say "not a Debian system: install what corresponds to: $*"
    fi
}

# build TARGET...: the release preset.
build() {
    (cd "$root" && cmake --preset release >build/configure.log 2>&1) || {
        cat "$root/build/configure.log" >&2
        die "cmake could not configure the build"
    }
    cmake --build "$root/build/release" --target "$@" >&2
}
