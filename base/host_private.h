/* host_private.h - what base/host_<system>.c gives to base/host.c. */
#ifndef VX86_BASE_HOST_PRIVATE_H
#define VX86_BASE_HOST_PRIVATE_H

#include <stdio.h>
#include <time.h>

#include "vx86/host.h"

/* Bytes that one of rusage.ru_maxrss stands for. */
extern const uint64_t host_maxrss_unit;

struct timespec host_timespec(uint64_t ns);
void host_cond_wait_timed(pthread_cond_t *cond, pthread_mutex_t *mutex, uint64_t deadline_ns);
/* The calling thread's. */
void host_name_thread(const char *name);

/* An empty file without a name for that use, by the way-th means that the host has, the best one first; -1 where that
 * fails. */
enum { HOST_UNNAMED_WAYS = 4 };
int host_unnamed_file(const char *name, unsigned way, unsigned use);
/* Sees to it that the file's bytes have room where it lies; false with errno. Not needed for the first means. */
bool host_make_room(int fd, uint64_t bytes);
/* One of them, in a folder that exists. */
int host_temporary_file(const char *folder);

/* Both views out of a shared mapping: code->bytes is set. */
bool host_code_from_file(struct vx_host_code *code, const char **why);

#endif
