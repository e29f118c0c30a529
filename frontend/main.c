/* main.c - the vx86 program: what can be answered without a machine is answered here, the rest in app.c. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "app.h"
#include "app_devices.h"
#include "app_media.h"
#include "app_version.h"
#include "block.h"
#include "helper_child.h"
#include "options.h"
#include "sandbox.h"
#include "std_descriptors.h"
#include "vx86/cpu.h"
#include "vx86/host.h"
#include "vx86/lab.h"
#include "vx86/log.h"

static int wrong_use(const char *error)
{
    struct vx_log *log = vx_log_create(stderr);
    vx_log_error(log, VX_LOG_GENERAL, "%s", error);
    vx_log_destroy(log);
    return VX_EXIT_ERROR;
}

static int not_written(void)
{
    char error[160];
    int reason = errno;
    snprintf(error, sizeof error, "standard output cannot be written: %s; %s", strerror(reason),
             vx_err_remedy(reason, "nobody takes it"));
    return wrong_use(error);
}

static vx_err open_disk(const char *path, bool snapshot, struct vx_log *log, struct vx_loop *loop,
                        struct vx_block **out)
{
    const struct block_config config = {
        .log = log, .loop = loop, .path = path, .kind = VX_BLOCK_DISK, .snapshot = snapshot
    };
    return block_open(&config, out);
}

static void confine(struct vx_log *log)
{
    vx_err err = sandbox_enter(&(struct sandbox_config){ .log = log, .directory = -1 });
    (void)err; /* a host that refuses has been named */
}

static int bench(int argc, char **argv)
{
    static const struct vx_lab_host host = {
        .open_disk = open_disk, .close_disk = block_close, .confine = confine, .default_disk = app_default_disk
    };
    return vx_lab_main(&host, argc, argv);
}

static int help(int argc, char **argv)
{
    static const struct helper_row rows[] = {
#define HELPER(name, run) { #name, run },
#include "helpers.def"
#undef HELPER
        { NULL, NULL },
    };
    return helper_child_main(rows, VX_ARRAY_LEN(rows) - 1, argc, argv);
}

int main(int argc, char **argv)
{
    struct options options;
    if (!std_descriptors_occupy())
        return VX_EXIT_ERROR;
    signal(SIGXFSZ, SIG_IGN); /* an error of write(), which is reported */
    vx_host_one_heap();
    if (argc > 1 && strcmp(argv[1], "bench") == 0)
        return bench(argc - 1, argv + 1);
    if (argc > 1 && strcmp(argv[1], "helper") == 0)
        return help(argc - 2, argv + 2);
    if (options_parse(argc, argv, &options) != VX_ERR_OK)
        return wrong_use(options.error);
    if (options.value[VX_OPT_help].given)
        options_print_help(stdout);
    else if (options.value[VX_OPT_man].given)
        options_print_man(stdout, vx_lab_option_at);
    else if (options.value[VX_OPT_completion].given)
        options_print_completion(stdout, (unsigned)options.value[VX_OPT_completion].number);
    else if (options.value[VX_OPT_version].given)
        app_version_print(stdout, options.value[VX_OPT_verbose].given);
    else if (app_devices_wants_help(&options))
        app_devices_print_help(stdout);
    else if (strcmp(options.value[VX_OPT_cpu].text, "help") == 0)
        vx_cpu_model_print_list(stdout);
    else
        return app_run(&options);
    return fflush(stdout) == 0 ? VX_EXIT_OFF : not_written();
}
