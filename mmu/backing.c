/* backing.c - see backing.h. The only place of mmu/ that asks the host for memory by the page. */
#include "backing.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "vx86/host.h"

#ifndef MAP_NORESERVE
#define MAP_NORESERVE 0
#endif

/* Host pages may be larger than the guest's (16 or 64 KiB on aarch64): a guard of this size fits all. */
#define GUARD_BYTES 65536u

static uint64_t whole_guards(uint64_t bytes)
{
    return (bytes + GUARD_BYTES - 1) & ~(uint64_t)(GUARD_BYTES - 1);
}

vx_err backing_create(uint64_t bytes, int *fd, uint8_t **base)
{
    int reason;
    uint64_t file_bytes = whole_guards(bytes);
    int file = vx_host_unnamed_file("vx86 guest memory", file_bytes, 0);
    if (file < 0)
        return VX_ERR_NO_MEMORY;
    uint8_t *reserved = vx_host_reserve(GUARD_BYTES, file_bytes, GUARD_BYTES);
    if (reserved == NULL)
        goto close_file;
    void *mapped = mmap(reserved, file_bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, file, 0);
    if (mapped == MAP_FAILED)
        goto unmap;
    vx_host_ask_huge_pages(mapped, file_bytes);
    *fd = file;
    *base = mapped;
    return VX_ERR_OK;

unmap:
    reason = errno;
    munmap(reserved - GUARD_BYTES, file_bytes + 2 * GUARD_BYTES);
    errno = reason;
close_file:
    reason = errno;
    close(file);
    errno = reason;
    return VX_ERR_NO_MEMORY;
}

void backing_destroy(uint64_t bytes, int fd, uint8_t *base)
{
    munmap(base - GUARD_BYTES, whole_guards(bytes) + 2 * GUARD_BYTES);
    close(fd);
}

void *sparse_alloc(size_t bytes)
{
    void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return at == MAP_FAILED ? NULL : at;
}

void sparse_free(void *at, size_t bytes)
{
    if (at != NULL)
        munmap(at, bytes);
}
