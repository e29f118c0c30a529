/* pc_testdev.c - storage, interrupt lines and page flushes for test kernels. See pc_testdev.h. */
#include "pc_testdev.h"

#include <stdlib.h>
#include <string.h>

enum { PORT_DATA = 0xE0, PORT_FLUSH = 0xE4, PORT_DATA_BYTES = 0xE8, PORT_LINES = 0x2000 };
enum { DATA_BYTES = 4, MEMORY_BYTES = 0x10000 };
#define MEMORY_PHYS 0xFF000000u

struct pc_testdev {
    struct vx_bus *bus;
    struct vx_pmap *pmap;
    struct vx_irq line[PC_TESTDEV_LINES];
    struct vx_region regions[5];
    uint8_t data[DATA_BYTES];
    uint8_t memory[MEMORY_BYTES];
};

/* What the bus hands over does not leave the region: off + size is at most its size. */
static uint64_t get(const uint8_t *at, unsigned size)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < size; i++)
        value |= (uint64_t)at[i] << (8 * i);
    return value;
}

static void put(uint8_t *at, unsigned size, uint64_t value)
{
    for (unsigned i = 0; i < size; i++)
        at[i] = (uint8_t)(value >> (8 * i));
}

static uint64_t data_read(void *opaque, uint64_t off, unsigned size)
{
    return get(((struct pc_testdev *)opaque)->data + off, size);
}

static void data_write(void *opaque, uint64_t off, unsigned size, uint64_t value)
{
    put(((struct pc_testdev *)opaque)->data + off, size, value);
}

static uint64_t memory_read(void *opaque, uint64_t off, unsigned size)
{
    return get(((struct pc_testdev *)opaque)->memory + off, size);
}

static uint64_t memory_peek(const void *opaque, uint64_t off, unsigned size)
{
    return get(((const struct pc_testdev *)opaque)->memory + off, size);
}

static bool memory_poke(void *opaque, uint64_t off, uint8_t value)
{
    ((struct pc_testdev *)opaque)->memory[off] = value;
    return true;
}

static void memory_write(void *opaque, uint64_t off, unsigned size, uint64_t value)
{
    put(((struct pc_testdev *)opaque)->memory + off, size, value);
}

static void line_write(void *opaque, uint64_t off, unsigned size, uint64_t value)
{
    (void)size;
    vx_irq_set(&((struct pc_testdev *)opaque)->line[off], value != 0);
}

static void flush_write(void *opaque, uint64_t off, unsigned size, uint64_t value)
{
    if (off == 0 && size == 4)
        vx_pmap_forget(((struct pc_testdev *)opaque)->pmap, value);
}

static void testdev_reset(void *instance, enum reset phase)
{
    struct pc_testdev *chip = instance;
    if (phase == VX_RESET_RELEASE)
        for (unsigned i = 0; i < PC_TESTDEV_LINES; i++)
            vx_irq_lower(&chip->line[i]);
}

static void testdev_destroy(void *instance)
{
    struct pc_testdev *chip = instance;
    if (chip == NULL)
        return;
    bus_remove_all(chip->bus, chip->regions, VX_ARRAY_LEN(chip->regions));
    free(chip);
}

static void set_regions(struct pc_testdev *chip)
{
    chip->regions[0] = (struct vx_region){ .name = "pc-testdev data",
                                           .base = PORT_DATA,
                                           .size = DATA_BYTES,
                                           .max_size = 4,
                                           .read = data_read,
                                           .write = data_write };
    chip->regions[1] = (struct vx_region){ .name = "pc-testdev data by bytes",
                                           .base = PORT_DATA_BYTES,
                                           .size = DATA_BYTES,
                                           .max_size = 1,
                                           .read = data_read,
                                           .write = data_write };
    chip->regions[2] = (struct vx_region){
        .name = "pc-testdev flush", .base = PORT_FLUSH, .size = 4, .max_size = 4, .write = flush_write
    };
    chip->regions[3] = (struct vx_region){
        .name = "pc-testdev lines", .base = PORT_LINES, .size = PC_TESTDEV_LINES, .max_size = 1, .write = line_write
    };
    chip->regions[4] = (struct vx_region){ .name = "pc-testdev memory",
                                           .space = VX_SPACE_MEMORY,
                                           .base = MEMORY_PHYS,
                                           .size = MEMORY_BYTES,
                                           .max_size = 8,
                                           .read = memory_read,
                                           .write = memory_write,
                                           .peek = memory_peek,
                                           .is_memory = true,
                                           .poke = memory_poke };
    for (unsigned i = 0; i < VX_ARRAY_LEN(chip->regions); i++)
        chip->regions[i].opaque = chip;
}

vx_err pc_testdev_create(const struct pc_testdev_config *config, struct pc_testdev **out)
{
    struct pc_testdev *chip = calloc(1, sizeof *chip);
    if (chip == NULL)
        return VX_ERR_NO_MEMORY;
    chip->bus = config->bus;
    chip->pmap = config->pmap;
    memcpy(chip->line, config->line, sizeof chip->line);
    set_regions(chip);
    vx_err err = bus_add_all(chip->bus, chip->regions, VX_ARRAY_LEN(chip->regions));
    if (err != VX_ERR_OK) {
        free(chip);
        return err;
    }
    *out = chip;
    return VX_ERR_OK;
}

static const struct state_field fields[] = {
    FIELD(struct pc_testdev, data),
    FIELD(struct pc_testdev, memory),
    WIRES(struct pc_testdev, bus, pmap, line, regions),
};
static const struct state_table state = STATE_TABLE(struct pc_testdev, fields, NULL);

const struct device_type pc_testdev_type = {
    .name = "pc-testdev",
    .version = 1,
    .state = &state,
    .reset = testdev_reset,
    .destroy = testdev_destroy,
};
