/* refuse.c - wrong input: exit status 1 and one line that names cause and remedy, in well under a second.
 *
 * Usage: refuse VX86 */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "run.h"

#define MOST_MS 1000

struct row {
    const char *args, *pattern; /* of the whole line */
};

static const struct row rows[] = {
    /* images */
    { "missing.img", "^vx86: missing\\.img: no such file; check" },
    { "--disk missing.img boots.img", "missing\\.img: no such file" },
    { "--cdrom missing.iso", "missing\\.iso: no such file" },
    { "empty", "^vx86: empty: is empty; " },
    { "--cdrom empty", "^vx86: empty: is empty; " },
    { "folder", "^vx86: folder: is a directory; name" },
    { "--cdrom folder", "is a directory" },
    { "odd.img", "truncated, .* 1000 bytes .*; copy it again" },
    { "cut.img", "cut\\.img: truncated: the file has 65536 bytes but its partition 1 ends at byte 1049600; copy" },
    { "--cdrom cut.iso", "cut\\.iso: truncated: .*; copy it again" },
    { "fifo", "neither a file nor a block device" },
    { "/dev/null", "neither a file nor a block device" },
    { "/dev/null/x", "no such file" },
    { "boots.img --disk boots.img", "boots\\.img: in use" },
    { "boots.img --disk a --disk b --disk c --disk d", "5 drives are too many: .* room for 4" },
    { "boots.img other.img", "'other\\.img' is a second disk image; use --disk" },
    /* the default system */
    { "", "no disk is named and there is no default system: .*tools/run" },
    { "--boot disk --cdrom boots.img", "--boot disk: there is no disk; name" },
    { "--boot floppy boots.img", "--boot floppy: there is no drive A:; name a disk with --floppy" },
    { "--boot cdrom boots.img", "--boot cdrom: there is no CD-ROM; name one with --cdrom" },
    /* the laboratory */
    { "bench --lst", "^vx86: bench: unknown option '--lst'; did you mean '--list'\\?" },
    { "bench lop", "^vx86: bench: there is no workload 'lop'; did you mean 'loop'\\?" },
    { "bench --sweep colour loop", "^vx86: bench: --sweep: there is no 'colour'; choose tu-max, " },
    { "bench --rounds 99 loop", "^vx86: bench: --rounds: choose 1 to 25" },
    { "bench --json", "^vx86: bench: --json needs a FILE" },
    { "bench --image x loop", "^vx86: bench: --image is for the workload linux; name that too" },
    { "bench --image nothere.img linux",
      "^vx86: bench: nothere.img: No such file or directory; name a disk image with --image" },
    /* memory */
    { "-m 512K boots.img", "--memory: 512K is out of range, choose 1M to 3G" },
    { "-m 4G boots.img", "out of range, choose 1M to 3G" },
    { "-m 1025K boots.img", "not a multiple of 4K" },
    { "-m much boots.img", "'much' is not a size" },
    /* options */
    { "--memroy 64M boots.img", "^vx86: unknown option '--memroy'; did you mean '--memory'\\?" },
    { "--frobnicate boots.img", "unknown option '--frobnicate'; vx86 --help" },
    { "--cpu 80586 boots.img", "^vx86: --cpu: there is no CPU model '80586'; --cpu help lists them" },
    { "--cpu core2,+avx boots.img", "--cpu: there is no CPU feature 'avx'; --cpu help" },
    { "--cpu core2,sse boots.img", "--cpu: 'sse' must begin with \\+ or -" },
    { "--cpu 386 boots.img",
      "^vx86: --cpu: the BIOS inside vx86 needs a 486's instructions; add \\+i486, or name another" },
    { "--cpu 486,-fpu boots.img", "--cpu: every CPU model has 'fpu'; it cannot be taken away" },
    { "--engine jit boots.img", "--engine: there is no 'jit'; choose bt\\|interp" },
    { "--sound sb15 boots.img", "--sound: there is no card 'sb15'; did you mean 'sb16'" },
    { "--sound sb16,,none boots.img", "--sound: there is no card ''; did you mean" },
    { "--audio mp3=x boots.img", "--audio: there is no 'mp3=x': it is none or wav=FILE" },
    { "--audio wav=/no/where boots.img", "--audio: /no/where: No such file" },
    { "--serial tcp boots.img", "--serial: 'tcp' is not stdio, none, pty, file:PATH" },
    { "--serial2 unix:text boots.img", "--serial2: unix:text: Connection refused; start the other side first" },
    { "--serial unix:text,server boots.img", "--serial: unix:text,server: Address (already )?in use; choose another" },
    { "--serial tcp:no boots.img", "--serial: tcp:no: Invalid argument" },
    { "--serial pipe:text boots.img", "--serial: text\\.in: No such file or directory; make it with mkfifo" },
    { "--serial stdio --serial2 stdio boots.img", "--serial and --serial2 both want standard input and output" },
    { "--serial file:/no/where boots.img", "/no/where.*No such file" },
    { "--display terminal boots.img", "needs a terminal" },
    { "--display terminal --serial stdio boots.img", "both want the terminal: use" },
    /* names that would command a terminal */
    { "no\033[2Jt\x9bhere", "^vx86: no\\\\x1b\\[2Jt\\\\x9bhere: no such file" },
    { "--no\033[2J\xc2\x9bthing", "unknown option '--no\\\\x1b\\[2J\\\\xc2\\\\x9bthing'" },
    { "--serial file:/no\a/where boots.img", "/no\\\\x07/where" },
    { "--kernel no\033kernel", "--kernel: no\\\\x1bkernel: No such file" },
    { "--escape --no-escape boots.img", "--escape and --no-escape contradict each other: leave one out" },
    { "--log nonsense boots.img", "--log: 'nonsense' is neither a class nor a level" },
    { "--log bt=loud boots.img", "--log: 'loud' is neither" },
    { "--trace nonsense boots.img", "--trace: no event matches 'nonsense'; there are: mmu_" },
    { "--stats-file /no/where boots.img", "--stats-file: /no/where: No such file" },
    { "--clock=sun boots.img", "--clock: 'sun' is not host, instructions or instructions:MIPS \\(1 to 1000000\\)" },
    { "--clock=instructions:0 boots.img", "--clock: 'instructions:0' is not" },
    { "--clock=instructions:1000001 boots.img", "--clock: 'instructions:1000001' is not" },
    { "--clock=instructions:99999999999999999999999 boots.img", "--clock: 'instructions:99999999" },
    { "--clock=instructions:1x boots.img", "--clock: 'instructions:1x' is not" },
    { "--clock=instructions: boots.img", "--clock: 'instructions:' is not" },
    { "--date 2000-01-01T00:00:00 boots.img", "--date is for --clock=instructions" },
    { "--clock=instructions --date yesterday boots.img", "--date: 'yesterday' is no date such as" },
    { "--clock=instructions --date 2001-02-30T00:00:00 boots.img", "--date: '2001-02-30T00:00:00' is no date" },
    { "--clock=instructions --date 1970-01-01T00:00:00 boots.img", "--date: .* from 1980 to 2099" },
    { "--clock=instructions --date 2001-01-01T00:00:00Z boots.img", "is no date such as" },
    { "--state-hash 1 boots.img", "--state-hash: 1 is out of range" },
    { "--stop-at 0 boots.img", "--stop-at: 0 is out of range" },
    { "--lockstep --engine interp boots.img", "--lockstep compares .*: it needs --engine bt" },
    { "--lockstep=1000000001 boots.img", "--lockstep: 1000000001 is out of range" },
    { "--sandbox maybe boots.img", "--sandbox: there is no 'maybe'; choose on\\|off" },
    { "--disk-format qcow2 boots.img", "--disk-format: there is no 'qcow2'; choose auto\\|raw" },
    { "--timeout 0 boots.img", "--timeout: 0 is out of range" },
    /* the debugger */
    { "--debug-script missing boots.img", "--debug-script: missing: No such file or directory; name a file" },
    { "--debug-script lengthy boots.img", "--debug-script: lengthy: this file is longer than 64 MiB; name a file" },
    { "--debug-script . boots.img", "--debug-script: .: Is a directory; name a file" },
    { "--lockstep --debug boots.img", "--lockstep and the debugger would both step the guest" },
    { "--debug-script", "--debug-script needs a value: --debug-script FILE" },
    { "--debug-files missing --debug boots.img",
      "--debug-files: missing: No such file or directory; name a directory" },
    { "--debug-files text --debug boots.img", "--debug-files: text: Not a directory; name a directory" },
    { "--gdb", "--gdb needs a value: --gdb PORT\\|unix:PATH\\|stdio" },
    { "--gdb 65536 boots.img", "--gdb: '65536' is not a port \\(0 to 65535\\), unix:PATH or stdio" },
    { "--gdb 0.0.0.0:1234 boots.img", "--gdb: '0\\.0\\.0\\.0:1234' is not a port" },
    { "--gdb unix: boots.img", "--gdb: a socket's path has 1 to 107 characters; choose" },
    { "--gdb unix:/no/where boots.img", "--gdb: unix:/no/where: No such file or directory; choose another path" },
    { "--gdb unix:text boots.img", "--gdb: unix:text: Address (already )?in use; choose another path" },
    { "--gdb-run boots.img", "--gdb-run is for --gdb; say" },
    { "--gdb 0 --debug boots.img", "--gdb and --debug both want the guest: leave one out" },
    { "--gdb 0 --lockstep boots.img", "--lockstep and the debugger would both step the guest" },
    { "--gdb stdio --serial stdio boots.img", "--gdb stdio needs standard input and output for itself: use" },
    /* firmware */
    { "--bios missing boots.img", "--bios: missing: No such file or directory; check" },
    { "--bios odd.img boots.img", "--bios: odd\\.img: 1000 bytes are not a multiple of 64 KiB.*; leave" },
    { "--bios empty boots.img", "--bios: empty: is empty" },
    { "--bios folder boots.img", "--bios: folder: is a directory" },
    { "--bios huge boots.img", "--bios: huge: .* more than 4M" },
    { "--vga-bios missing boots.img", "--vga-bios: missing: No such file" },
    { "--vga-bios odd.img boots.img", "--vga-bios: odd\\.img: is no option ROM.*; leave" },
    /* kernels */
    { "--kernel missing", "--kernel: missing: No such file" },
    { "--kernel text", "--kernel: text: is neither a Linux kernel in bzImage format nor a multiboot kernel; name" },
    { "--kernel boots.img", "is neither a Linux kernel" },
    { "--kernel folder", "--kernel: folder: is a directory" },
    { "--initrd text boots.img", "--initrd is for direct boots; name the kernel with --kernel" },
    { "--append quiet boots.img", "--append is for direct boots; name the kernel with --kernel" },
    { "--kernel kernel --initrd missing", "--initrd: missing: No such file" },
    { "--kernel kernel --initrd large -m 16M",
      "--initrd: large: 20971520 bytes are more than 16M, the guest's memory; .*--memory" },
    { "--kernel kernel --initrd empty", "--initrd: empty: is empty" },
    { "--kernel kernel -m 1M", "memory.*use -m" },
    { "--device pc-tesdev boots.img", "^vx86: --device: there is no device 'pc-tesdev'; did you mean 'pc-testdev'" },
    { "--device ne2000 boots.img", "--device: there is no device 'ne2000'; --device help lists" },
    { "--device isa-debug-exit,iobas=1 boots.img", "--device: there is no property 'iobas'; did you mean 'iobase'" },
    { "--device pc-testdev,iobase=1 boots.img", "--device: there is no property 'iobase'; --device help" },
    { "--device isa-debug-exit,iobase=65536 boots.img",
      "--device: iobase: '65536' is not a number from 0x0 to 0xffff" },
    { "--device isa-debug-exit,iosize=0 boots.img", "--device: iosize: '0' is not a number from 0x1 to 0x100" },
    { "--device isa-debug-exit,iobase=4x boots.img", "--device: iobase: '4x' is not a number" },
    { "--device isa-debug-exit,iobase boots.img", "--device: iobase: '' is not a number" },
    { "--device isa-debug-exit,iobase=0x3f8 boots.img", "debug exit overlaps uart16550 COM1 at 3f8" },
    { "--device isa-debug-exit --device isa-debug-exit boots.img", "debug exit overlaps debug exit at 501" },
    { "--device pc-testdev --device pc-testdev boots.img", "no room for another pc-testdev" },
    { "--kernel multiboot", "cannot boot the multiboot kernel .*: it is no valid ELF file, and its header" },
    { "--kernel multiboot --initrd text,missing", "--initrd: missing: No such file" },
    { "--kernel multiboot --initrd text,,missing", "--initrd: text,missing: No such file" },
    { "--kernel multiboot --initrd text,", "--initrd: a name in the list of modules is empty; name a file" },
    { "--kernel multiboot --initrd text,large -m 16M", "--initrd: large: 20971520 bytes are more than .*--memory" },
    { "--kernel kernel --initrd large -m 20M", "initrd need.*use -m" },
};

