/* hostile_machine.c - the PC that a hostile guest gets. See hostile.h. */
#include "hostile.h"

/* ---- back ends */

static void disk_done(struct vx_work *work)
{
    struct vx_block_request *request =
        (struct vx_block_request *)((char *)work - offsetof(struct vx_block_request, work));
    request->done(request);
}

/* What devices ask of a medium must lie inside it: the back end would have to believe them. */
static void disk_submit(void *opaque, struct vx_block_request *request)
{
    struct hostile_disk *disk = opaque;
    if (request->off_bytes > disk->block.bytes || request->bytes > disk->block.bytes - request->off_bytes) {
        fprintf(stderr, "vx86-hostile: a request for %zu bytes at %llu of the medium\n", request->bytes,
                (unsigned long long)request->off_bytes);
        abort();
    }
    request->result = VX_ERR_OK;
    if (request->op == VX_BLOCK_READ)
        memcpy(request->buf, disk->bytes + request->off_bytes, request->bytes);
    else if (request->op == VX_BLOCK_WRITE)
        memcpy(disk->bytes + request->off_bytes, request->buf, request->bytes);
    request->work.fn = disk_done;
    vx_loop_post(disk->loop, &request->work);
}

static void disk_destroy(void *opaque)
{
    (void)opaque;
}

static const struct vx_block_ops disk_ops = { .submit = disk_submit, .destroy = disk_destroy };

static void disk_init(struct hostile_disk *disk, struct vx_loop *loop)
{
    disk->loop = loop;
    disk->bytes = calloc(1, HOSTILE_DISK_BYTES);
    if (disk->bytes == NULL)
        abort();
    disk->block = (struct vx_block){ .ops = &disk_ops, .opaque = disk, .bytes = HOSTILE_DISK_BYTES };
    snprintf(disk->block.name, sizeof disk->block.name, "hostile");
}

static void serial_write(void *opaque, const uint8_t *bytes, size_t count)
{
    (void)opaque, (void)bytes, (void)count;
}

static const struct vx_char_ops serial_ops = { .write = serial_write };

/* The rectangles lie inside the picture, from top to bottom. */
static void check_dirty(const struct vx_update *update)
{
    const struct vx_screen *screen = update->screen;
    unsigned width = screen->pixels != NULL ? screen->width : screen->columns, next = 0;
    unsigned height = screen->pixels != NULL ? screen->height : screen->rows;
    VX_ASSERT(update->head == 0 && update->dirty_count <= VX_MAX_DIRTY);
    for (unsigned i = 0; i < update->dirty_count; i++) {
        const struct vx_rect *rect = &update->dirty[i];
        VX_ASSERT(rect->width != 0 && rect->width <= width && rect->x <= width - rect->width);
        VX_ASSERT(rect->height != 0 && rect->height <= height && rect->y <= height - rect->height && rect->y >= next);
        next = rect->y + rect->height;
    }
}

/* Reads all that it is shown. */
static void display_update(void *opaque, const struct vx_update *update)
{
    const struct vx_screen *screen = update->screen;
    volatile uint32_t sum = 0;
    (void)opaque;
    check_dirty(update);
    for (size_t i = 0; screen->cells != NULL && i < (size_t)screen->columns * screen->rows; i++)
        sum += screen->cells[i].ch;
    for (size_t i = 0; screen->pixels != NULL && i < (size_t)screen->width * screen->height; i++)
        sum += screen->pixels[i];
}

static const struct vx_display_ops display_ops = { .update = display_update };

static void leds(void *opaque, unsigned leds)
{
    (void)opaque;
    VX_ASSERT(leds <= (VX_LED_SCROLL | VX_LED_NUM | VX_LED_CAPS));
}

static const struct vx_input_ops input_ops = { .leds = leds };

/* ---- the machine */

/* After a reset the guest is back in its own memory. */
static void make_rom(struct hostile_machine *m)
{
    static const uint8_t jump[] = { 0xEA, 0, 0, PF_CODE >> 4 & 0xFF, PF_CODE >> 12 };
    memset(m->rom, 0xF4, sizeof m->rom);
    memcpy(m->rom + HOSTILE_ROM_BYTES - 16, jump, sizeof jump);
}

static void must(vx_err err)
{
    if (err != VX_ERR_OK)
        abort();
}

void hostile_machine_create(struct hostile_machine *m, enum vx_engine engine, uint64_t batch, FILE *messages)
{
    static const unsigned tu_max[] = { 0, 1, 128, 0, 4, 0, 0, 16 };
    memset(m, 0, sizeof *m);
    m->log = vx_log_create(messages);
    must(vx_loop_create(m->log, &m->loop));
    must(vx_clock_create_counted(1000, 0, &m->clock));
    for (unsigned i = 0; i < HOSTILE_DISKS; i++)
        disk_init(&m->disk[i], m->loop);
    m->serial.ops = &serial_ops;
    m->display = (struct vx_display){ .ops = &display_ops, .wants_pixels = true };
    m->input = (struct vx_input){ .ops = &input_ops };
    make_rom(m);
    struct vx_machine_config config = {
        .log = m->log,
        .loop = m->loop,
        .clock = m->clock,
        .ram_bytes = HOSTILE_RAM_BYTES,
        .engine = engine,
        .bt = { .verify = true, .tu_max = tu_max[batch % 8], .stress = batch % 3 == 1, .stress_seed = batch },
        .disk = { &m->disk[0].block },
        .cdrom = { [2] = &m->disk[1].block },
        .serial = { &m->serial },
        .debugcon = &m->serial,
        .display = &m->display,
        .input = &m->input,
        .bios = m->rom,
        .bios_bytes = sizeof m->rom,
        .vga_bios = m->rom,
        .vga_bios_bytes = 32768,
        .debug_exit = { { 0xF4, 4 } },
        .pc_testdev = true,
    };
    must(vx_machine_create(&config, &m->machine));
}

void hostile_machine_destroy(struct hostile_machine *m)
{
    vx_machine_destroy(m->machine);
    vx_clock_destroy(m->clock);
    vx_loop_destroy(m->loop);
    vx_log_destroy(m->log);
    for (unsigned i = 0; i < HOSTILE_DISKS; i++)
        free(m->disk[i].bytes);
}

static void stop(void *opaque)
{
    vx_machine_stop(opaque, 0);
}

enum vx_machine_end hostile_machine_run(struct hostile_machine *m, uint64_t insns)
{
    vx_timer_init(m->clock, &m->end, stop, m->machine);
    vx_timer_set(m->clock, &m->end, vx_clock_now_ns(m->clock) + insns);
    enum vx_machine_end end = vx_machine_run(m->machine, NULL);
    vx_timer_set(m->clock, &m->end, VX_NEVER);
    return end;
}
