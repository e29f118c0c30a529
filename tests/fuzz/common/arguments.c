/* arguments.c - numbers and notes. */
#include "arguments.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

bool arguments_number(const char *program, const char *option, const char *text, uint64_t *value)
{
    char *end;
    *value = strtoull(text, &end, 0);
    if (*text >= '0' && *text <= '9' && *end == '\0')
        return true;
    fprintf(stderr, "%s: --%s wants a number, not '%s'\n", program, option, text);
    return false;
}

void *arguments_note(const char *program, const char *path, size_t bytes, FILE **messages)
{
    char log[4096];
    snprintf(log, sizeof log, "%s.log", path);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    *messages = fopen(log, "we");
    void *note = MAP_FAILED;
    if (fd >= 0 && *messages != NULL && ftruncate(fd, (off_t)bytes) == 0)
        note = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (note == MAP_FAILED)
        fprintf(stderr, "%s: %s: %s\n", program, path, strerror(errno));
    else
        setvbuf(*messages, NULL, _IONBF, 0);
    if (fd >= 0)
        close(fd);
    return note != MAP_FAILED ? note : NULL;
}
