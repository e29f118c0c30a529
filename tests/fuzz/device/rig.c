/* rig.c - the PC that device programs run on, and how they are carried out by the bus. See device.h.
 *
 * By the bus there is no processor: what its lines ask for is taken by OP_CPU, and resets are carried out as the
 * machine's loop would. */
#include "rig.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { TIMERS_MAX = 20000, POLL_NS = 2000, ACCESS_MS = 200 };

/* ---- devices at the DMA channels */

static size_t peer_dack(void *opaque, enum dma_direction direction, void *buf, size_t bytes)
{
    struct peer *peer = opaque;
    size_t count = peer->left < bytes ? peer->left - peer->left % peer->width : bytes;
    volatile uint8_t sum = 0;
    VX_ASSERT(bytes % peer->width == 0);
    for (size_t i = 0; i < count; i++)
        if (direction == DMA_FROM_MEMORY)
            sum += ((uint8_t *)buf)[i];
        else
            ((uint8_t *)buf)[i] = (uint8_t)(peer->left - i);
    (void)sum;
    peer->left -= (unsigned)count;
    if (peer->left < peer->width)
        dma_set_dreq(&peer->channel, false);
    return count;
}

static void peer_tc(void *opaque)
{
    struct peer *peer = opaque;
    if (peer->left & 1)
        peer->left = 0;
}

static void attach_peers(struct rig *rig)
{
    for (unsigned i = 0; i < PEERS; i++) {
        struct peer *peer = &rig->peer[i];
        if (i == 0 || i == 2 || i == 4 || i == 1 || i == 5) /* nobody; the floppy controller; the cascade; the SB16 */
            continue;
        peer->width = i < 4 ? 1 : 2;
        peer->channel = i8237_channel(rig->pc->dma, i);
        peer->device = (struct dma_device){ .dack = peer_dack, .tc = peer_tc, .opaque = peer };
        dma_attach(&peer->channel, &peer->device);
    }
}

/* ---- life */

static void must(vx_err err)
{
    if (err != VX_ERR_OK)
        abort();
}

static void make_media(struct rig *rig)
{
    static const uint64_t bytes[DISKS] = { DISK_BYTES, SMALL_DISK_BYTES, CD_BYTES, FLOPPY_BYTES };
    for (unsigned i = 0; i < DISKS; i++) {
        struct fuzz_disk *disk = &rig->disk[i];
        fuzz_disk_init(disk, rig->loop, bytes[i]);
        for (uint64_t at = 0; at < bytes[i]; at += 256)
            disk->bytes[at] = (uint8_t)(at >> 8 ^ i);
        disk->block.read_only = i == 1 || i == 2;
        disk->bad_from = bytes[i] / 4096 * 2048;
        disk->bad_end = disk->bad_from + 2048;
    }
}

struct rig *rig_create(const struct rig_config *config)
{
    struct rig *rig = calloc(1, sizeof *rig);
    if (rig == NULL)
        abort();
    rig->watch = config->watch;
    rig->log = vx_log_create(config->messages);
    must(vx_log_set_filter(rig->log, "guest=debug", NULL)); /* which is to be limited too */
    must(vx_loop_create(rig->log, &rig->loop));
    must(config->guest ? vx_clock_create_counted(20, 0, &rig->clock) : vx_clock_create_fake(&rig->clock));
    make_media(rig);
    rig->serial[0] = fuzz_char();
    rig->display = fuzz_display();
    rig->input = fuzz_input();
    rig->audio = fuzz_audio();
    guest_make_rom(rig->rom);
    struct vx_machine_config machine = {
        .log = rig->log,
        .loop = rig->loop,
        .clock = rig->clock,
        .ram_bytes = RAM_BYTES,
        .engine = config->engine,
        .bt = { .lowering = config->variant == 1 ? VX_LOWERING_AUTO : VX_LOWERING_SOFT,
                .stress = config->variant == 2,
                .stress_seed = 1 },
        .disk = { &rig->disk[0].block, &rig->disk[1].block },
        .cdrom = { [2] = &rig->disk[2].block },
        .floppy = { { .present = true, .disk = &rig->disk[3].block }, { .present = true } },
        .serial = { &rig->serial[0] },
        .debugcon = &rig->serial[0],
        .display = &rig->display,
        .input = &rig->input,
        .audio = &rig->audio,
        .sound = VX_SOUND_SB16 | VX_SOUND_AC97 | VX_SOUND_ES1370,
        .bios = rig->rom,
        .bios_bytes = sizeof rig->rom,
        .vga_bios = rig->rom,
        .vga_bios_bytes = 32768,
        .debug_exit = { { 0xF4, 4 } },
        .pc_testdev = true,
    };
    must(vx_machine_create(&machine, &rig->pc));
    attach_peers(rig);
    card_add(rig->pc, CARD_SLOT);
    card_add(rig->pc, CARD_SLOT + 4); /* shares its line with the first */
    return rig;
}

