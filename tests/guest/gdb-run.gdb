# A third session, in the extended protocol: run begins the guest anew.
set pagination off
set confirm off
set width 0
target extended-remote gdb.socket
hbreak *0x7c00
run
printf "run to %x\n", $pc
run
printf "run again to %x\n", $pc
delete
stepi
printf "done\n"
kill
