/* bench_image.c - files without names. */
#include "bench_image.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static int unnamed_file(void)
{
#ifdef __linux__
    return memfd_create("vx86-bench", 0);
#else
    char name[] = "/tmp/vx86-bench-XXXXXX";
    int fd = mkstemp(name);
    if (fd >= 0)
        unlink(name);
    return fd;
#endif
}

int bench_file(const void *bytes, size_t count, char path[VX_BENCH_PATH_CHARS])
{
    int fd = unnamed_file();
    if (fd >= 0 && write(fd, bytes, count) != (ssize_t)count) {
        close(fd);
        fd = -1;
    }
    snprintf(path, VX_BENCH_PATH_CHARS, "/dev/fd/%d", fd);
    return fd;
}

int bench_disk(const struct bench_run *run, char path[VX_BENCH_PATH_CHARS])
{
    const char *name = run->workload->power_on ? "nothing" : run->workload->name;
    char command_line[64];
    uint8_t *image = malloc(VX_LAB_DISK_BYTES);
    if (image == NULL)
        return -1;
    snprintf(command_line, sizeof command_line, "lab %s %u", name, (unsigned)run->units);
    lab_disk(command_line, image);
    int fd = bench_file(image, VX_LAB_DISK_BYTES, path);
    free(image);
    return fd;
}