void rig_destroy(struct rig *rig)
{
    vx_machine_destroy(rig->pc);
    vx_clock_destroy(rig->clock);
    vx_loop_destroy(rig->loop);
    vx_log_destroy(rig->log);
    for (unsigned i = 0; i < DISKS; i++)
        fuzz_disk_fini(&rig->disk[i]);
    free(rig);
}

uint64_t rig_longest_ns(const struct rig *rig)
{
    return rig->longest_ns;
}

/* ---- from outside */

static void serial_input(struct rig *rig, uint32_t value)
{
    uint8_t bytes[255];
    for (unsigned i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)((value >> 16) + i);
    vx_char_receive(&rig->serial[0], bytes, value >> 8 & 0xFF);
}

static void dreq(struct rig *rig, uint32_t value)
{
    struct peer *peer = &rig->peer[value % PEERS];
    if (peer->width == 0)
        return;
    peer->left = value >> 8 & 0xFFFF;
    dma_set_dreq(&peer->channel, peer->left >= peer->width);
}

void rig_host_event(struct rig *rig, enum host_event event, uint32_t value)
{
    struct vx_pointer pointer = {
        .x = (int8_t)value, .y = (int8_t)(value >> 8), .wheel = (int8_t)(value >> 16) / 16, .buttons = value >> 24 & 31
    };
    switch (event) {
    case HOST_KEY: vx_input_key(&rig->input, value & 0x1FF, value >> 31 == 0); break;
    case HOST_POINTER: vx_input_pointer(&rig->input, VX_INPUT_RELATIVE, &pointer); break;
    case HOST_PLACE:
        pointer.x = (int)(value & 0xFFFF) - 1000;
        pointer.y = (int)(value >> 8 & 0xFFFF) - 1000;
        vx_input_pointer(&rig->input, VX_INPUT_ABSOLUTE, &pointer);
        break;
    case HOST_SERIAL: serial_input(rig, value); break;
    case HOST_DREQ: dreq(rig, value); break;
    case HOST_POWER_BUTTON: piix4_pm_press_power_button(rig->pc->pm); break;
    case HOST_REFRESH: vx_display_refresh(&rig->display, 0); break;
    default: break;
    }
}

/* ---- by the bus */

/* Time passes, but not with a million timers. */
static void pass(struct rig *rig, uint64_t ns)
{
    uint64_t end = vx_clock_now_ns(rig->clock) + ns;
    vx_loop_run_posted(rig->loop);
    for (unsigned i = 0; i < TIMERS_MAX; i++) {
        uint64_t now = vx_clock_now_ns(rig->clock), next = vx_clock_next_ns(rig->clock);
        if (next > end) {
            vx_clock_advance(rig->clock, end - now);
            return;
        }
        vx_clock_advance(rig->clock, next > now ? next - now : 0);
    }
}

static void carry_out_requests(struct rig *rig)
{
    struct vx_machine *pc = rig->pc;
    uint32_t pending = pc->pending;
    pc->pending = 0;
    if (pending & PC_REQUEST_RESET) {
        vx_machine_reset(pc);
    } else if (pending & (PC_REQUEST_CPU_RESET | PC_REQUEST_INIT_OF(0))) {
        lapic_init(pc->cpu[0].lapic);
    }
}

static void cpu_event(struct rig *rig, enum cpu_event event, uint32_t value)
{
    struct vx_machine *pc = rig->pc;
    switch (event) {
    case CPU_HALT: pass(rig, 100000); /* fall through */
    case CPU_INTA: lapic_ack(pc->cpu[0].lapic); break;
    case CPU_APIC_BASE: lapic_set_base(pc->cpu[0].lapic, value); break;
    case CPU_FERR: fpu_error_set_ferr(pc->fpu_error, value & 1); break;
    case CPU_SMIACT: i440fx_set_smiact(pc->bridge, value & 1); break;
    default: break;
    }
}

static void string_out(struct rig *rig, const struct op *op)
{
    struct vx_bus *bus = rig->pc->cpu[0].bus;
    size_t done = 0, moved = 1;
    vx_pmap_cpu_read(rig->pc->pmap, 0, op->memory, rig->block, (size_t)op->count * op->size);
    while (done < op->count && moved != 0) {
        moved = vx_bus_write_block(bus, (uint16_t)op->at, op->size, rig->block + done * op->size, op->count - done);
        done += moved;
    }
    for (; done < op->count; done++) {
        uint32_t item = 0;
        memcpy(&item, rig->block + done * op->size, op->size);
        vx_bus_write(bus, VX_SPACE_IO, op->at, op->size, item);
    }
}

