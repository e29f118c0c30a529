# A second session with the guest that the first one has left running.
set pagination off
set confirm off
set width 0
target remote gdb.socket
symbol-file kernel.elf
monitor print count
set $before = $eax
set $eax = 0x12345678
printf "eax %x\n", $eax
set $eax = $before
stepi
hbreak lapic_next_deadline
continue
x/i $pc
delete
printf "done\n"
detach
