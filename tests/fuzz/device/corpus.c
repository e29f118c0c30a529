/* corpus.c - see corpus.h. A program's file is named by its content. */
#include "corpus.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { PATH_BYTES = 4096 };

static uint64_t hash(const struct program *program)
{
    const uint8_t *bytes = (const uint8_t *)program->op;
    uint64_t sum = 0xCBF29CE484222325u; /* FNV-1a */
    for (size_t i = 0; i < program->count * sizeof(struct op); i++)
        sum = (sum ^ bytes[i]) * 0x100000001B3u;
    return sum;
}

static void write_file(const struct corpus *corpus, const struct program *program)
{
    char path[PATH_BYTES];
    snprintf(path, sizeof path, "%s/%016llx.ops", corpus->folder, (unsigned long long)hash(program));
    FILE *out = fopen(path, "we");
    if (out == NULL) {
        fprintf(stderr, "vx86-devfuzz: %s: %s\n", path, strerror(errno));
        return;
    }
    program_write(program, out);
    if (fclose(out) != 0)
        fprintf(stderr, "vx86-devfuzz: %s: %s\n", path, strerror(errno));
}

void corpus_add(struct corpus *corpus, const struct program *program)
{
    size_t bytes = offsetof(struct program, op) + program->count * sizeof(struct op);
    if (corpus->count == corpus->capacity) {
        corpus->capacity = corpus->capacity * 2 + 64;
        corpus->programs = realloc(corpus->programs, corpus->capacity * sizeof(struct program *));
        if (corpus->programs == NULL)
            abort();
    }
    struct program *copy = malloc(bytes);
    if (copy == NULL)
        abort();
    memcpy(copy, program, bytes);
    corpus->programs[corpus->count++] = copy;
    corpus->bytes += bytes;
    if (corpus->folder != NULL)
        write_file(corpus, program);
}

bool corpus_each_file(const struct corpus *corpus, void (*fn)(void *opaque, const struct program *program),
                      void *opaque)
{
    static struct program program;
    char path[PATH_BYTES];
    bool good = true;
    DIR *folder = opendir(corpus->folder);
    if (folder == NULL) {
        fprintf(stderr, "vx86-devfuzz: %s: %s\n", corpus->folder, strerror(errno));
        return false;
    }
    for (struct dirent *entry; good && (entry = readdir(folder)) != NULL;) {
        if (strstr(entry->d_name, ".ops") == NULL)
            continue;
        snprintf(path, sizeof path, "%s/%s", corpus->folder, entry->d_name);
        FILE *in = fopen(path, "re");
        good = in != NULL && program_read(&program, in, path);
        if (in != NULL)
            fclose(in);
        if (good)
            fn(opaque, &program);
    }
    closedir(folder);
    return good;
}

void corpus_free(struct corpus *corpus)
{
    for (unsigned i = 0; i < corpus->count; i++)
        free(corpus->programs[i]);
    free(corpus->programs);
}
