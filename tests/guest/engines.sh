#!/usr/bin/env bash
# engines.sh MEDIUM FLAVOUR - the same boot under every engine gives the same console text, apart from times.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

# The text of a boot without what no two boots share, however they run; see each rule.
normalise() {
    local rules=(
        -e 's/\r//g'                                   # the line discipline's
        -e 's/\x1b\[[0-9;?]*[A-Za-z]//g'               # control sequences; the shell asks where the cursor is
        -e 's/\[ *[0-9]+\.[0-9]{6}\] //g'              # time stamps, in the middle of a line where a prompt precedes them
        -e 's/[0-9.]+ MHz/N MHz/'                      # measured clock rates
        -e 's/[0-9.]+ BogoMIPS \(lpj=[0-9]+\)/N BogoMIPS/'
        -e 's/audit\([0-9.:]+\)/audit(TIME)/'          # wall clock
        -e 's/setting system clock to .*/setting system clock to TIME/'
        -e 's/Marking stable .*/Marking stable/'       # sched_clock's state in nanoseconds
        -e 's/xor: measuring .*|raid6: .* MB\/s/SPEED/'
        -e 's/[0-9]+K\/([0-9]+K available .*) [0-9]+K reserved/\1/' # KASLR: what is reserved depends on where the kernel went
    )
    # Lines that come or stay away by how fast the guest finds the machine to be: the PM timer is checked against a loop of
    # port reads, an interrupt that takes long is reported once, the random pool fills when it fills.
    local by_speed='PM-Timer running at invalid rate|clocksource: acpi_pm|hrtimer: interrupt took|random: |sched: RT throttling'
    # Probes run side by side, so lines are compared without their order.
    sed -E "${rules[@]}" "$1" | grep -avE "$by_speed" | LC_ALL=C sort
}

medium=$1 flavour=$2
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$VX86_SCRATCH"
texts=$(mktemp -d "$VX86_SCRATCH/engines.XXXXXX")
trap 'rm -rf "$texts"' EXIT
for engine in "--engine bt" "--engine interp" "--engine bt --stress=1"; do
    name=$(printf '%s' "$engine" | tr -c 'a-z0-9' '-')
    echo "$medium $flavour $engine"
    # shellcheck disable=SC2086 # several words on purpose
    VX86_KEEP_LOG=$texts/$name "$here/boot.sh" "$medium" "$flavour" $engine || exit $?
    normalise "$texts/$name" >"$texts/$name.text"
    [ -e "$texts/first" ] || cp "$texts/$name.text" "$texts/first"
    diff "$texts/first" "$texts/$name.text" || fail "the console text under $engine differs from the first engine's"
done
