/* behave.c - exit statuses, signals, time-out, locks and statistics, with guests of one boot sector.
 *
 * Usage: behave VX86 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "guests.h"
#include "json_check.h"
#include "run.h"

/* ---- exit statuses ----------------------------------------------------------------------------------------------- */

static void exit_statuses(struct run *run)
{
    static const struct {
        const char *args;
        int status;
        const char *out, *err; /* patterns */
    } rows[] = {
        { "off.img", 0, "^$", "^vx86: engine bt, memory 256M, disk off\\.img \\(64K\\), firmware [^\n]*\n$" },
        { "--engine interp off.img", 0, "^$", "engine interp" },
        { "--snapshot -m 17M off.img", 0, "^$", "memory 17M, disk off\\.img \\(64K, snapshot\\)" },
        { "-m 1M off.img", 0, "^$", "memory 1M" },
        { "-m 3G off.img", 0, "^$", "memory 3G" },
        { "--boot cdrom --cdrom blank.img off.img", 0, "^$", "disk off\\.img .*, cdrom blank\\.img \\(64K\\)" },
        { "--disk off.img", 0, "^$", "disk off\\.img" },
        { "--cpu vulnerable off.img", 0, "^$", "" },
        { "--cpu default,+smap,-sse4.2 off.img", 0, "^$", "" },
        { "--cpu 386,+i486 off.img", 0, "^$", "" },
        { "--cpu help", 0, "CPU models:\n.*  core2 .*\nFeatures, .* sse4_2 ", "^$" },
        { "--no-reboot reset.img", 0, "^$", "" },
        { "--no-reboot keyboard-reset.img", 0, "^$", "" },
        { "--no-reboot dead.img", 2, "^$", "the guest is dead: HLT with interrupts off at 0000:00007c01" },
        { "--no-reboot --engine interp dead.img", 2, "^$", "the guest is dead" },
        { "--timeout 1 dead.img", 124, "^$", "halted for good: HLT with interrupts off at 0000:00007c01;" },
        { "--timeout 1 triple.img", 124, "^$", "triple fault: #GP 0d at 0000:00007c06, error 1a; .*boot loop" },
        { "--no-reboot triple.img", 2, "^$",
          "triple fault: #GP 0d at 0000:00007c06, error 1a; then #GP 0d, error 6b; then #DF 08; then #GP 0d, error 43; "
          "then "
          "shutdown\n.*EAX .*CR0 .*last instructions: .*0000:00007c06" },
        { "--debug-exit exit.img", 43, "^$", "" },
        { "--debug-exit exit-word.img", 255, "^$", "" },
        { "--device isa-debug-exit,iobase=0xF4,iosize=4 exit.img", 43, "^$", "" },
        { "--device isa-debug-exit,iobase=244 --device pc-testdev exit-word.img", 255, "^$", "" },
        { "--no-reboot --device isa-debug-exit exit.img", 2, "^$", "" }, /* elsewhere */
        { "--debug-exit --device isa-debug-exit exit.img", 43, "^$", "" },
        { "--no-reboot exit.img", 2, "^$", "" }, /* no such port without --debug-exit */
        { "blank.img", 3, "^$", "nothing bootable: [^\n]*; name another" },
        { "--cdrom blank.img", 3, "^$", "nothing bootable" },
        { "nothing.img", 0, "^$", "" }, /* it is not the BIOS that says so */
        { "--timeout 2 int18.img", 124, "^$", "has given up, and the BIOS has nothing else" },
        { "--timeout 2 --engine interp int18.img", 124, "^$", "has given up, and the BIOS has nothing else" },
        { "--engine interp blank.img", 3, "^$", "nothing bootable" },
        { "--timeout 1 busy.img", 124, "^$", "the time of --timeout 1 is over" },
        { "--timeout 1 --engine interp busy.img", 124, "^$", "" },
        { "--timeout 1 idle.img", 124, "^$", "" },
        { "--timeout 1 reset.img", 124, "^$", "" },
        { "hello.img", 0, "ok", "" },
        { "--serial stdio hello.img", 0, "ok", "" },
        { "--serial none hello.img", 0, "^$", "" },
        { "--log error off.img", 0, "^$", "^$" },
        { "--log firmware=debug off.img", 0, "^$", "firmware: SeaBIOS \\(version " },
        { "--trace pm_* off.img", 0, "^$", "pm_event: " },
        { "--help", 0, "usage: vx86 .*--memory SIZE", "^$" },
        { "-h", 0, "usage: vx86 ", "^$" },
        { "--man", 0, "^\\.TH VX86 1", "^$" },
        { "--version", 0, "^vx86 [0-9.]+\nfirmware: [^\n]*\n$", "^$" },
        { "--version --verbose", 0,
          "^vx86 [0-9.]+\nfirmware: [^\n]*\nhost: [^\n]*\ntranslator: (yes|no: [^\n]*)\nguest memory [^\n]*: (yes|no: "
          "[^\n]*)\nmappings [^\n]*: [0-9]+\nhuge pages [^\n]*\nsandbox: [^\n]*\nhistory [^\n]*: (yes|no: [^\n]*)\n"
          "screenshots: (yes|no: [^\n]*)\n(qcow2 [^\n]*: (yes|no: [^\n]*)\n){2}$",
          "^$" },
    };
    static struct run_result result;
    for (size_t i = 0; i < RUN_ARRAY_LEN(rows); i++) {
        run_once(run, rows[i].args, &result);
        run_check(run, result.status == rows[i].status && !result.killed, rows[i].args, &result,
                  "another exit status is right");
        run_check(run, run_matches(result.out, rows[i].out), rows[i].args, &result, rows[i].out);
        run_check(run, run_matches(result.err, rows[i].err), rows[i].args, &result, rows[i].err);
    }
}

