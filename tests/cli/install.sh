#!/usr/bin/env bash
# install.sh BUILD-FOLDER - what `cmake --install` and the Debian package put where, and that it works there: the program, its
# manual page, what shells complete.
set -euo pipefail
build=$1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

fail() {
    echo "FAILED: $*"
    exit 1
}

# says TEXT COMMAND...: the command's output has TEXT in it. (grep -q would leave before the command has said everything.)
says() {
    local text=$1
    shift
    [[ $("$@") == *"$text"* ]]
}

# completes EXPECTED WORD...: the last word of the command line, in bash.
completes() {
    local expected=$1 got
    shift
    got=$(bash -c 'source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _vx86; echo "${COMPREPLY[*]}"' - \
        "$folder/share/bash-completion/completions/vx86" "$@")
    [ "$got" = "$expected" ] || fail "bash completes '$*' with '$got'"
}

cmake --install "$build" --prefix "$folder" >/dev/null
for file in bin/vx86 share/man/man1/vx86.1 share/bash-completion/completions/vx86 share/zsh/site-functions/_vx86 \
    share/fish/vendor_completions.d/vx86.fish; do
    [ -s "$folder/$file" ] || fail "$file was not installed"
done
says 'firmware: ' "$folder/bin/vx86" --version || fail "what was installed does not run"
cd "$folder"
touch one.img two.iso
completes "bt interp" vx86 --engine ""
completes "bt" vx86 --engine = b
completes "one.img" vx86 --disk o
completes "" vx86 --memory 2
completes "--snapshot" vx86 one.img --snap
completes "two.iso" vx86 tw
completes "bench" vx86 be
zsh -n share/zsh/site-functions/_vx86 || fail "zsh does not take its completion"
# shellcheck disable=SC2016 # zsh's
says autoload zsh -f -c 'fpath=("$1" $fpath); autoload -Uz compinit; compinit -u -D; whence -v _vx86' - "$folder/share/zsh/site-functions" ||
    fail "zsh does not find its completion"
fish --no-config -n share/fish/vendor_completions.d/vx86.fish || fail "fish does not take its completion"
[ "$(fish --no-config -c 'source share/fish/vendor_completions.d/vx86.fish; complete -C "vx86 --engine "' | cut -f1 | tr '\n' ' ')" = "bt interp " ] ||
    fail "fish does not complete --engine"

cpack -G DEB --config "$build/CPackConfig.cmake" -B "$folder/deb" >"$folder/cpack.log" 2>&1 || fail "$(cat "$folder/cpack.log")"
package=$(echo "$folder"/deb/vx86_*.deb)
says ' ./usr/share/man/man1/vx86.1' dpkg-deb -c "$package" || fail "the package has no manual page"
says libc6 dpkg-deb -f "$package" Depends || fail "the package names no libraries"
dpkg-deb -x "$package" "$folder/root"
says 'vx86 ' "$folder/root/usr/bin/vx86" --version || fail "the packaged program does not run"
echo "installed, packaged and completed"
