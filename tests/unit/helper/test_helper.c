/* test_helper.c - messages, shared memory, and helpers that fail, stall, lie, flood or die. */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "helper.h"
#include "vx86/clock.h"
#include "vx86/host.h"

#define PATIENCE_NS (20 * VX_NS_PER_SEC) /* on a busy machine */

struct rig {
    struct vx_log *log;
    struct vx_loop *loop;
    struct helper *helper;
    unsigned got, gone, rooms, refuse; /* `refuse`: how many offers are still to be refused */
    unsigned type;
    uint32_t number; /* of a flood */
    size_t bytes;
    uint8_t payload[HELPER_MAX_BYTES];
};

static bool on_message(void *opaque, unsigned type, const void *payload, size_t bytes)
{
    struct rig *rig = opaque;
    if (rig->refuse > 0) {
        rig->refuse--;
        return false;
    }
    rig->got++;
    rig->type = type;
    rig->bytes = bytes;
    memcpy(rig->payload, payload, bytes);
    return true;
}

static void on_room(void *opaque)
{
    ((struct rig *)opaque)->rooms++;
}

static void on_gone(void *opaque)
{
    ((struct rig *)opaque)->gone++;
}

static vx_err start(struct rig *rig, const char *name, const char *const *arguments, int shared)
{
    signal(SIGPIPE, SIG_IGN);
    rig->log = vx_log_create(stderr);
    cr_assert_eq(vx_loop_create_plain(&rig->loop), VX_ERR_OK);
    return helper_start(&(struct helper_config){ .log = rig->log,
                                                 .loop = rig->loop,
                                                 .name = name,
                                                 .program = HELPER_PEER,
                                                 .arguments = arguments,
                                                 .shared = shared,
                                                 .receive = on_message,
                                                 .room = on_room,
                                                 .gone = on_gone,
                                                 .opaque = rig },
                        &rig->helper);
}

static void stop(struct rig *rig)
{
    helper_destroy(rig->helper);
    vx_loop_destroy(rig->loop);
    vx_log_destroy(rig->log);
}

/* Runs the loop until *count is `least`. */
static void wait_count(struct rig *rig, const unsigned *count, unsigned least)
{
    uint64_t until = vx_host_now_ns() + PATIENCE_NS;
    while (*count < least) {
        cr_assert(vx_host_now_ns() < until, "%u of %u", *count, least);
        vx_loop_wait(rig->loop, until);
        vx_loop_run_posted(rig->loop);
    }
}

Test(helper, messages_come_back_whole, .timeout = 60)
{
    static const size_t sizes[] = { 0, 1, 7, 1514, 65536, HELPER_MAX_BYTES };
    static uint8_t bytes[HELPER_MAX_BYTES];
    struct rig rig = { 0 };
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 7 + i / 256);
    cr_assert_eq(start(&rig, "echo", NULL, -1), VX_ERR_OK);
    for (size_t i = 0; i < VX_ARRAY_LEN(sizes); i++) {
        cr_assert(helper_send(rig.helper, 16 + (unsigned)i, bytes, sizes[i]));
        wait_count(&rig, &rig.got, (unsigned)i + 1);
        cr_assert(rig.type == 17 + i && rig.bytes == sizes[i] && memcmp(rig.payload, bytes, sizes[i]) == 0);
    }
    cr_assert(helper_alive(rig.helper) && rig.gone == 0);
    stop(&rig);
}

Test(helper, it_is_born_with_nothing_else, .timeout = 60)
{
    static const char *const arguments[] = { "one", "two words", NULL };
    struct rig rig = { 0 };
    FILE *file = tmpfile(); /* not for the helper: tmpfile() does not close on exec by itself */
    int fd = vx_host_unnamed_file("vx86-test", 4096, VX_HOST_FILE_WRITTEN);
    cr_assert(file != NULL && fd >= 0);
    cr_assert_eq(start(&rig, "born", arguments, fd), VX_ERR_OK);
    wait_count(&rig, &rig.got, 1);
    rig.payload[rig.bytes] = '\0';
    const char *text = (const char *)rig.payload;
    cr_assert(strncmp(text, "born one two words cc", 21) == 0, "%s", text);
    cr_assert(strncmp(text + 22, "sf", 2) == 0, "%s", text);
    stop(&rig);
    close(fd);
    fclose(file);
}

Test(helper, memory_is_shared, .timeout = 60)
{
    struct rig rig = { 0 };
    int fd = vx_host_unnamed_file("vx86-test", 4096, VX_HOST_FILE_WRITTEN);
    uint8_t *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    cr_assert(shared != MAP_FAILED);
    shared[4095] = 21;
    cr_assert_eq(start(&rig, "twice", NULL, fd), VX_ERR_OK);
    cr_assert(helper_send(rig.helper, 20, NULL, 0));
    wait_count(&rig, &rig.got, 1);
    cr_assert(rig.type == 20 && shared[4095] == 42);
    stop(&rig);
    munmap(shared, 4096);
    close(fd);
}

