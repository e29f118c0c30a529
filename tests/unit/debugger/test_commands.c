/* test_commands.c - the command line: expressions, what commands print, and one clear line for everything that is
 * wrong. The guest has not run; its memory is 0 but for a few bytes. */
#include "commands_rig.h"

static const struct row expressions[] = {
    { "p 1 + 2 * 3", true, "^0x7 = 7$" },
    { "p (1 + 2) * 3", true, "^0x9 = 9$" },
    { "p 7c00h + 0x10", true, "^0x7c10 = 31760$" },
    { "p -1", true, "= -1$" },
    { "p ~0 >> 63", true, "^0x1 = 1$" },
    { "p 1 << 64", true, "^0x0 " },
    { "p 10 / 3 % 2", true, "^0x1 " },
    { "p 1 | 6 ^ 3 & 2", true, "^0x5 " },
    { "p 3 == 3 && 2 != 3 || 0", true, "^0x1 " },
    { "p 2 <= 1 || 5 >= 5", true, "^0x1 " },
    { "p !5", true, "^0x0 " },
    { "p 'A'", true, "^0x41 = 65" },
    { "p cs", true, "^0xf000 " },
    { "p cs.base", true, "^0xffff0000 " },
    { "p ip", true, "^0xfff0 " },
    { "p cr0 & 1", true, "^0x0 " },
    { "p zf", true, "^0x0 " },
    { "p if", true, "^0x0 " },
    { "p event.dma", true, "^0x0 " },
    { "p byte [0x500]", true, "^0x78 " },
    { "p word [0x500]", true, "^0x5678 " },
    { "p [0x500]", true, "^0x12345678 " },
    { "p dword phys [0x500]", true, "^0x12345678 " },
    { "p qword [0x500]", true, "^0x12345678 = 305419896$" },
    { "p [ds:0x500]", true, "^0x12345678 " },
    { "p [0x50:0]", true, "^0x12345678 " },
    { "p cs:0xfff0", true, "^0xfffffff0 " },
    { "p 0 && [0xa0000000]", true, "^0x0 " },
    { "p 1 || 1 / 0", true, "^0x1 " },
    { "p/d -5", true, "^-5$" },
    { "p/x 0x7c00", true, "^0x7c00$" },
    { "p/x -1", true, "^0xffffffffffffffff$" },
    { "p/xb 0x1ff", true, "^0xff$" },
    { "p /x 5", true, "^0x5$" },
    { "floppy c x.img", false, "^'c x.img' is neither drive a nor b$" },
    { "floppy a x.img", false, "by the user of vx86 only$" },
    { "p/t 5", true, "^00000101$" },
    { "p/c 'x'", true, "^'x'$" },
    { "p $cs", true, "^0xf000 " },
    { "p $pc", true, "^0xfffffff0 " },
    { "p $sp == esp && $fp == ebp", true, "^0x1 " },
    { "p $nothing", false, "no register or symbol '\\$nothing'" },
    { "p 1 +", false, "expression is missing" },
    { "p", false, "the expression is missing" },
    { "p (1", false, "'\\)' is missing" },
    { "p [0x500", false, "'\\]' is missing" },
    { "p 12z", false, "'12z' is not a number; hexadecimal" },
    { "p nothing", false, "no register or symbol 'nothing'" },
    { "p beef", false, "'beef'; a number is written 0xbeef" },
    { "p 1 / 0", false, "division by zero" },
    { "p [0xa0000000]", false, "no memory at 0xa0000000" },
    { "p 1 2", false, "'2' is too much" },
    { "p [0x100000500]", false, "no memory at 0x100000500" },
    { "p [0xffffffff00000500]", false, "no memory at 0xffffffff00000500" },
    { "p word [0x500 - 0x100]", true, "^0x0 " },
    { "p byte [-16]", true, "^0xe9 " },
    { "p 0x10000000000000000", false, "at most 64 bits" },
    { "p 'AB'", false, "a character is written 'A'" },
    { "p ((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((1", false, "nested too deep" },
    { "p ----------------------------------------------------------------------1", false, "nested too deep" },
};

