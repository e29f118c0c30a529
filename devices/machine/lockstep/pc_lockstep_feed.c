/* pc_lockstep_feed.c - the list behind lockstep: accesses and news, in the leader's order. */
#include "pc_lockstep_feed.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

void feed_init(struct feed *feed)
{
    *feed = (struct feed){ 0 };
}

void feed_fini(struct feed *feed)
{
    free(feed->entry);
    free(feed->bytes);
}

void feed_clear(struct feed *feed)
{
    VX_ASSERT(feed->next == feed->count);
    feed->next = feed->count = 0;
    feed->bytes_used = 0;
}

static void *grown(void *old, size_t *capacity, size_t needed, size_t unit)
{
    if (needed <= *capacity)
        return old;
    *capacity = needed * 2;
    void *grown_to = realloc(old, *capacity * unit);
    VX_ASSERT(grown_to != NULL); /* a run of the leader makes some thousands of accesses at most */
    return grown_to;
}

size_t feed_add(struct feed *feed, enum feed_kind kind, uint64_t where, unsigned size, uint64_t value)
{
    feed->entry = grown(feed->entry, &feed->capacity, feed->count + 1, sizeof *feed->entry);
    feed->entry[feed->count] =
        (struct feed_entry){ .kind = (uint8_t)kind, .size = (uint8_t)size, .where = where, .value = value };
    return feed->count++;
}

void feed_drop(struct feed *feed, size_t at)
{
    VX_ASSERT(at + 1 == feed->count); /* a chip that refuses a block has done nothing else */
    feed->count--;
}

void feed_set_items(struct feed *feed, size_t at, const void *data, size_t bytes, uint32_t count)
{
    struct feed_entry *entry = &feed->entry[at];
    feed->bytes = grown(feed->bytes, &feed->bytes_capacity, feed->bytes_used + bytes, 1);
    memcpy(feed->bytes + feed->bytes_used, data, bytes);
    entry->data = feed->bytes_used;
    entry->count = count;
    feed->bytes_used += bytes;
}

static const struct feed_entry *next_entry(const struct feed *feed)
{
    return feed->next < feed->count ? &feed->entry[feed->next] : NULL;
}

const struct feed_entry *feed_news(const struct feed *feed)
{
    const struct feed_entry *entry = next_entry(feed);
    return entry != NULL && entry->kind >= FEED_MAP ? entry : NULL;
}

void feed_pass(struct feed *feed)
{
    feed->next++;
    feed->item = 0;
}

const struct feed_entry *feed_match(const struct feed *feed, enum feed_kind kind, uint64_t where, unsigned size)
{
    const struct feed_entry *entry = next_entry(feed);
    bool same = entry != NULL && entry->kind == kind && entry->where == where && entry->size == size;
    return same ? entry : NULL;
}

const uint8_t *feed_items(const struct feed *feed, size_t max, size_t *n)
{
    const struct feed_entry *entry = next_entry(feed);
    size_t left = entry->count - feed->item;
    *n = left < max ? left : max;
    return feed->bytes + entry->data + (size_t)feed->item * entry->size;
}

void feed_took(struct feed *feed, size_t n)
{
    feed->item += (uint32_t)n;
    if (feed->item == feed->entry[feed->next].count)
        feed_pass(feed);
}

void feed_describe(const struct feed_entry *entry, char *text, size_t bytes)
{
    static const char *const names[] = { "read of port",
                                         "write to port",
                                         "read of memory",
                                         "write to memory",
                                         "input of the CPU",
                                         "INTA",
                                         "IA32_APIC_BASE",
                                         "write to IA32_TSC_DEADLINE",
                                         "FERR#",
                                         "SMIACT#",
                                         "mapping",
                                         "A20",
                                         "bytes from a device",
                                         "INTR",
                                         "NMI",
                                         "SMI",
                                         "reset",
                                         "register set by a device" };
    if (entry == NULL)
        snprintf(text, bytes, "nothing");
    else if (entry->kind <= FEED_MMIO_WRITE)
        snprintf(text, bytes, "%s %" PRIX64 "h, %u bytes", names[entry->kind], entry->where, entry->size);
    else
        snprintf(text, bytes, "%s", names[entry->kind]);
}