Test(helper, one_that_cannot_says_so, .timeout = 60)
{
    struct rig rig = { 0 };
    cr_assert_eq(start(&rig, "fails", NULL, -1), VX_ERR_UNSUPPORTED);
    stop(&rig);
    cr_assert_eq(start(&rig, "at-once", NULL, -1), VX_ERR_IO);
    stop(&rig);
    cr_assert_eq(start(&rig, "unheard-of", NULL, -1), VX_ERR_IO);
    stop(&rig);
}

Test(helper, one_that_dies_is_told_of_once, .timeout = 60)
{
    struct rig rig = { 0 };
    cr_assert_eq(start(&rig, "dies", NULL, -1), VX_ERR_OK);
    cr_assert(helper_send(rig.helper, 16, NULL, 0));
    wait_count(&rig, &rig.gone, 1);
    cr_assert(!helper_alive(rig.helper) && helper_send(rig.helper, 16, "x", 1));
    vx_loop_run_posted(rig.loop);
    cr_assert_eq(rig.gone, 1);
    stop(&rig);
}

Test(helper, one_that_stalls_holds_nobody_up, .timeout = 60)
{
    static const uint8_t bytes[60000];
    struct rig rig = { 0 };
    unsigned sent = 0;
    cr_assert_eq(start(&rig, "stalls", NULL, -1), VX_ERR_OK);
    while (sent < 1000 && helper_send(rig.helper, 16, bytes, sizeof bytes))
        sent++;
    cr_assert(sent > HELPER_QUEUE_BYTES / sizeof bytes && sent < 1000, "%u", sent);
    uint64_t start_ns = vx_host_now_ns();
    stop(&rig);
    cr_assert(vx_host_now_ns() - start_ns < 15 * VX_NS_PER_SEC);
}

Test(helper, one_that_lags_gets_everything, .timeout = 60)
{
    static const uint8_t bytes[1514];
    struct rig rig = { 0 };
    size_t sums[2];
    cr_assert_eq(start(&rig, "dozes", NULL, -1), VX_ERR_OK);
    for (unsigned i = 0; i < 5000; i++)
        while (!helper_send(rig.helper, 16, bytes, sizeof bytes))
            wait_count(&rig, &rig.rooms, rig.rooms + 1);
    while (!helper_send(rig.helper, 17, NULL, 0))
        wait_count(&rig, &rig.rooms, rig.rooms + 1);
    wait_count(&rig, &rig.got, 1);
    memcpy(sums, rig.payload, sizeof sums);
    cr_assert(rig.rooms > 0 && sums[0] == 5000 * sizeof bytes && sums[1] == 5001, "%zu bytes, %zu", sums[0], sums[1]);
    stop(&rig);
}

Test(helper, one_that_lies_is_left, .timeout = 60)
{
    static const char *const much[] = { "64", NULL }, *const little[] = { "5", NULL };
    struct rig rig = { 0 };
    cr_assert_eq(start(&rig, "lies", much, -1), VX_ERR_OK);
    wait_count(&rig, &rig.gone, 1);
    cr_assert_eq(rig.got, 0);
    stop(&rig);
    rig = (struct rig){ 0 };
    cr_assert_eq(start(&rig, "lies", little, -1), VX_ERR_OK); /* half a header */
    stop(&rig);
    cr_assert(rig.got == 0 && rig.gone == 0);
}

static bool on_number(void *opaque, unsigned type, const void *payload, size_t bytes)
{
    struct rig *rig = opaque;
    uint32_t number;
    cr_assert(type == 16 && bytes == sizeof number);
    memcpy(&number, payload, sizeof number);
    cr_assert_eq(number, rig->number, "%u comes for %u", number, rig->number);
    if (number % 1000 == 999 && rig->refuse++ % 2 == 0)
        return false; /* each thousandth is refused once */
    rig->number++;
    rig->got++;
    return true;
}

Test(helper, what_is_refused_comes_again_in_order, .timeout = 60)
{
    struct rig rig = { 0 };
    rig.log = vx_log_create(stderr);
    cr_assert_eq(vx_loop_create_plain(&rig.loop), VX_ERR_OK);
    cr_assert_eq(helper_start(&(struct helper_config){ .log = rig.log,
                                                       .loop = rig.loop,
                                                       .name = "floods",
                                                       .program = HELPER_PEER,
                                                       .shared = -1,
                                                       .receive = on_number,
                                                       .opaque = &rig },
                              &rig.helper),
                 VX_ERR_OK);
    uint64_t until = vx_host_now_ns() + PATIENCE_NS;
    while (rig.got < 100000) {
        cr_assert(vx_host_now_ns() < until, "%u", rig.got);
        vx_loop_wait(rig.loop, vx_host_now_ns() + VX_NS_PER_SEC / 100);
        vx_loop_run_posted(rig.loop);
        helper_continue(rig.helper);
    }
    cr_assert_eq(rig.refuse, 200);
    stop(&rig);
}

Test(helper, one_that_finishes_gets_the_time, .timeout = 60)
{
    struct rig rig = { 0 };
    int fd = vx_host_unnamed_file("vx86-test", 4096, VX_HOST_FILE_WRITTEN);
    uint8_t *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    cr_assert(shared != MAP_FAILED);
    cr_assert_eq(start(&rig, "finishes", NULL, fd), VX_ERR_OK);
    stop(&rig);
    cr_assert_eq(shared[0], 42);
    munmap(shared, 4096);
    close(fd);
}