static const struct row commands[] = {
    { "registers", true, "eax 00000000 .*real mode, 16-bit code" },
    { "registers cs $ip", true, "^cs         f000  61440\nip         fff0  65520$" },
    { "registers nothing", false, "'nothing' is no register" },
    { "registers changed", true, "eax=00000000|edx=" },
    { "info registers cs", true, "^cs  " },
    { "info r cs", true, "^cs  " },
    { "info all-registers", true, "CR0 .*st7 .*xmm7 " },
    { "info gdt", true, "in real mode nothing" },
    { "info tab", true, "paging is off" },
    { "info symbol 0x7c05", false, "no symbol is near" },
    { "sreg", true, "CS   f000  base ffff0000" },
    { "registers all", true, "CS   f000  base ffff0000  limit 0000ffff" },
    { "u/1", true, "^f000:fff0  e90d00 +jmp 0x0" },
    { "set step-int over", true, "^$" },
    { "set step-int into", true, "^$" },
    { "set step-int", false, "into or over INT" },
    { "set syntax att", true, "^$" },
    { "u/1 0xfffffff0", true, "jmp 0x0" },
    { "set syntax intel", true, "^$" },
    { "x/2xh 0x500", true, "^00000500: 5678 1234$" },
    { "x/4xb 0x500", true, "^00000500: 78 56 34 12  xV4\\.$" },
    { "x/1xg phys 0x500", true, "^phys 00000500: 0000000012345678$" },
    { "x/s 0x510", true, "^00000510: \"text\"$" },
    { "x/dw 0x500", true, " 305419896$" },
    { "x /2xh 0x500", true, "^00000500: 5678 1234$" },
    { "xp/1xg 0x500", true, "^phys 00000500: 0000000012345678$" },
    { "xp /4bx 0x500", true, "^phys 00000500: 78 56 34 12  xV4\\.$" },
    { "u /1 0xfffffff0", true, "jmp 0x0" },
    { "x/2xh phys 0xb8000", true, "^phys 000b8000: 0000 0000$" },
    { "set word [0xb8000] = 0x0741", true, "^$" },
    { "x/2xb 0xb8000", true, "^000b8000: 41 07  A\\.$" },
    { "fill 0xb8000 0xb8fff 0x20 7", true, "^$" },
    { "search 0xb0000 0xbffff 0x20 7 0x20", true, "^000b8000\n" },
    { "x/2xw mmio 0xfee00020", true, "^mmio fee00020: 00000000\nmmio fee00024: 00000000$" },
    { "x mmio 0xfee00030", true, "^mmio fee00030: 000[0-9]00[0-9]{2}$" },
    { "x", true, "^mmio fee00034: 00000000$" },
    { "x/1xg mmio 0xfed00000", true, "^mmio fed00000: [0-9a-f]{16}$" },
    { "x/1xb mmio 0xfec00000", true, "^mmio fec00000: 00$" },
    { "x/1i mmio 0xfec00000", false, "instructions are shown at linear" },
    { "x/1s mmio 0xfec00000", false, "registers are no text" },
    { "x/1xw 0xfec00000", false, "there is no memory at fec00000" },
    { "x/1xw mmio 0xd0000000", false, "mmio d0000000: no device answers there" },
    { "x/1xw mmio 0x500", false, "mmio 00000500: that is memory" },
    { "x/2xh 0x500", true, "^00000500: 5678 1234$" },
    { "x/1i eip", true, "^f000:fff0  e90d00 +jmp" },
    { "x/1i ip + 0", true, "^f000:fff0  e90d00 +jmp" },
    { "u/1 $eip", true, "^f000:fff0  e90d00 +jmp" },
    { "x/1i cs:ip", true, "^f000:fff0  e90d00 +jmp" },
    { "x/2xh 0x500", true, "^00000500: 5678 1234$" },
    { "x/0 0x500", false, "a count from 1" },
    { "x/q 0x500", false, "'q' is neither a format" },
    { "x 0xa0000000", false, "there is no memory at a0000000" },
    { "x 0x100000500", false, "the address has more than 32 bits" },
    { "x/1xb -16", true, "^fffffff0: e9" },
    { "x/3xg 0xfffffff8", true, "^fffffff8: [0-9a-f]{16} [0-9a-f]{16}\n00000008: " },
    { "u 0x100000500", false, "the address has more than 32 bits" },
    { "page 0x100000500", false, "the address has more than 32 bits" },
    { "symbols near 0x100000500", false, "the address has more than 32 bits" },
    { "load /dev/null 0x100000500", false, "the address has more than 32 bits" },
    { "set byte [0x100000500] = 1", false, "no memory that can be written at 0x100000500" },
    { "trace insns 0x100000500 0x100000600", false, "the range to trace must lie in 4 GiB" },
    { "set eax = 0x12", true, "^$" },
    { "p eax", true, "^0x12 " },
    { "set ah = 1", true, "^$" },
    { "p eax", true, "^0x112 " },
    { "set al = 0x100", false, "al has 8 bits; 0x100 does not fit" },
    { "set ds = 0x50", true, "^$" },
    { "p ds.base", true, "^0x500 " },
    { "set cr0 = 0x80000000", false, "the CPU refuses this value for cr0" },
    { "set cs = 5", false, "cs cannot be set here" },
    { "set word [0x600] = 0xabcd", true, "^$" },
    { "p [0x600]", true, "^0xabcd " },
    { "set [0xa0000000] = 1", false, "no memory that can be written" },
    { "set xyz = 1", false, "'xyz' is neither a register nor memory" },
    { "set eax", false, "'=' and a value are missing" },
    { "fill 0x700 0x70f 1 2", true, "^$" },
    { "x/4xb 0x70c", true, "01 02 01 02" },
    { "fill 0x700 0x6ff 1", false, "must lie in 4 GiB and not be empty" },
    { "fill 0x700 0x70f 300", false, "each 0 to 0xff" },
    { "search 0 0xfff \"text\"", true, "^00000510\n1 places$" },
    { "search 0x700 0x70f 2 1", true, "7 places$" },
    { "search 0 0xfff \"", false, "a text stands between two" },
    { "stack 4", true, "^ss:00000000  0000\n.*\n.*\nss:00000006" },
    { "page 0x1234", true, "paging is off: linear 00001234 is physical 00001234" },
    { "maps", true, "paging is off" },
    { "gdt", true, "in real mode nothing" },
    { "ldt", false, "there is no LDT" },
    { "idt 300", false, "vectors go from 0 to 255" },
    { "tss", false, "no task state segment" },
    { "break 0x7c00 if eax == 0x112", true, "^point 1, breakpoint at 00007c00$" },
    { "break 0x50:0x10", true, "^point 2, breakpoint at 00000510$" },
    { "break phys 0x7c00", true, "^point 3, breakpoint at physical 00007c00$" },
    { "watch 0x500 2", true, "^point 4, watchpoint" },
    { "catch io 0x60-0x64 w", true, "^point 5, port access$" },
    { "catch exception 13", true, "^point 6, exception$" },
    { "after 10 ms", true, "^point 7, guest time$" },
    { "after 1000 instructions", true, "^point 8, instruction count$" },
    { "info points", true, "1 +breakpoint +00007c00  0x7c00  if eax == 0x112  hits 0\n" },
    { "ignore 1 5", true, "^$" },
    { "disable 1 2", true, "^$" },
    { "info points", true, "disabled 00007c00.*the next 5 ignored" },
    { "condition 1", true, "^$" },
    { "condition 1 nothing == 2", false, "the condition: there is no register" },
    { "condition 99", false, "there is no point 99" },
    { "delete 1 2 3 4 5 6 7 8", true, "^$" },
    { "info points", true, "there are no points" },
    { "pb 0x7c00", true, "^point 9, breakpoint at physical 00007c00$" },
    { "hbreak *0x7c00", true, "^point 10, breakpoint at 00007c00$" },
    { "watch r 0x500 2", true, "^point 11, watchpoint at 00000500$" },
    { "watch w 0x500", true, "^point 12, watchpoint at 00000500$" },
    { "modebp", true, "^point 13, mode change$" },
    { "blist", true, "^9 .*\n10 .*\n11 .*\n12 .*\n13 " },
    { "del", true, "^$" },
    { "trace insns faults from 0x7c00 to 0x7c10", true, "^$" },
    { "info b", true, "00007c00  trace begins .*\n.*00007c10  trace ends" },
    { "trace insns from 0x7c00", false, "'to' and an address are missing" },
    { "trace off", true, "^$" },
    { "info points", true, "there are no points" },
    { "at 1000 instructions", true, "^point 16, instruction count$" },
    { "delete", true, "^$" },
    { "set counting on", true, "^$" },
    { "p count", true, "^0x0 " },
    { "set counting", false, "counting is on or off" },
    { "break 0x7c00 if", false, "the condition: an expression is missing" },
    { "break 0x7c00 unless 1", false, "'unless 1' is too much" },
    { "watch 0x500 0", false, "at least one byte" },
    { "catch mode vm86", true, "^point [0-9]+, mode change$" },
    { "catch mode protected paging if event.new & 1", true, "^point [0-9]+, mode change$" },
    { "catch mode real", false, "'real' is too much" },
    { "catch nothing", false, "'nothing' is nothing to catch; there are exception" },
    { "catch exception 32", false, "exception goes from 0 to 0x1f" },
    { "catch io", false, "the address is missing" },
    { "after 5", false, "after the number stands ns, us, ms, s or the word instructions" },
    { "after soon", false, "a time like 10ms" },
    { "symbols /tmp", false, "^/tmp: Is a directory" },
    { "symbols /dev/null", false, "/dev/null: there is no symbol in it" },
    { "load /tmp 0x1000", false, "^/tmp: Is a directory" },
    { "symbols /no/such/file", false, "/no/such/file: No such file" },
    { "symbols map", true, "^3 symbols$" },
    { "p start", true, "^0x7c00 = 31744 <start>$" },
    { "symbols near 0x7c05", true, "^00007c05 <start\\+0x5>$" },
    { "symbols save /no/where", false, "/no/where: No such file" },
    { "symbols save", false, "the file to write is missing" },
    { "symbols save saved", true, "^3 symbols$" },
    { "symbols saved", true, "^6 symbols$" },
    { "p third", true, "^0x8000 " },
    { "break start+4", true, "breakpoint at 00007c04$" },
    { "symbols /proc/self/exe 0x1000", true, "^[0-9]{3,} symbols$" },
    { "symbols bad-map", false, "bad-map:2: not a symbol; expected lines like" },
    { "symbols long-line", false, "long-line:2: this line is too long" },
    { "symbols /dev/zero", false, "/dev/zero:1: this line is too long" },
    { "symbols big", false, "^big: this file is longer than 64 MiB$" },
    { "symbols linux", false, "no Linux kernel" },
    { "info pic", true, "master\\.imr" },
    { "info rtc", true, "cmos" },
    { "info nonsense", false, "is neither a device nor points" },
    { "info", false, "what is missing" },
    { "info events", true, "^$" },
    { "info branches", false, "no branches have been remembered; trace branches" },
    { "trace branches io", true, "^$" },
    { "trace off", true, "^$" },
    { "units", false, "the translator has not run; engine bt" },
    { "info hottest", false, "the translator has not run; engine bt" },
    { "info exits", false, "the translator has not run; engine bt" },
    { "save mem 0x500 0x503", true, "^$" },
    { "load mem 0x800", true, "^4 bytes$" },
    { "p [0x800]", true, "^0x12345678 " },
    { "save /no/where 0 1", false, "No such file" },
    { "screenshot", false, "the name of a file is missing" },
    { "screenshot mem twice", false, "twice" },
    { "screenshot /no/where", false, "No such file|without libpng" },
    { "trace sometimes", false, "what to trace is missing" },
    { "assert 1 == 1", true, "^$" },
    { "assert 1 == 2", false, "assertion failed: 1 == 2" },
    { "frobnicate", false, "there is no command 'frobnicate'; help lists them" },
    { "s", false, "the client's own commands" },
    { "di", false, "'di' may be (disable|disassemble) or" },
    { "help", true, "Running\n.*step" },
    { "help watch", true, "For example: watch jiffies_64 8" },
    { "help lb", true, "^break ADDRESS" },
    { "help nothing", false, "there is no command 'nothing'" },
    { "echo a b", true, "^a b$" },
    { "# a comment", true, "^$" },
    { "engine", true, "^engine interp$" },
    { "engine fast", false, "'fast' is no engine; there are bt and interp" },
};