static void other_places(struct run *run)
{
    static struct run_result result;
    run_once(run, "--serial file:line.txt hello.img", &result);
    char text[64] = "";
    FILE *file = fopen("line.txt", "r");
    size_t count = file != NULL ? fread(text, 1, sizeof text - 1, file) : 0;
    if (file != NULL)
        fclose(file);
    run_check(run, count >= 2 && strstr(text, "ok") != NULL, "--serial file:line.txt", &result,
              "the guest's words should be in the file");

    setenv("VX86_DEFAULT_DISK", "off.img", 1);
    run_once(run, "", &result);
    run_check(run, result.status == 0 && strstr(result.err, "disk off.img") != NULL, "", &result,
              "VX86_DEFAULT_DISK should be booted");
    run_once(run, "--cdrom blank.img", &result);
    run_check(run, result.status == 3, "--cdrom blank.img", &result,
              "the default system is only for those who name nothing");
    unsetenv("VX86_DEFAULT_DISK");
}

/* ---- statistics -------------------------------------------------------------------------------------------------- */

static void statistics(struct run *run)
{
    static struct run_result result;
    static char text[65536];
    const char *args = "--log error --stats=json off.img";
    run_once(run, args, &result);
    run_check(run, json_is_valid(result.err), args, &result, "standard error should be JSON");
    run_check(run, json_u64(result.err, "tu_translated") - 1 < 1000000 && json_u64(result.err, "entry_chain") != 0,
              args, &result, "there should be units and chains");
    args = "--log error --stats=json --engine interp off.img";
    run_once(run, args, &result);
    run_check(run,
              json_is_valid(result.err) && json_u64(result.err, "interp_insns") - 1 < UINT64_MAX / 2 &&
                  json_u64(result.err, "tu_translated") == 0,
              args, &result, "the interpreter should have run, the translator not");
    args = "--stats blank.img";
    run_once(run, args, &result);
    run_check(run,
              result.status == 3 &&
                  run_matches(result.err, "hit rates: chain [0-9.]+ %, jump cache .*\ndevices\n.*debugcon"),
              args, &result, "hit rates and devices should be shown");
    args = "--stats=json --stats-file stats.json --timeout 1 busy.img";
    run_once(run, args, &result);
    FILE *file = fopen("stats.json", "r");
    text[file != NULL ? fread(text, 1, sizeof text - 1, file) : 0] = '\0';
    if (file != NULL)
        fclose(file);
    run_check(run, json_is_valid(text) && json_u64(text, "exit_status") == 124, args, &result,
              "the file should be JSON");
    args = "--stats-file /dev/full off.img";
    run_once(run, args, &result);
    run_check(run,
              access("/dev/full", W_OK) != 0 || (result.status == 1 && strstr(result.err, "No space left") != NULL),
              args, &result, "a full disk is an error");
}

/* Every optimisation's off switch does what it says. */
static void switches(struct run *run)
{
    static const struct {
        const char *args, *key;
        bool zero; /* else: not zero */
    } rows[] = {
        { "--log error --stats=json --interpret-first 0 off.img", "chain_links", false },
        { "--log error --stats=json --interpret-first 0 off.img", "entry_jump_cache", false },
        { "--log error --stats=json off.img", "cold_insns", false },
        { "--log error --stats=json --interpret-first 0 off.img", "cold_insns", true },
        { "--log error --stats=json --no-chain off.img", "chain_links", true },
        { "--log error --stats=json --no-jump-cache off.img", "entry_jump_cache", true },
        { "--log error --stats=json off.img", "cache_evictions", true },
        { "--log error --stats=json --tc-size 64K off.img", "cache_evictions", false },
        { "--log error --stats=json --lowering soft --stress off.img", "cache_evictions", false },
    };
    static struct run_result result;
    for (size_t i = 0; i < RUN_ARRAY_LEN(rows); i++) {
        run_once(run, rows[i].args, &result);
        uint64_t value = json_u64(result.err, rows[i].key);
        run_check(run, result.status == 0 && value != UINT64_MAX && (value == 0) == rows[i].zero, rows[i].args, &result,
                  rows[i].key);
    }
    run_once(run, "--log error --stats=json --tu-max 1 off.img", &result);
    run_check(run,
              json_u64(result.err, "tu_guest_insns") == json_u64(result.err, "tu_translated") &&
                  json_u64(result.err, "tu_translated") != UINT64_MAX,
              "--tu-max 1", &result, "one instruction a unit");
}