/* A header that the boot protocol's checks accept (version 2.12), in front of nothing that would run. */
static void make_kernel(struct run *run)
{
    static uint8_t image[16384];
    image[0x1F1] = 4;
    image[0x1FE] = 0x55;
    image[0x1FF] = 0xAA;
    memcpy(image + 0x202, "HdrS", 4);
    image[0x206] = 0x0C;
    image[0x207] = 0x02;
    image[0x211] = 1;
    memcpy(image + 0x22C, "\xFF\xFF\xFF\x7F", 4);   /* initrd_addr_max */
    memcpy(image + 0x238, "\xFF\x07\0\0", 4);       /* cmdline_size */
    memcpy(image + 0x258, "\0\0\x10\0\0\0\0\0", 8); /* pref_address */
    memcpy(image + 0x260, "\0\0\x20\0", 4);         /* init_size */
    run_file(run, "kernel", image, sizeof image);
}

static void make_files(struct run *run)
{
    static uint8_t zeros[65536], text[1000];
    uint8_t partition[512] = {
        [446] = 0x80, [446 + 4] = 0x83, [446 + 8] = 2, [446 + 13] = 8, [510] = 0x55, [511] = 0xAA
    };
    uint8_t *volume = zeros + 16 * 2048;
    memset(text, 'x', sizeof text);
    run_file(run, "empty", "", 0);
    run_file(run, "odd.img", text, 1000);
    run_file(run, "text", text, 700);
    mkdir("folder", 0700);
    mkfifo("fifo", 0600);
    run_boot_disk(run, "boots.img", "\xFA\xF4", 2, 65536);
    memcpy(zeros, partition, sizeof partition); /* sectors 2 to 2049 */
    run_file(run, "cut.img", zeros, sizeof zeros);
    memset(zeros, 0, 512);
    memcpy(volume, "\1CD001\1", 7);
    memcpy(volume + 80, "\0\1\0\0", 4); /* 256 blocks */
    memcpy(volume + 128, "\0\x08", 2);  /* of 2048 bytes */
    run_file(run, "cut.iso", zeros, sizeof zeros);
    run_file(run, "large", "x", 1);
    run_file(run, "lengthy", "x", 1);
    run_file(run, "huge", "x", 1);
    if (truncate("large", 20 << 20) != 0 || truncate("huge", 5 << 20) != 0 || truncate("lengthy", 65 << 20) != 0)
        run->failures++;
    make_kernel(run);
    run_file(run, "multiboot", "\x02\xB0\xAD\x1B\0\0\0\0\xFE\x4F\x52\xE4", 12); /* a header, and nothing else */
}