static void check_expressions(struct debugger *debugger)
{
    for (size_t i = 0; i < VX_ARRAY_LEN(expressions); i++)
        check(debugger, &expressions[i]);
}

static void check_commands(struct debugger *debugger)
{
    for (size_t i = 0; i < VX_ARRAY_LEN(commands); i++)
        check(debugger, &commands[i]);
}

Test(commands, expressions)
{
    with_debugger(check_expressions);
}

Test(commands, lines)
{
    with_debugger(check_commands);
}

/* ---- completion -------------------------------------------------------------------------------------------------- */

static const struct {
    const char *line, *word, *all;
} completions[] = {
    { "fi", "fi", "finish fill " },
    { "help wat", "wat", "watch " },
    { "catch m", "m", "mode mmio magic more " },
    { "info po", "po", "points " },
    { "i exi", "exi", "exits " },
    { "symbols ne", "ne", "near " },
    { "trace fau", "fau", "faults " },
    { "break star", "star", "start " },
    { "p cs.", "cs.", "cs.base cs.limit cs.attr " },
    { "nonsense zz", "zz", "" },
};

static void check_completions(struct debugger *debugger)
{
    check(debugger, &(struct row){ "symbols map", true, "3 symbols" });
    for (size_t i = 0; i < VX_ARRAY_LEN(completions); i++) {
        char all[300] = "";
        const char *word;
        for (unsigned n = 0; (word = dbg_complete(debugger, completions[i].line, completions[i].word, n)) != NULL; n++)
            snprintf(all + strlen(all), sizeof all - strlen(all), "%s ", word);
        cr_assert_str_eq(all, completions[i].all, "'%s': %s", completions[i].line, all);
    }
}

