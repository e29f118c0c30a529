/* window_host.c - what windows ask of the host: addresses, mappings of the guest's memory, and their rights.
 *
 * Any call may be refused: the address space of the process is limited (RLIMIT_AS), it has all the mappings that it may
 * have (vm.max_map_count), a filter forbids the call. With fail_every each so many-th call is refused, for tests. */
#include <sys/mman.h>
#include <unistd.h>

#include "vx86/host.h"
#include "window_private.h"

#ifndef MAP_NORESERVE
#define MAP_NORESERVE 0
#endif
#ifndef MAP_POPULATE
#define MAP_POPULATE 0
#endif

enum { NOTHING = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE };
/* Of its mappings a process keeps half for everything else. */
enum { LIMIT_MAX = 32000 };

static bool refused(struct windows *ws)
{
    return ws->config.fail_every != 0 && ++ws->calls % ws->config.fail_every == 0;
}

bool host_reserve(struct windows *ws, uint8_t **base)
{
    if (refused(ws))
        return false;
    uint8_t *at = mmap(NULL, VX_WINDOW_BYTES + 2 * VX_WINDOW_GUARD_BYTES, PROT_NONE, NOTHING, -1, 0);
    if (at == MAP_FAILED)
        return false;
    *base = at + VX_WINDOW_GUARD_BYTES;
    return true;
}

void host_release(uint8_t *base)
{
    if (base != NULL)
        munmap(base - VX_WINDOW_GUARD_BYTES, VX_WINDOW_BYTES + 2 * VX_WINDOW_GUARD_BYTES);
}

bool host_map(struct windows *ws, uint8_t *at, uint64_t bytes, uint64_t file_off, bool write, bool populate)
{
    int rights = PROT_READ | (write ? PROT_WRITE : 0), flags = MAP_SHARED | MAP_FIXED | (populate ? MAP_POPULATE : 0);
    return !refused(ws) && mmap(at, bytes, rights, flags, ws->memfd, (off_t)file_off) != MAP_FAILED;
}

bool host_protect(struct windows *ws, uint8_t *at, uint64_t bytes, bool write)
{
    return !refused(ws) && mprotect(at, bytes, PROT_READ | (write ? PROT_WRITE : 0)) == 0;
}

bool host_unmap(struct windows *ws, uint8_t *at, uint64_t bytes)
{
    return !refused(ws) && mmap(at, bytes, PROT_NONE, NOTHING | MAP_FIXED, -1, 0) != MAP_FAILED;
}

uint32_t host_maps_limit(void)
{
    uint64_t half = vx_host_mappings_max() / 2;
    return half < LIMIT_MAX ? (uint32_t)half : LIMIT_MAX;
}

const char *host_lacks(void)
{
    return sysconf(_SC_PAGESIZE) == (long)VX_PAGE_BYTES ? NULL : "its pages are larger than 4 KiB";
}
