/* backing.h - host memory for the pmap: one shared file in memory, and sparse zeroed tables. */
#ifndef VX86_MMU_BACKING_H
#define VX86_MMU_BACKING_H

#include "vx86/err.h"

/* A file without a name, `bytes` long, mapped shared, readable and writable at *base, with an inaccessible page
 * before and after. VX_ERR_NO_MEMORY, with errno, when the host refuses. */
VX_MUST_USE vx_err backing_create(uint64_t bytes, int *fd, uint8_t **base);
void backing_destroy(uint64_t bytes, int fd, uint8_t *base);

/* Zeroed memory that takes host memory only where it is touched; NULL, with errno, when the host refuses. */
void *sparse_alloc(size_t bytes);
void sparse_free(void *at, size_t bytes);

#endif
