#!/usr/bin/env bash
# wrong.sh DIRECTORY-OF-PROGRAMS SCRATCH - one wrong byte among the recordings is one difference, found and counted.
set -euo pipefail

programs=$1 scratch=$2
[ -e "${VX86_CONFORMANCE_DATA:-}/test386-EE-reference.txt.xz" ] || {
    echo "skipped: VX86_CONFORMANCE_DATA does not name the folder of data"
    exit 77
}
rm -rf "$scratch"
mkdir -p "$scratch"
trap 'rm -rf "$scratch"' EXIT

fail() {
    echo "FAILED: $*"
    exit 1
}

# The last digit of a result.
xz -dc "$VX86_CONFORMANCE_DATA/test386-EE-reference.txt.xz" |
    awk 'NR == 1000 { i = match($0, /EAX=[0-9A-F]* EDX=[0-9A-F]* PS=[0-9A-F]* *$/); d = substr($0, i + 11, 1); $0 = substr($0, 1, i + 10) (d == "0" ? "1" : "0") substr($0, i + 12) } { print }' |
    xz -0 >"$scratch/test386-EE-reference.txt.xz"
for engine in bt interp; do
    status=0
    VX86_CONFORMANCE_DATA=$scratch "$programs/vectors_386" --engine $engine >"$scratch/out" || status=$?
    [ $status -eq 77 ] && continue
    [ $status -eq 1 ] || fail "$engine: exit status $status for a wrong answer"
    grep -q ' run, 1 failed$' "$scratch/out" || fail "$engine: not one difference: $(tail -n 2 "$scratch/out")"
    awk -F '[\t=]' '/^#account/ { exit $3 - $5 != 1 }' "$scratch/out" || fail "$engine: the account does not show it"
done

# A byte in the middle of the recordings that belongs to a final state, or the file is found damaged; never all exact.
xz -dc "$VX86_CONFORMANCE_DATA/sst286-500.moos.xz" >"$scratch/moo"
cp "$VX86_CONFORMANCE_DATA/sst286-metadata.json" "$scratch/"
at=$(LC_ALL=C grep -abom 200 FINA "$scratch/moo" | sed -n '150s/:.*//p')
byte=$(od -An -tu1 -j $((at + 18)) -N 1 "$scratch/moo")
printf '%b' "\\x$(printf %02x $((byte ^ 1)))" | dd of="$scratch/moo" bs=1 seek=$((at + 18)) conv=notrunc status=none
xz -0 <"$scratch/moo" >"$scratch/sst286-500.moos.xz"
status=0
VX86_CONFORMANCE_DATA=$scratch "$programs/vectors_286" --engine interp >"$scratch/out" || status=$?
[ $status -eq 1 ] || fail "exit status $status for a wrong recording"
