/* corpus.h - the programs that reached something first: kept in memory, and in a directory if there is one. */
#ifndef VX86_TESTS_FUZZ_DEVICE_CORPUS_H
#define VX86_TESTS_FUZZ_DEVICE_CORPUS_H

#include "device.h"

struct corpus {
    const char *folder; /* NULL: none */
    struct program **programs;
    unsigned count, capacity;
    size_t bytes; /* of the programs */
};

/* Keeps a copy. Aborts when the host lacks memory; a file that cannot be written is told of once. */
void corpus_add(struct corpus *corpus, const struct program *program);
/* Calls fn for each program of the folder. False: one cannot be read, which has been said. */
bool corpus_each_file(const struct corpus *corpus, void (*fn)(void *opaque, const struct program *program),
                      void *opaque);
void corpus_free(struct corpus *corpus);

#endif
