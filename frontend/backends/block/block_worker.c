/* block_worker.c - the thread of a medium: requests in, host I/O, completions back to the machine thread.
 *
 *   machine thread: submit() -> queue -> worker: the medium's operation -> vx_loop_post() -> machine thread: done()
 *
 * I1. One queue and one thread a medium: requests are carried out in the order of submission, so a FLUSH finds every
 *     earlier write done and overlapping requests need no further care.
 * I2. A request is touched by the worker only between submit() and its post; after that it is the device's again.
 * I3. The queue is linked through request->backend_private and guarded by `lock`. */
#include "block_medium.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "vx86/thread.h"

enum { OPS = VX_BLOCK_WRITE_ZEROES + 1 }; /* enum vx_block_op */

struct block_worker {
    struct vx_block block;
    struct vx_loop *loop;
    struct medium *medium;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    struct vx_block_request *first, *last; /* I3 */
    bool ending;
    struct vx_log *log;
    uint64_t failed[OPS]; /* by enum vx_block_op; the worker's while it runs */
};

static void completed(struct vx_work *work)
{
    struct vx_block_request *request =
        (struct vx_block_request *)((char *)work - offsetof(struct vx_block_request, work));
    request->done(request);
}

static bool inside_medium(const struct medium *medium, const struct vx_block_request *request)
{
    return request->off_bytes <= medium->bytes && request->bytes <= medium->bytes - request->off_bytes;
}

static vx_err carry_out(struct medium *medium, const struct vx_block_request *request)
{
    if (request->op == VX_BLOCK_FLUSH)
        return medium->ops->flush(medium);
    if (!inside_medium(medium, request))
        return VX_ERR_RANGE;
    if (request->op == VX_BLOCK_READ)
        return medium->ops->read(medium, request->off_bytes, request->buf, request->bytes);
    if (medium->read_only)
        return VX_ERR_ACCESS;
    if (request->op == VX_BLOCK_DISCARD)
        return medium->ops->discard(medium, request->off_bytes, request->bytes);
    if (request->op == VX_BLOCK_WRITE_ZEROES)
        return medium->ops->write_zeroes(medium, request->off_bytes, request->bytes);
    return medium->ops->write(medium, request->off_bytes, request->buf, request->bytes);
}

/* The next request, or NULL when the back end ends and the queue is empty. */
static struct vx_block_request *take(struct block_worker *worker)
{
    pthread_mutex_lock(&worker->lock);
    while (worker->first == NULL && !worker->ending)
        pthread_cond_wait(&worker->wake, &worker->lock);
    struct vx_block_request *request = worker->first;
    if (request != NULL) {
        worker->first = request->backend_private;
        if (worker->first == NULL)
            worker->last = NULL;
    }
    pthread_mutex_unlock(&worker->lock);
    return request;
}

static void *worker_main(void *opaque)
{
    struct block_worker *worker = opaque;
    struct vx_block_request *request;
    while ((request = take(worker)) != NULL) {
        request->result = carry_out(worker->medium, request);
        worker->failed[request->op] += request->result == VX_ERR_IO;
        request->work.fn = completed;
        vx_loop_post(worker->loop, &request->work); /* I2 */
    }
    return NULL;
}

static void submit(void *opaque, struct vx_block_request *request)
{
    struct block_worker *worker = opaque;
    request->backend_private = NULL;
    pthread_mutex_lock(&worker->lock);
    if (worker->last != NULL)
        worker->last->backend_private = request;
    else
        worker->first = request;
    worker->last = request;
    pthread_cond_signal(&worker->wake);
    pthread_mutex_unlock(&worker->lock);
}

/* What the host did not do, and the guest knows: the last word about a medium. */
static void report_failures(const struct block_worker *worker)
{
    static const char *const words[OPS][2] = {
        [VX_BLOCK_READ] = { "read", "reads" },
        [VX_BLOCK_WRITE] = { "write", "writes" },
        [VX_BLOCK_FLUSH] = { "flush", "flushes" },
        [VX_BLOCK_DISCARD] = { "discard", "discards" },
        [VX_BLOCK_WRITE_ZEROES] = { "write of zeros", "writes of zeros" },
    };
    char part[OPS][40];
    unsigned parts = 0;
    for (unsigned op = 0; op < OPS; op++)
        if (worker->failed[op] != 0)
            snprintf(part[parts++], sizeof part[0], "%" PRIu64 " %s", worker->failed[op],
                     words[op][worker->failed[op] != 1]);
    char text[OPS * 48] = "";
    for (unsigned i = 0; i < parts; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s%s",
                 i == 0           ? ""
                 : i + 1 == parts ? " and "
                                  : ", ",
                 part[i]);
    if (parts != 0)
        vx_log_warn(worker->log, VX_LOG_GENERAL, "%s: %s failed, the guest was told: %s", worker->medium->name, text,
                    strerror(worker->medium->reason));
}

static void destroy(void *opaque)
{
    struct block_worker *worker = opaque;
    pthread_mutex_lock(&worker->lock);
    worker->ending = true;
    pthread_cond_signal(&worker->wake);
    pthread_mutex_unlock(&worker->lock);
    pthread_join(worker->thread, NULL);
    pthread_cond_destroy(&worker->wake);
    pthread_mutex_destroy(&worker->lock);
    report_failures(worker);
    worker->medium->ops->close(worker->medium);
    free(worker);
}

static const struct vx_block_ops worker_ops = { .submit = submit, .destroy = destroy };

vx_err block_worker_create(struct vx_log *log, struct vx_loop *loop, struct medium *medium, struct vx_block **out)
{
    struct block_worker *worker = calloc(1, sizeof(*worker));
    if (worker == NULL) {
        vx_log_error(log, VX_LOG_GENERAL, "%s: no memory for this medium", medium->name);
        medium->ops->close(medium);
        return VX_ERR_NO_MEMORY;
    }
    *worker = (struct block_worker){
        .block = { .ops = &worker_ops, .opaque = worker, .bytes = medium->bytes, .read_only = medium->read_only },
        .loop = loop,
        .medium = medium,
        .log = log,
    };
    memcpy(worker->block.name, medium->name, sizeof(worker->block.name));
    pthread_mutex_init(&worker->lock, NULL);
    pthread_cond_init(&worker->wake, NULL);
    vx_err err = vx_thread_start(log, "vx86 disk", worker_main, worker, &worker->thread);
    if (err == VX_ERR_OK) {
        *out = &worker->block;
        return VX_ERR_OK;
    }
    pthread_cond_destroy(&worker->wake);
    pthread_mutex_destroy(&worker->lock);
    free(worker);
    medium->ops->close(medium);
    return err;
}