static void string_in(struct rig *rig, const struct op *op)
{
    struct vx_bus *bus = rig->pc->cpu[0].bus;
    size_t done = 0, moved = 1;
    while (done < op->count && moved != 0) {
        moved = vx_bus_read_block(bus, (uint16_t)op->at, op->size, rig->block + done * op->size, op->count - done);
        done += moved;
    }
    for (; done < op->count; done++) {
        uint64_t item = vx_bus_read(bus, VX_SPACE_IO, op->at, op->size);
        memcpy(rig->block + done * op->size, &item, op->size);
    }
    vx_pmap_cpu_write(rig->pc->pmap, 0, op->memory, rig->block, (size_t)op->count * op->size);
}

static void poll(struct rig *rig, const struct op *op)
{
    for (unsigned i = 0; i < op->count; i++) {
        uint64_t byte = vx_bus_read(rig->pc->cpu[0].bus, VX_SPACE_IO, op->at, 1);
        if ((byte & op->value >> 8 & 0xFF) == (op->value & 0xFF))
            return;
        pass(rig, POLL_NS);
    }
}

/* An access does not cross a page. */
static uint64_t in_page(const struct op *op)
{
    uint64_t last = (op->at | VX_PAGE_MASK) + 1 - op->size;
    return op->at < last ? op->at : last;
}

/* As a guest has them, whom a device may ask. */
static void set_registers(struct rig *rig, const struct op *op)
{
    uint64_t *gpr = rig->pc->cpu[0].vcpu->gpr;
    gpr[VX_RAX] = op->value;
    gpr[VX_RBX] = op->memory;
    gpr[VX_RCX] = op->count;
}

static bool run_op(struct rig *rig, const struct op *op)
{
    struct vx_bus *bus = rig->pc->cpu[0].bus;
    unsigned port_size = op->size > 4 ? 4 : op->size;
    struct op sized = *op;
    sized.size = (uint8_t)port_size;
    switch (op->kind) {
    case OP_OUT: vx_bus_write(bus, VX_SPACE_IO, op->at & 0xFFFF, port_size, op->value); break;
    case OP_IN:
        set_registers(rig, op);
        vx_bus_read(bus, VX_SPACE_IO, op->at & 0xFFFF, port_size);
        break;
    case OP_OUTS: string_out(rig, &sized); break;
    case OP_INS: string_in(rig, &sized); break;
    case OP_STORE:
        vx_pmap_cpu_store(rig->pc->pmap, 0, in_page(op), op->size, op->value | (uint64_t)op->memory << 32);
        break;
    case OP_LOAD: vx_pmap_cpu_load(rig->pc->pmap, 0, in_page(op), op->size); break;
    case OP_POLL: poll(rig, op); break;
    case OP_PASS: pass(rig, op->value); break;
    case OP_HOST: rig_host_event(rig, op->at, op->value); break;
    case OP_CPU: cpu_event(rig, op->at, op->value); break;
    case OP_ROUND_TRIP: return rig_round_trip(rig);
    default: break;
    }
    carry_out_requests(rig);
    return true;
}

static uint64_t thread_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* An access has its time; where the guest's time passes, timers without number may be due. */
static bool is_short(struct rig *rig, const struct op *op, uint64_t ns)
{
    bool passes = op->kind == OP_PASS || op->kind == OP_POLL || op->kind == OP_CPU || op->kind == OP_ROUND_TRIP;
    if (passes)
        return true;
    if (ns > rig->longest_ns)
        rig->longest_ns = ns;
    if (ns <= ACCESS_MS * FUZZ_SLOWNESS * UINT64_C(1000000))
        return true;
    fprintf(stderr, "an access took %llu ms\n", (unsigned long long)(ns / 1000000));
    return false;
}

bool rig_run(struct rig *rig, const struct program *program)
{
    uint64_t before = thread_ns();
    for (unsigned i = 0; i < program->count; i++) {
        const struct op *op = &program->op[i];
        watch_step(rig->watch);
        cover_step();
        bool good = run_op(rig, op);
        uint64_t after = thread_ns();
        if (!good || !is_short(rig, op, after - before)) {
            fprintf(stderr, "operation %u\n", i);
            return false;
        }
        before = after;
    }
    ide_drain(rig->pc->ide);
    floppy_drain(rig->pc->floppy);
    return true;
}