static void refused(struct run *run, const struct row *row)
{
    static struct run_result result;
    run_once(run, row->args, &result);
    run_check(run, result.status == 1 && !result.killed, row->args, &result, "exit status 1 is what it should have");
    run_check(run, run_lines(result.err) == 1, row->args, &result, "one line is what it should say");
    run_check(run, strncmp(result.err, "vx86: ", 6) == 0, row->args, &result, "the line should begin with vx86:");
    run_check(run, strcspn(result.err, "\033\a\x9b") == strlen(result.err), row->args, &result,
              "no part of it should command the terminal");
    run_check(run, run_matches(result.err, row->pattern), row->args, &result, row->pattern);
    run_check(run, result.out[0] == '\0', row->args, &result, "nothing should be on standard output");
    run_check(run, result.ms < MOST_MS, row->args, &result, "it took too long");
}

int main(int argc, char **argv)
{
    struct run run;
    if (argc != 2)
        return fprintf(stderr, "usage: refuse VX86\n"), 1;
    run_init(&run, argv[1]);
    make_files(&run);
    for (size_t i = 0; i < RUN_ARRAY_LEN(rows); i++)
        refused(&run, &rows[i]);
    if (geteuid() != 0) { /* root may read everything */
        run_file(&run, "unreadable", "x", 1);
        chmod("unreadable", 0);
        refused(&run, &(struct row){ "unreadable", "unreadable: cannot be opened for .*; change its permissions" });
        refused(&run, &(struct row){ "--kernel unreadable",
                                     "--kernel: unreadable: Permission denied; change its permissions" });
        chmod("boots.img", 0400);
        refused(&run, &(struct row){ "boots.img", "cannot be opened for writing.*--snapshot" });
    }
    return run_fini(&run);
}
