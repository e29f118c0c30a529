/* hostile_program.c - guests that mean harm: privileged programs with bytes changed, noise as code or tables, storms of
 * port, MMIO and DMA accesses. See hostile.h. */
#include "gen.h"
#include "hostile.h"

/* ---- noise */

static void noise(struct world *w, uint32_t at, uint32_t bytes, struct rng *rng)
{
    for (uint32_t i = 0; i + 8 <= bytes; i += 8)
        world_put64(w, at + i, rng_next(rng));
}

/* A bit, a byte or a few bytes, here and there. */
static void mutate(struct world *w, uint32_t at, uint32_t bytes, unsigned count, struct rng *rng)
{
    for (unsigned i = 0; i < count; i++) {
        uint32_t off = at + rng_below(rng, bytes - 8);
        switch (rng_below(rng, 3)) {
        case 0: w->image[off] ^= (uint8_t)(1u << rng_below(rng, 8)); break;
        case 1: w->image[off] = (uint8_t)rng_next(rng); break;
        default: world_put32(w, off, (uint32_t)rng_next(rng)); break;
        }
    }
}

static void spoil_tables(struct world *w, struct rng *rng)
{
    static const struct {
        uint32_t at, bytes;
    } parts[] = {
        { PF_GDT, 6 * PF_GDT_BYTES },
        { PF_LDT, 256 },
        { PF_IDT, 0x400 },
        { PF_TSS, 0xA00 },
        { PF_ROOT_A, 0x2000 },
        { PF_ROOT_B, 0x2000 },
        { PF_ROOT_PAE_A, 0x6000 },
        { PF_BLOCKS, 6 * PF_BLOCK_STEP },
        { 0, 0x400 },
    };
    for (unsigned i = 0; i < VX_ARRAY_LEN(parts); i++) {
        if (one_in(rng, 3))
            mutate(w, parts[i].at, parts[i].bytes, 1 + rng_below(rng, 40), rng);
        if (one_in(rng, 12))
            noise(w, parts[i].at, parts[i].bytes, rng);
    }
}

/* ---- storms: 32-bit code in flat ring 0 without paging */

struct storm {
    struct world *world;
    struct rng *rng;
    const struct vx_region *region[256];
    unsigned regions;
    uint32_t at;
};

static void collect(void *opaque, const struct vx_region *region)
{
    struct storm *s = opaque;
    if (s->regions < VX_ARRAY_LEN(s->region) && region->size != 0)
        s->region[s->regions++] = region;
}

static void byte(struct storm *s, unsigned value)
{
    s->world->image[s->at++] = (uint8_t)value;
}

static void load(struct storm *s, unsigned reg, uint32_t value)
{
    byte(s, 0xB8 + reg);
    world_put32(s->world, s->at, value);
    s->at += 4;
}

/* Values that mean something somewhere are likelier than noise. */
static uint32_t likely(struct storm *s)
{
    static const uint32_t values[] = { 0,     1,    0xFF,    0xFFFFFFFF, 0x80000000, 0xFEE00000, 0xE0000000,
                                       0x600, 0x11, 0x34,    0x36,       0xB6,       0xC8,       0xCA,
                                       0x20,  0xEC, PF_DATA, 0xA0000,    0xFFFF,     0x25,       0x35,
                                       0xA0,  0xEF, 0x2A,    0x01000000, 0x02000000, 0x1A,       0x08000000 };
    return one_in(s->rng, 2) ? values[rng_below(s->rng, VX_ARRAY_LEN(values))] : (uint32_t)rng_next(s->rng);
}

static uint32_t memory(struct storm *s)
{
    switch (rng_below(s->rng, 4)) {
    case 0: return 0xA0000 + rng_below(s->rng, 0x60000);
    case 1: return (uint32_t)rng_next(s->rng);
    case 2: return HOSTILE_RAM_BYTES - rng_below(s->rng, 0x1000);
    default: return PF_DATA + rng_below(s->rng, 0x10000);
    }
}

/* IN or OUT, of any size, once or with REP. */
static void port_access(struct storm *s, uint16_t port)
{
    bool rep = one_in(s->rng, 8);
    unsigned kind = rng_below(s->rng, 3);
    load(s, VX_RDX, port);
    load(s, VX_RAX, likely(s));
    if (rep) {
        load(s, VX_RCX, one_in(s->rng, 16) ? likely(s) : rng_below(s->rng, 0x900));
        load(s, one_in(s->rng, 2) ? VX_RDI : VX_RSI, memory(s));
        byte(s, 0xF3);
    }
    if (kind == 1)
        byte(s, 0x66);
    unsigned out = one_in(s->rng, 3) ? 0 : 2, wide = kind != 0;
    byte(s, (rep ? 0x6C : 0xEC) + out + wide);
}

static void mmio_access(struct storm *s, uint32_t lin)
{
    bool store = !one_in(s->rng, 3);
    load(s, VX_RAX, likely(s));
    if (one_in(s->rng, 4))
        byte(s, 0x66);
    byte(s, (store ? 0xA2 : 0xA0) + (one_in(s->rng, 3) ? 0u : 1u));
    world_put32(s->world, s->at, lin);
    s->at += 4;
}

static void config_access(struct storm *s)
{
    static const uint32_t functions[] = { 0x0000, 0x0800, 0x0900, 0x0B00, 0x1000, 0x1800 };
    uint32_t address = functions[rng_below(s->rng, VX_ARRAY_LEN(functions))] | rng_below(s->rng, 64) * 4;
    load(s, VX_RDX, 0xCF8);
    load(s, VX_RAX, 0x80000000u | address);
    byte(s, 0xEF);
    port_access(s, (uint16_t)(0xCFC + (one_in(s->rng, 4) ? rng_below(s->rng, 4) : 0)));
}

