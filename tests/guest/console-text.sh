#!/usr/bin/env bash
# console-text.sh LOG - a boot's console text without what no two boots share, however they run; see each rule.
set -euo pipefail

rules=(
    -e 's/\r//g'                                               # the line discipline's
    -e 's/\x1b\[[0-9;?]*[A-Za-z]//g'                           # control sequences; the shell asks where the cursor is
    -e 's/\[ *[0-9]+\.[0-9]{6}\] //g'                          # time stamps; some follow a prompt in its line
    -e 's/audit\([0-9.:]+\)/audit(TIME)/'                      # the wall clock
    -e 's/setting system clock to .*/setting system clock to TIME/'
    -e 's/Marking stable .*/Marking stable/'                   # sched_clock's offsets in nanoseconds
    -e 's/[0-9]+K\/([0-9]+K available .*) [0-9]+K reserved/\1/' # KASLR: how much is reserved depends on where the kernel went
    -e 's/\/input[0-9]+\r?$/\/inputN/'                         # numbers are given as probes that run side by side end
)
# Lines that come or stay away by how fast the guest finds the machine to be: the PM timer is checked against a loop of port
# reads, an interrupt or a PCI quirk that takes long is reported, the random pool is full when it is.
by_speed='PM-Timer running at invalid rate|clocksource: acpi_pm|hrtimer: interrupt took|took [0-9]+ usecs|random: '
# Probes run side by side, so lines are compared without their order.
sed -E "${rules[@]}" "$1" | grep -avE "$by_speed" | LC_ALL=C sort
