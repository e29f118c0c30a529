# From power-on to the kernel of the default system, by Debian's gdb. A command that fails ends the script: "done" is then missing.
set pagination off
set confirm off
set width 0
target remote gdb.socket
define hook-stop
unset tdesc filename
end
x/i $pc
printf "power-on %x offset %x cs_base %x\n", $pc, $offset, $cs_base

# The boot loader, in real mode.
hbreak *0x7c00
continue
show architecture
x/4xh 0xb8000
set *(unsigned short *)0xb8000 = 0x0756
x/4xh 0xb8000
monitor x/1xw mmio 0xfee00030
x/3i $pc
stepi
stepi
stepi
printf "stepped %x\n", $pc
monitor registers
info threads
delete

# Protected mode, then paging: the kernel is unpacked, and somewhere that it has chosen itself.
monitor catch mode if cr0 & 1
continue
printf "mode %x pc %x\n", $cr0 & 1, $pc
monitor delete
monitor catch mode if cr0 >> 31
continue
show architecture
monitor delete
monitor symbols linux
monitor symbols save kernel.elf
symbol-file kernel.elf
hbreak start_kernel
continue
backtrace
x/i $pc
delete

# A variable of the kernel: jiffies_64, which do_timer adds to (its first access: add [jiffies_64], eax).
# GDB's unwinder finds callers at a function's first instruction; what is behind __fentry__ it cannot read without debug info.
tbreak do_timer
continue
backtrace 2
tbreak *((unsigned)&do_timer + 8)
continue
set $jiffies = *(unsigned *)((unsigned)&do_timer + 10)
eval "watch *(unsigned *)%#x", $jiffies
continue
printf "jiffies %u %u\n", *(unsigned *)$jiffies, $pc - (unsigned)&do_timer
find /w $jiffies, +64, *(unsigned *)$jiffies
delete

# Physical memory: the text screen, which this process has not mapped there.
maint packet Qqemu.PhyMemMode:1
x/2xb 0x7dfe
maint packet Qqemu.PhyMemMode:0

# A process faults.
hbreak asm_exc_page_fault
continue
info registers cr2 cr3 eflags xmm0 st0
info registers cs_limit dr7
backtrace 2
delete
info registers
x/2i $pc
printf "done\n"
detach
