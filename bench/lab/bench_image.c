/* bench_image.c - files without names. */
#include "bench_image.h"

#include <stdlib.h>
#include <unistd.h>

#include "vx86/host.h"

int bench_file(const void *bytes, size_t count, char path[VX_BENCH_PATH_CHARS])
{
    int fd = vx_host_unnamed_file("vx86-bench", 0, VX_HOST_FILE_WRITTEN | VX_HOST_FILE_INHERITED);
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
