/* app_version.c - see app_version.h. */
#include "app_version.h"

#include <sys/utsname.h>

#include "block.h"
#include "debugger.h"
#include "sandbox.h"
#include "vx86/bt.h"
#include "vx86/firmware.h"
#include "vx86/host.h"
#include "vx86/screenshot.h"

static void print_answer(FILE *out, const char *what, const char *why_not)
{
    fprintf(out, "%s: %s%s\n", what, why_not == NULL ? "yes" : "no: ", why_not == NULL ? "" : why_not);
}

static void print_host(FILE *out)
{
    char sandbox[160];
    struct utsname system;
    if (uname(&system) == 0)
        fprintf(out, "host: %s %s, %s\n", system.sysname, system.release, system.machine);
    print_answer(out, "translator", vx_bt_refusal(0));
    print_answer(out, "guest memory through the host's MMU", vx_bt_lacks_windows());
    fprintf(out, "mappings a process may have: %llu\n", (unsigned long long)vx_host_mappings_max());
    print_answer(out, "huge pages for guest memory and translated code",
                 vx_host_grants_huge_pages() ? NULL : "the host's policy grants none to shared memory");
    sandbox_describe(sandbox, sizeof sandbox);
    fprintf(out, "sandbox: %s\n", sandbox);
    print_answer(out, "history and completion in the debugger",
                 debugger_has_editor() ? NULL : "this vx86 was built without libedit");
    print_answer(out, "screenshots", vx_screenshot_missing());
    print_answer(out, "qcow2 clusters compressed by zlib",
                 block_can_unpack(VX_BLOCK_ZLIB) ? NULL : "this vx86 was built without zlib");
    print_answer(out, "qcow2 clusters compressed by zstd",
                 block_can_unpack(VX_BLOCK_ZSTD) ? NULL : "this vx86 was built without libzstd");
}

void app_version_print(FILE *out, bool verbose)
{
    size_t bytes;
    vx_firmware_bios(&bytes);
    fprintf(out, "vx86 %s\nfirmware: %s\n", VX_VERSION,
            bytes != 0 ? vx_firmware_origin() : "none built in; use --bios");
    if (verbose)
        print_host(out);
}
