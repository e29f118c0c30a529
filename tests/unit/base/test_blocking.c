/* A thread held up by a pipe comes out when it is prodded, and only then. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "vx86/blocking.h"
#include "vx86/thread.h"

struct reader {
    struct vx_blocking *blocking;
    int fd;
    ssize_t got;
    int reason;
    atomic_bool begun, done;
};

static void *read_one(void *opaque)
{
    struct reader *reader = opaque;
    char byte;
    vx_blocking_enter(reader->blocking);
    atomic_store(&reader->begun, true);
    reader->got = read(reader->fd, &byte, 1);
    reader->reason = errno;
    vx_blocking_leave(reader->blocking);
    atomic_store(&reader->done, true);
    return NULL;
}

Test(blocking, a_read_that_waits_is_interrupted, .timeout = 20)
{
    static struct reader reader;
    int ends[2];
    char name[16];
    pthread_t thread;
    struct vx_log *log = vx_log_create(stderr);
    cr_assert_eq(pipe(ends), 0);
    cr_assert_eq(vx_blocking_create(&reader.blocking), VX_ERR_OK);
    reader.fd = ends[0];
    cr_assert_eq(vx_thread_start(log, "a name", read_one, &reader, &thread), VX_ERR_OK);
    while (!atomic_load(&reader.begun))
        usleep(1000);
    cr_assert_eq(pthread_getname_np(thread, name, sizeof name), 0); /* it has named itself before it began */
    cr_assert_str_eq(name, "a name");
    pthread_kill(thread, VX_BLOCKING_SIGNAL); /* from elsewhere: nothing happens */
    usleep(50000);
    cr_assert(!atomic_load(&reader.done) && !vx_blocking_ending(reader.blocking));
    while (!atomic_load(&reader.done)) {
        vx_blocking_prod(reader.blocking);
        usleep(1000);
    }
    cr_assert_eq(pthread_join(thread, NULL), 0);
    cr_assert(reader.got == -1 && reader.reason == EINTR && vx_blocking_ending(reader.blocking));
    vx_blocking_prod(reader.blocking); /* nobody is inside */
    vx_blocking_destroy(reader.blocking);
    vx_log_destroy(log);
}

Test(blocking, none_is_allowed)
{
    vx_blocking_enter(NULL);
    vx_blocking_leave(NULL);
    vx_blocking_prod(NULL);
    vx_blocking_destroy(NULL);
    cr_assert(!vx_blocking_ending(NULL));
}