Test(commands, completion)
{
    with_debugger(check_completions);
}

/* What a client of the GDB stub may have done to the host's files: nothing, but below the directory named for it. */
static const struct row peers[] = {
    { "save mem 0x500 0x503", false, "^mem: no directory is named for such files; --debug-files DIR does that$" },
    { "load map 0x800", false, "no directory is named" },
    { "screenshot mem", false, "no directory is named|without libpng" },
    { "symbols map", false, "no directory is named" },
    { "symbols save saved", false, "there are no symbols to save" },
    { "trace-file mem", false, "no directory is named" },
    { "source map", false, "would make the guest go on" },
};

static const struct row peers_below[] = {
    { "save mem 0x500 0x503", true, "^$" },
    { "load mem 0x800", true, "^4 bytes$" },
    { "symbols map", true, "^3 symbols$" },
    { "screenshot /tmp/vx86-outside", false, "Permission denied|without libpng" },
    { "symbols ./map", true, "symbols$" },
    { "symbols /etc/passwd", false, "/etc/passwd: Permission denied" },
    { "symbols ../map", false, "Permission denied" },
    { "load /etc/passwd 0x800", false, "Permission denied" },
    { "save /tmp/vx86-outside 0 1", false, "Permission denied" },
    { "save ../outside 0 1", false, "Permission denied" },
    { "trace-file /tmp/vx86-outside", false, "Permission denied" },
    { "source map", false, "would make the guest go on" },
};

static void check_peers(struct debugger *debugger)
{
    for (size_t i = 0; i < VX_ARRAY_LEN(peers); i++)
        check(debugger, &peers[i]);
    cr_assert(access("mem", F_OK) != 0 && access("saved", F_OK) != 0);
}

static void check_peers_below(struct debugger *debugger)
{
    for (size_t i = 0; i < VX_ARRAY_LEN(peers_below); i++)
        check(debugger, &peers_below[i]);
}

Test(commands, peers)
{
    with_debugger_in(check_peers, (struct debugger_config){ .reach = VX_FILE_ANYWHERE });
}

Test(commands, peers_below_a_directory)
{
    struct vx_files *files;
    cr_assert_eq(vx_files_create(&files), VX_ERR_OK);
    with_debugger_in(check_peers_below, (struct debugger_config){ .reach = VX_FILE_ANYWHERE, .files = files });
    vx_files_destroy(files);
}