/* fw_cfg's DMA: a descriptor (control, length, address; big-endian) anywhere, and its address to ports 514h and 518h.
 * */
static void fw_cfg_dma(struct storm *s)
{
    uint32_t at = PF_DATA + rng_below(s->rng, 0x8000),
             length = one_in(s->rng, 3) ? likely(s) : rng_below(s->rng, 0x4000);
    world_put32(s->world, at, __builtin_bswap32(rng_below(s->rng, 64) | rng_below(s->rng, 64) << 16));
    world_put32(s->world, at + 4, __builtin_bswap32(length));
    world_put32(s->world, at + 8, one_in(s->rng, 8) ? (uint32_t)rng_next(s->rng) : 0);
    world_put32(s->world, at + 12, __builtin_bswap32(memory(s)));
    load(s, VX_RDX, 0x514);
    load(s, VX_RAX, one_in(s->rng, 8) ? (uint32_t)rng_next(s->rng) : 0);
    byte(s, 0xEF);
    load(s, VX_RDX, 0x518);
    load(s, VX_RAX, __builtin_bswap32(at));
    byte(s, 0xEF);
}

/* The IDE bus master's table, at the address it has after a reset of the firmware's making or wherever BAR 4 is now. */
static void prd_table(struct storm *s)
{
    uint32_t at = PF_DATA + 4 * rng_below(s->rng, 0x3000);
    for (unsigned i = 0; i < 8; i++)
        world_put64(s->world, at + 8 * i, (uint64_t)likely(s) << 32 | memory(s));
    load(s, VX_RDX, 0xC004 + (one_in(s->rng, 2) ? 8u : 0));
    load(s, VX_RAX, at);
    byte(s, 0xEF);
}

static void one_step(struct storm *s)
{
    const struct vx_region *region = s->region[rng_below(s->rng, s->regions)];
    uint32_t place = (uint32_t)(region->base + rng_next(s->rng) % region->size);
    switch (rng_below(s->rng, 12)) {
    case 0: config_access(s); break;
    case 1: fw_cfg_dma(s); break;
    case 2: prd_table(s); break;
    case 3: mmio_access(s, memory(s)); break;
    case 4: byte(s, one_in(s->rng, 2) ? 0xFB : 0xFA); break; /* STI, CLI */
    case 5:
        port_access(s, (uint16_t)(one_in(s->rng, 2) ? 0x1F0 + rng_below(s->rng, 8) : 0xC000 + rng_below(s->rng, 16)));
        break;
    default:
        if (region->space == VX_SPACE_IO)
            port_access(s, (uint16_t)place);
        else
            mmio_access(s, place);
        break;
    }
}

/* The dispatcher finds the storm in flat ring 0 in its first block's place, and comes back when the storm runs to its
 * end. */
static void make_storm(struct world *w, struct vx_machine *machine, struct rng *rng)
{
    struct storm s = { .world = w, .rng = rng, .at = PF_CODE };
    vx_bus_each(vx_machine_bus(machine), collect, &s);
    while (s.at < PF_CODE + PF_CODE_BYTES - 64)
        one_step(&s);
    byte(&s, 0xE9); /* JMP to the beginning */
    world_put32(w, s.at, PF_CODE - s.at - 4);
    uint32_t row = PF_BLOCKS;
    world_put32(w, row + B_CR0, VX_CR0_PE | VX_CR0_ET | VX_CR0_NE);
    world_put32(w, row + B_KIND, 0);
    world_put32(w, row + B_EIP, PF_CODE);
    world_put32(w, row + B_CS, SEL_CODE0);
    world_put32(w, row + B_ESP, PF_STACK + 0x8000);
    world_put32(w, row + B_SS, SEL_DATA0);
    world_put64(w, row + B_ES, SEL_DATA0 * 0x0001000100010001ull);
    memset(w->image + V_ORDER, 0, PF_TURNS);
}

/* ---- */

static bool writes_devices(const struct rng *rng)
{
    return (rng->state >> 20) % 3 == 0;
}

void hostile_program_load(struct hostile_program *program, struct hostile_machine *m, uint64_t seed, uint64_t number)
{
    struct rng rng = rng_seeded((seed << 32) + number);
    struct world *w = program->world;
    struct vx_machine *machine = m->machine;
    struct rig rig = { .pmap = vx_machine_pmap(machine), .vcpu = vx_machine_vcpu(machine) };
    pf_program_make(&program->privileged, seed + 0x10000, number);
    pf_world_build(w, &program->privileged, UINT32_MAX);
    if (writes_devices(&rng))
        make_storm(w, machine, &rng);
    else if (one_in(&rng, 3))
        noise(w, PF_CODE, PF_CODE_BYTES, &rng);
    else
        mutate(w, PF_CODE, PF_CODE_BYTES, rng_below(&rng, 400), &rng);
    if (one_in(&rng, 2))
        spoil_tables(w, &rng);
    if (one_in(&rng, 8))
        mutate(w, PF_HANDLERS, 0x2000, rng_below(&rng, 60), &rng);
    vx_machine_reset(machine);
    pf_world_start(w, &rig, &program->privileged);
    vx_vcpu_raise(rig.vcpu, VX_ATTN_WORK);
}