/* ---- signals ----------------------------------------------------------------------------------------------------- */

static void signals(struct run *run)
{
    static const struct {
        int number, status;
        const char *args;
    } rows[] = {
        { SIGTERM, 128 + SIGTERM, "idle.img" },
        { SIGINT, 128 + SIGINT, "idle.img" },
        { SIGHUP, 128 + SIGHUP, "idle.img" },
        { SIGTERM, 128 + SIGTERM, "busy.img" },
        { SIGTERM, 128 + SIGTERM, "--engine interp busy.img" },
        { SIGTERM, 128 + SIGTERM, "--timeout 15 --no-chain busy.img" },
    };
    static struct run_result result;
    for (size_t i = 0; i < RUN_ARRAY_LEN(rows); i++) {
        pid_t pid = run_start(run, rows[i].args, 1, NULL);
        bool started = run_wait_for(run, 1, "vx86: engine");
        kill(pid, rows[i].number);
        run_finish(run, pid, 1, &result);
        run_check(run, started && result.status == rows[i].status && !result.killed, rows[i].args, &result,
                  "a signal should end it cleanly");
        run_check(run, result.ms < 2000, rows[i].args, &result, "soon after the signal");
    }
}

/* Output that nobody takes holds the machine up; a second signal ends vx86 all the same. */
static void second_signal(struct run *run)
{
    static struct run_result result;
    const char *args = "talk.img";
    if (mkfifo("pipe", 0600) != 0)
        run->failures++;
    pid_t pid = run_start(run, args, 1, "pipe");
    bool started = run_wait_for(run, 1, "vx86: engine");
    for (unsigned i = 0; i < 2; i++) {
        nanosleep(&(struct timespec){ .tv_nsec = 500000000 }, NULL);
        kill(pid, SIGTERM);
    }
    run_finish(run, pid, 1, &result);
    run_check(run, started && result.status == 128 + SIGTERM && !result.killed && result.ms < 2000, args, &result,
              "the second signal should end it");
}

/* ---- locks ------------------------------------------------------------------------------------------------------- */

static void locks(struct run *run)
{
    static const struct {
        const char *first, *second;
        int status;
        const char *err;
    } rows[] = {
        { "idle.img", "idle.img", 1, "^vx86: idle\\.img: in use by another vx86; [^\n]*\n$" },
        { "idle.img", "--snapshot idle.img", 1, "^vx86: idle\\.img: in use by another vx86 [^\n]*\n$" },
        { "--snapshot idle.img", "idle.img", 1, "^vx86: idle\\.img: in use by another vx86; " },
        { "--snapshot idle.img", "--snapshot --timeout 1 idle.img", 124, "engine" },
        { "idle.img", "off.img", 0, "engine" },
    };
    static struct run_result first, second;
    for (size_t i = 0; i < RUN_ARRAY_LEN(rows); i++) {
        pid_t pid = run_start(run, rows[i].first, 1, NULL);
        bool started = run_wait_for(run, 1, "vx86: engine");
        run_once(run, rows[i].second, &second);
        kill(pid, SIGTERM);
        run_finish(run, pid, 1, &first);
        run_check(run, started && first.status == 128 + SIGTERM, rows[i].first, &first, "the first should run");
        run_check(run, second.status == rows[i].status && run_matches(second.err, rows[i].err), rows[i].second, &second,
                  rows[i].err);
    }
    run_once(run, "--timeout 1 idle.img", &second);
    run_check(run, second.status == 124, "idle.img", &second, "the lock should be gone with its owner");
}

int main(int argc, char **argv)
{
    struct run run;
    if (argc != 2)
        return fprintf(stderr, "usage: behave VX86\n"), 1;
    run_init(&run, argv[1]);
    guests_make(&run);
    exit_statuses(&run);
    other_places(&run);
    statistics(&run);
    switches(&run);
    signals(&run);
    second_signal(&run);
    locks(&run);
    return run_fini(&run);
}
