/* collect.h - a sink that keeps what the firmware builder adds, for its tests. */
#ifndef VX86_TEST_FIRMWARE_COLLECT_H
#define VX86_TEST_FIRMWARE_COLLECT_H

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "parts.h"

enum { COLLECT_MAX = 48 };

struct collected {
    char name[56]; /* "" for an item */
    uint16_t key;
    uint8_t *data;
    size_t bytes;
};

struct collect {
    struct vx_log *log;
    struct vx_fw_sink sink;
    struct collected entry[COLLECT_MAX];
    unsigned count;
};

static inline struct collected *collect_new(struct collect *collect, const void *data, size_t bytes)
{
    cr_assert_lt(collect->count, COLLECT_MAX);
    struct collected *entry = &collect->entry[collect->count++];
    entry->data = malloc(bytes + 1);
    memcpy(entry->data, data, bytes);
    entry->data[bytes] = 0;
    entry->bytes = bytes;
    return entry;
}

static inline void collect_item(void *opaque, uint16_t key, const void *data, size_t bytes)
{
    collect_new(opaque, data, bytes)->key = key;
}

static inline void collect_file(void *opaque, const char *name, const void *data, size_t bytes)
{
    strcpy(collect_new(opaque, data, bytes)->name, name);
}

static inline void collect_init(struct collect *collect)
{
    memset(collect, 0, sizeof *collect);
    collect->log = vx_log_create(stderr);
    collect->sink = (struct vx_fw_sink){ collect_item, collect_file, collect };
}

static inline void collect_fini(struct collect *collect)
{
    for (unsigned i = 0; i < collect->count; i++)
        free(collect->entry[i].data);
    vx_log_destroy(collect->log);
}

static inline const struct collected *find_file(const struct collect *collect, const char *name)
{
    for (unsigned i = 0; i < collect->count; i++)
        if (strcmp(collect->entry[i].name, name) == 0)
            return &collect->entry[i];
    return NULL;
}

static inline const struct collected *find_item(const struct collect *collect, uint16_t key)
{
    for (unsigned i = 0; i < collect->count; i++)
        if (collect->entry[i].name[0] == '\0' && collect->entry[i].key == key)
            return &collect->entry[i];
    return NULL;
}

static inline uint32_t item_u32(const struct collect *collect, uint16_t key)
{
    const struct collected *item = find_item(collect, key);
    cr_assert(item != NULL && item->bytes == 4, "item %02x", key);
    return vx_get_le32(item->data);
}

#endif
