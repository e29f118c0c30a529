/* peer.c - helpers for test_helper.c: good ones and bad ones. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "helper_child.h"

/* Sends everything back. */
static int echo(struct helper_child *child, int argc, char **argv)
{
    struct helper_message message;
    (void)argc, (void)argv;
    helper_child_ready(child);
    while (helper_child_wait(child, &message) == HELPER_MESSAGE)
        if (!helper_child_send(child, message.type + 1, message.payload, message.bytes))
            return 1;
    return 0;
}

/* Tells its arguments, and what is open here: a letter for each descriptor from 0 on. */
static int born(struct helper_child *child, int argc, char **argv)
{
    struct helper_message message;
    char text[200] = "";
    helper_child_ready(child);
    for (int i = 0; i < argc; i++) {
        strcat(text, argv[i]);
        strcat(text, " ");
    }
    for (int fd = 0; fd < 100; fd++) {
        struct stat st;
        if (fstat(fd, &st) == 0)
            strcat(text, S_ISCHR(st.st_mode) ? "c" : S_ISSOCK(st.st_mode) ? "s" : S_ISREG(st.st_mode) ? "f" : "?");
        else if (fd < 5)
            strcat(text, "-");
    }
    helper_child_send(child, 16, text, strlen(text));
    while (helper_child_wait(child, &message) == HELPER_MESSAGE)
        continue;
    return 0;
}

/* Doubles the bytes of the shared memory, each time that it is asked. */
static int twice(struct helper_child *child, int argc, char **argv)
{
    struct helper_message message;
    (void)argc, (void)argv;
    uint8_t *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, HELPER_CHILD_SHARED, 0);
    if (shared == MAP_FAILED)
        return helper_child_fail(child, "no shared memory");
    helper_child_ready(child);
    while (helper_child_wait(child, &message) == HELPER_MESSAGE) {
        for (unsigned i = 0; i < 4096; i++)
            shared[i] = (uint8_t)(shared[i] * 2);
        helper_child_send(child, message.type, NULL, 0);
    }
    return 0;
}

static int fails(struct helper_child *child, int argc, char **argv)
{
    (void)argc, (void)argv;
    return helper_child_fail(child, "there is no such library; install it");
}

static int dies_at_once(struct helper_child *child, int argc, char **argv)
{
    (void)child, (void)argc, (void)argv;
    return 7;
}

static int dies(struct helper_child *child, int argc, char **argv)
{
    struct helper_message message;
    (void)argc, (void)argv;
    helper_child_ready(child);
    helper_child_wait(child, &message);
    abort();
}

/* Takes nothing, for ever. */
static int stalls(struct helper_child *child, int argc, char **argv)
{
    (void)argc, (void)argv;
    helper_child_ready(child);
    for (;;)
        pause();
    return 0;
}

/* Takes nothing for a while. */
static int dozes(struct helper_child *child, int argc, char **argv)
{
    struct helper_message message;
    (void)argc, (void)argv;
    helper_child_ready(child);
    usleep(200000);
    size_t bytes = 0, count = 0;
    while (helper_child_wait(child, &message) == HELPER_MESSAGE) {
        bytes += message.bytes;
        count++;
        if (message.type == 17) {
            size_t sums[2] = { bytes, count };
            helper_child_send(child, 17, sums, sizeof sums);
        }
    }
    return 0;
}

/* Sends `argument` bytes of 0xFF, which are a header that lies. */
static int lies(struct helper_child *child, int argc, char **argv)
{
    struct helper_message message;
    uint8_t bytes[64];
    memset(bytes, 0xFF, sizeof bytes);
    helper_child_ready(child);
    if (write(helper_child_fd(child), bytes, argc > 1 ? (size_t)atoi(argv[1]) : 0) < 0)
        return 1;
    while (helper_child_wait(child, &message) == HELPER_MESSAGE)
        continue;
    return 0;
}

/* Numbers, as fast as they are taken. */
static int floods(struct helper_child *child, int argc, char **argv)
{
    (void)argc, (void)argv;
    helper_child_ready(child);
    for (uint32_t number = 0; number < 100000; number++)
        if (!helper_child_send(child, 16, &number, sizeof number))
            return 1;
    struct helper_message message;
    while (helper_child_wait(child, &message) == HELPER_MESSAGE)
        continue;
    return 0;
}

/* Writes a byte into the shared memory when it has heard goodbye. */
static int finishes(struct helper_child *child, int argc, char **argv)
{
    struct helper_message message;
    (void)argc, (void)argv;
    uint8_t *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, HELPER_CHILD_SHARED, 0);
    helper_child_ready(child);
    while (helper_child_wait(child, &message) == HELPER_MESSAGE)
        continue;
    usleep(50000);
    shared[0] = 42;
    return 0;
}

int main(int argc, char **argv)
{
    static const struct helper_row rows[] = {
        { "echo", echo },
        { "born", born },
        { "twice", twice },
        { "fails", fails },
        { "at-once", dies_at_once },
        { "dies", dies },
        { "stalls", stalls },
        { "dozes", dozes },
        { "lies", lies },
        { "floods", floods },
        { "finishes", finishes },
    };
    return helper_child_main(rows, VX_ARRAY_LEN(rows), argc - 2, argv + 2);
}
