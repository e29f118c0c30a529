/* boot.c - boots our own multiboot kernels and compares what they print with what the specification promises;
 * the test kernel that works pc-testdev says itself what was wrong.
 *
 * Usage: boot VX86 DIRECTORY-OF-KERNELS */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "run.h"

enum { TEXT_BYTES = 4096 };
/* What every kernel reports: protected mode without paging, IF and VM clear, A20 on, flat segments. */
#define MACHINE "^magic 2BADB002 cr0 00000001 eflags 00000000 a20 12345678 limits( FFFFFFFF){6}\n"
#define MAP     "map: we are in RAM\nmap: RAM 0(F|3)[0-9A-F]{6}\n"
#define END     "end\n$"

static const struct row {
    const char *kernel, *args;
    int status;
    const char *out; /* a pattern */
} rows[] = {
    { "report-aout", "", 43,
      MACHINE "flags 0000024F lower 0000027F upper 0003F[0-9A-F]{3} device 8000FFFF\n"
              "command line \\[report-aout\\]\nloader \\[vx86\\]\n" MAP END },
    { "report-elf", "--append root=hd0", 43, "\ncommand line \\[report-elf root=hd0\\]\nloader \\[vx86\\]\n" MAP END },
    { "report-elf", "--initrd one", 43, "\nmodule \\[one\\] at 00103000 bytes 00000003 sum 00000006\n" MAP END },
    { "report-aout", "--initrd one,two,one,,one", 43,
      "\nmodule \\[one\\] at 00103000 bytes 00000003 sum 00000006\nmodule \\[two\\] at 00104000 bytes 00001388 sum "
      "000[0-9A-F]{5}\n"
      "module \\[one,one\\] at 00106000 bytes 00000001 sum 00000058\n" MAP END },
    { "report-low", "--initrd two -m 64M", 43, "upper 0000F[0-9A-F]{3} .*\nmodule \\[two\\] at 00100000 " },
    { "report-high", "--initrd one -m 64M", 43,
      "\nmodule \\[one\\] at 01003000 bytes 00000003 sum 00000006\n" MAP END },
    { "report-video", "", 43, "\nflags 0000124F .*\nscreen 000B8000 00000050 00000019 00000210\n" END },
    { "testdev", "--device pc-testdev", 1, "^$" },
    { "testdev", "", 3, "^wrong at step 00000001\n$" },
};

/* A kernel to the working directory, under its own name. */
static void bring_kernel(struct run *run, const char *directory, const char *name)
{
    char path[TEXT_BYTES];
    static char data[65536];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    FILE *in = fopen(path, "rb");
    size_t bytes = in != NULL ? fread(data, 1, sizeof data, in) : 0;
    if (in == NULL || bytes == 0 || bytes == sizeof data) {
        printf("FAILED: %s: cannot be read\n", path);
        run->failures++;
    }
    if (in != NULL)
        fclose(in);
    run_file(run, name, data, bytes);
}

static void bring_modules(struct run *run)
{
    static const unsigned char one[] = { 1, 2, 3 };
    unsigned char two[5000];
    for (size_t i = 0; i < sizeof two; i++)
        two[i] = (unsigned char)(i * 13);
    run_file(run, "one", one, sizeof one);
    run_file(run, "two", two, sizeof two);
    run_file(run, "one,one", "X", 1);
}

/* Words of `args` are split at spaces, so a module with arguments goes through a shell. */
static void module_arguments(struct run *run)
{
    static const char wanted[] = "module [one a  b=c] at";
    char command[TEXT_BYTES], line[TEXT_BYTES];
    bool found = false;
    snprintf(command, sizeof command,
             "'%s' --debug-exit --display none --no-reboot --timeout 15 --kernel report-elf --initrd 'one a  b=c,two' "
             "</dev/null 2>/dev/null",
             run->program);
    FILE *out = popen(command, "r");
    while (out != NULL && fgets(line, sizeof line, out) != NULL)
        found |= strncmp(line, wanted, sizeof wanted - 1) == 0;
    int status = out != NULL ? pclose(out) : -1;
    if (!found || status != 43 << 8) {
        printf("FAILED: %s: exit status %d, \"%s\" %s\n", command, status >> 8, wanted, found ? "found" : "missing");
        run->failures++;
    }
}

int main(int argc, char **argv)
{
    static const char *const engines[] = { "bt", "bt --stress=1", "interp" };
    static struct run_result result;
    struct run run;
    if (argc != 3)
        return fprintf(stderr, "usage: boot VX86 DIRECTORY-OF-KERNELS\n"), 1;
    char *directory = realpath(argv[2], NULL);
    run_init(&run, argv[1]);
    bring_modules(&run);
    for (size_t i = 0; i < RUN_ARRAY_LEN(rows); i++) {
        bring_kernel(&run, directory, rows[i].kernel);
        for (size_t e = 0; e < RUN_ARRAY_LEN(engines); e++) {
            char args[TEXT_BYTES];
            snprintf(args, sizeof args, "--engine %s --debug-exit --no-reboot --timeout 15 --kernel %s %s", engines[e],
                     rows[i].kernel, rows[i].args);
            run_once(&run, args, &result);
            run_check(&run, result.status == rows[i].status && run_matches(result.out, rows[i].out), args, &result,
                      rows[i].out);
        }
    }
    module_arguments(&run);
    free(directory);
    return run_fini(&run);
}
