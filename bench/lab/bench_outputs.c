/* bench_outputs.c - reports in files. See bench_outputs.h. */
#include "bench_outputs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool bench_outputs_init(struct bench_outputs *outputs)
{
    *outputs = (struct bench_outputs){ .count = 0 };
    return vx_files_create(&outputs->files) == VX_ERR_OK;
}

void bench_outputs_spare(struct bench_outputs *outputs, const char *path)
{
    int fd = path != NULL ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (fd < 0)
        return;
    const char *taken = vx_files_claim(outputs->files, fd, VX_FILE_READ, "disk image");
    (void)taken; /* nothing is written yet */
    close(fd);
}

bool bench_outputs_add(struct bench_outputs *outputs, const char *path,
                       void (*print)(FILE *out, const struct bench_report *report),
                       char error[VX_BENCH_COMPLAINT_CHARS])
{
    struct vx_why why;
    struct stat st;
    if (path == NULL)
        return true;
    VX_ASSERT(outputs->count < VX_BENCH_OUTPUTS_MAX);
    int fd = vx_files_open_output(outputs->files, VX_FILE_ANYWHERE, path, "another report", &why);
    if (fd < 0) {
        snprintf(error, VX_BENCH_COMPLAINT_CHARS, "bench: %s: %s; name another file", path, why.text);
        return false;
    }
    outputs->output[outputs->count++] = (struct bench_output){
        .path = path, .print = print, .fd = fd, .rewinds = fstat(fd, &st) == 0 && S_ISREG(st.st_mode)
    };
    return true;
}

static bool write_all(int fd, const char *bytes, size_t count)
{
    while (count != 0) {
        ssize_t done = write(fd, bytes, count);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return false;
        bytes += done;
        count -= (size_t)done;
    }
    return true;
}

/* The text is complete before the file changes. */
static bool write_one(const struct bench_output *output, const struct bench_report *report)
{
    char *text = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&text, &bytes);
    if (out == NULL)
        return false;
    output->print(out, report);
    bool good = fclose(out) == 0;
    if (good && output->rewinds)
        good = lseek(output->fd, 0, SEEK_SET) == 0;
    good = good && write_all(output->fd, text, bytes);
    if (good && output->rewinds)
        good = ftruncate(output->fd, (off_t)bytes) == 0;
    free(text);
    return good;
}

bool bench_outputs_write(struct bench_outputs *outputs, const struct bench_report *report, bool last,
                         char error[VX_BENCH_COMPLAINT_CHARS])
{
    bool good = true;
    for (unsigned i = 0; i < outputs->count; i++) {
        if ((!last && !outputs->output[i].rewinds) || write_one(&outputs->output[i], report))
            continue;
        snprintf(error, VX_BENCH_COMPLAINT_CHARS, "bench: %s: could not be written: %s", outputs->output[i].path,
                 strerror(errno));
        good = false;
    }
    return good;
}

void bench_outputs_fini(struct bench_outputs *outputs)
{
    for (unsigned i = 0; i < outputs->count; i++)
        close(outputs->output[i].fd);
    vx_files_destroy(outputs->files);
}
