/* test_uart16550.c - the 16550A: register scripts under a fake clock and a back end of known bytes. */
#include <criterion/criterion.h>
#include <string.h>

#include "port_script.h"
#include "uart16550.h"

enum {
    RBR = 0x3F8,
    THR = 0x3F8,
    IER = 0x3F9,
    IIR = 0x3FA,
    FCR = 0x3FA,
    LCR = 0x3FB,
    MCR = 0x3FC,
    LSR = 0x3FD,
    MSR = 0x3FE,
    SCR = 0x3FF
};
enum { IRQ4 = 0 };
enum { SEND = 0, EXPECT_OUT = 1, EXPECT_KEPT = 2 }; /* HOST steps: `at` */

struct rig {
    struct port_rig ports;
    struct uart16550 *uart;
    struct vx_char chr;
    uint8_t out[256];
    size_t out_count;
    uint8_t in[256]; /* what the back end still has */
    size_t in_count;
    bool bad;
};

static void chr_write(void *opaque, const uint8_t *bytes, size_t count)
{
    struct rig *rig = opaque;
    for (size_t i = 0; i < count && rig->out_count < sizeof rig->out; i++)
        rig->out[rig->out_count++] = bytes[i];
}

static void offer(void *opaque)
{
    struct rig *rig = opaque;
    size_t taken = vx_char_receive(&rig->chr, rig->in, rig->in_count);
    rig->in_count -= taken;
    memmove(rig->in, rig->in + taken, rig->in_count);
}

static const struct vx_char_ops chr_ops = { .write = chr_write, .can_receive = offer };

static void host(void *opaque, unsigned at, unsigned value)
{
    struct rig *rig = opaque;
    if (at == SEND) {
        rig->in[rig->in_count++] = (uint8_t)value;
        offer(rig);
    } else if (at == EXPECT_OUT) {
        rig->bad |= rig->out_count == 0 || rig->out[0] != value;
        rig->out_count = rig->out_count > 0 ? rig->out_count - 1 : 0;
        memmove(rig->out, rig->out + 1, rig->out_count);
    } else {
        rig->bad |= rig->in_count != value;
    }
}

static void make_chip(struct rig *rig, bool ungated)
{
    cr_assert_eq(uart16550_create(&(struct uart16550_config){ .bus = rig->ports.bus,
                                                              .clock = rig->ports.clock,
                                                              .name = "uart",
                                                              .base = 0x3F8,
                                                              .irq = port_rig_irq(&rig->ports, IRQ4),
                                                              .chr = &rig->chr,
                                                              .ungated = ungated },
                                  &rig->uart),
                 VX_ERR_OK);
}

static void run(const char *name, const struct port_step *steps, size_t count)
{
    struct rig rig = { 0 };
    char what[128] = "";
    port_rig_init(&rig.ports);
    rig.ports.host = host;
    rig.ports.opaque = &rig;
    rig.chr = (struct vx_char){ .ops = &chr_ops, .opaque = &rig };
    make_chip(&rig, false);
    bool held = port_script_run(&rig.ports, steps, count, what);
    cr_assert(held, "%s: %s", name, what);
    cr_assert(!rig.bad, "%s: back end saw something else", name);
    uart16550_type.destroy(rig.uart);
    cr_assert_null(rig.chr.device_ops);
    port_rig_fini(&rig.ports);
}
#define RUN(steps) run(#steps, steps, VX_ARRAY_LEN(steps))

static const struct port_step reset_values[] = {
    { IN, IER, 0 },     { IN, IIR, 0x01 },  { IN, LCR, 0 },     { IN, MCR, 0 },     { IN, LSR, 0x60 },
    { IN, MSR, 0xB0 },  { IN, SCR, 0 },     { OUT, SCR, 0x5A }, { IN, SCR, 0x5A },  { OUT, IER, 0xFF },
    { IN, IER, 0x0F },  { OUT, IER, 0 },    { OUT, MCR, 0xFF }, { IN, MCR, 0x1F },  { OUT, MCR, 0 },
    { OUT, LCR, 0x80 }, { IN, RBR, 12 },    { IN, IER, 0 },     { OUT, RBR, 0x34 }, { OUT, IER, 0x12 },
    { IN, RBR, 0x34 },  { IN, IER, 0x12 },  { OUT, LCR, 0x03 }, { IN, IER, 0 },     { OUT, FCR, 0x01 },
    { IN, IIR, 0xC1 },  { OUT, FCR, 0xC6 }, { IN, IIR, 0x01 },
};

/* The order in which Linux's 8250 driver looks for a missing THRE interrupt, then plain transmission. */
static const struct port_step transmit[] = {
    { OUT, MCR, 0x08 }, { OUT, IER, 0x02 }, { LINE, IRQ4, 1 },         { IN, IIR, 0x02 }, { LINE, IRQ4, 0 },
    { IN, IIR, 0x01 },  { OUT, IER, 0x00 }, { OUT, IER, 0x02 },        { LINE, IRQ4, 1 }, { EDGES, IRQ4, 2 },
    { OUT, THR, 'A' },  { EDGES, IRQ4, 1 }, { HOST, EXPECT_OUT, 'A' }, { IN, LSR, 0x60 }, { IN, IIR, 0x02 },
    { IN, IIR, 0x01 },  { OUT, IER, 0x02 }, { IN, IIR, 0x01 },         { OUT, THR, 'B' }, { LINE, IRQ4, 1 },
    { OUT, MCR, 0x00 }, { LINE, IRQ4, 0 },  { OUT, MCR, 0x08 },        { LINE, IRQ4, 1 }, { HOST, EXPECT_OUT, 'B' },
};

static const struct port_step receive_without_fifo[] = {
    { OUT, MCR, 0x0B }, { OUT, IER, 0x01 }, { HOST, SEND, 'x' }, { HOST, SEND, 'y' }, { HOST, EXPECT_KEPT, 1 },
    { LINE, IRQ4, 1 },  { IN, IIR, 0x04 },  { IN, LSR, 0x61 },   { IN, RBR, 'x' },    { HOST, EXPECT_KEPT, 0 },
    { EDGES, IRQ4, 2 }, { IN, RBR, 'y' },   { LINE, IRQ4, 0 },   { IN, LSR, 0x60 },   { IN, IIR, 0x01 },
};

/* Trigger level 4 at 115200 8N1: a character takes 86.8 us, the timeout four of them. */
static const struct port_step fifo_trigger_and_timeout[] = {
    { OUT, LCR, 0x83 }, { OUT, RBR, 1 },    { OUT, IER, 0 },   { OUT, LCR, 0x03 }, { OUT, FCR, 0x41 },
    { OUT, MCR, 0x0B }, { OUT, IER, 0x01 }, { HOST, SEND, 1 }, { HOST, SEND, 2 },  { HOST, SEND, 3 },
    { LINE, IRQ4, 0 },  { WAIT, 0, 340 },   { IN, IIR, 0xC1 }, { WAIT, 0, 10 },    { LINE, IRQ4, 1 },
    { IN, IIR, 0xCC },  { IN, RBR, 1 },     { IN, IIR, 0xC1 }, { LINE, IRQ4, 0 },  { WAIT, 0, 350 },
    { IN, IIR, 0xCC },  { HOST, SEND, 4 },  { IN, IIR, 0xC1 }, { HOST, SEND, 5 },  { IN, IIR, 0xC4 },
    { LINE, IRQ4, 1 },  { IN, RBR, 2 },     { IN, IIR, 0xC1 }, { OUT, FCR, 0x43 }, { IN, LSR, 0x60 },
    { WAIT, 0, 1000 },  { IN, IIR, 0xC1 },
};

/* Input waits for RTS, or for a guest that polls LSR without sending. */
static const struct port_step input_waits[] = {
    { HOST, SEND, 'a' },      { HOST, EXPECT_KEPT, 1 }, { IN, LSR, 0x60 },        { OUT, MCR, 0x13 },
    { HOST, EXPECT_KEPT, 1 }, { OUT, MCR, 0x03 },       { HOST, EXPECT_KEPT, 0 }, { IN, RBR, 'a' },
    { OUT, MCR, 0x00 },       { HOST, SEND, 'b' },      { IN, LSR, 0x60 },        { IN, LSR, 0x60 },
    { IN, LSR, 0x60 },        { IN, LSR, 0x60 },        { IN, LSR, 0x60 },        { IN, LSR, 0x60 },
    { IN, LSR, 0x60 },        { IN, LSR, 0x60 },        { OUT, THR, '.' },        { HOST, EXPECT_OUT, '.' },
    { IN, LSR, 0x60 },        { IN, LSR, 0x60 },        { IN, LSR, 0x60 },        { IN, LSR, 0x60 },
    { IN, LSR, 0x60 },        { IN, LSR, 0x60 },        { IN, LSR, 0x60 },        { IN, LSR, 0x60 },
    { IN, LSR, 0x60 },        { IN, LSR, 0x60 },        { IN, LSR, 0x60 },        { IN, LSR, 0x60 },
    { IN, LSR, 0x60 },        { IN, LSR, 0x60 },        { IN, LSR, 0x60 },        { HOST, EXPECT_KEPT, 1 },
    { IN, LSR, 0x60 },        { HOST, EXPECT_KEPT, 0 }, { IN, LSR, 0x61 },        { IN, RBR, 'b' },
};

static const struct port_step loopback[] = {
    { OUT, MCR, 0x1A }, { IN, MSR, 0x90 | 0x02 }, { IN, MSR, 0x90 },  { OUT, MCR, 0x14 }, { IN, MSR, 0x40 | 0x09 },
    { OUT, MCR, 0x11 }, { IN, MSR, 0x20 | 0x06 }, { OUT, MCR, 0x18 }, { OUT, LCR, 0x03 }, { OUT, THR, 0xE7 },
    { IN, LSR, 0x61 },  { OUT, THR, 0x18 },       { IN, LSR, 0x63 },  { IN, LSR, 0x61 },  { IN, RBR, 0x18 },
    { OUT, LCR, 0x00 }, { OUT, THR, 0xFF },       { IN, RBR, 0x1F },  { OUT, IER, 0x0F }, { IN, IIR, 0x02 },
    { IN, IIR, 0x00 },  { IN, MSR, 0x80 | 0x0A }, { IN, IIR, 0x01 },  { OUT, LCR, 0x43 }, { IN, IIR, 0x06 },
    { LINE, IRQ4, 0 },  { OUT, MCR, 0x08 },       { LINE, IRQ4, 1 },  { OUT, MCR, 0x18 }, { LINE, IRQ4, 0 },
    { IN, MSR, 0x83 },  { IN, LSR, 0x79 },        { IN, IIR, 0x04 },  { IN, RBR, 0 },     { IN, IIR, 0x01 },
    { LINE, IRQ4, 0 },
};

/* Line errors of a character show when it comes to the head; bit 7 as long as any is in the FIFO, at its head too,
 * until LSR is read then. */
static const struct port_step fifo_errors[] = {
    { OUT, FCR, 0x01 }, { OUT, MCR, 0x10 }, { OUT, LCR, 0x03 }, { OUT, THR, 1 },   { OUT, LCR, 0x43 },
    { IN, LSR, 0xE1 },  { IN, RBR, 1 },     { IN, LSR, 0xF9 },  { IN, LSR, 0x61 }, { IN, RBR, 0 },
    { IN, LSR, 0x60 },  { OUT, LCR, 0x03 }, { OUT, LCR, 0x43 }, { IN, LSR, 0xF9 }, { IN, LSR, 0x61 },
    { OUT, LCR, 0x03 }, { OUT, LCR, 0x43 }, { IN, LSR, 0xE1 },  { IN, RBR, 0 },    { IN, RBR, 0 },
    { IN, LSR, 0x78 },  { IN, LSR, 0x60 }, /* read before LSR: bit 7 has gone with it, BI and FE are kept */
};

/* Without the FIFO a character that overruns brings its errors along. */
static const struct port_step errors_without_fifo[] = {
    { OUT, MCR, 0x10 }, { OUT, LCR, 0x03 }, { OUT, THR, 1 },   { OUT, LCR, 0x43 },
    { IN, LSR, 0x7B },  { IN, LSR, 0x61 },  { IN, RBR, 0x00 }, { IN, LSR, 0x60 },
};

static const struct port_step unpopulated_bits[] = {
    { OUT, LSR, 0xFF }, { IN, LSR, 0x60 },  { OUT, MSR, 0xFF }, { IN, MSR, 0xB0 },
    { OUT, FCR, 0xC1 }, { OUT, FCR, 0xC0 }, { IN, IIR, 0x01 },
};

Test(uart16550, scripts)
{
    RUN(reset_values);
    RUN(transmit);
    RUN(receive_without_fifo);
    RUN(fifo_trigger_and_timeout);
    RUN(input_waits);
    RUN(loopback);
    RUN(fifo_errors);
    RUN(errors_without_fifo);
    RUN(unpopulated_bits);
}

Test(uart16550, nothing_attached)
{
    struct port_rig rig;
    struct uart16550 *uart;
    char what[128] = "";
    static const struct port_step steps[] = {
        { IN, MSR, 0 }, { OUT, THR, 'x' }, { IN, LSR, 0x60 }, { OUT, MCR, 3 }, { IN, RBR, 0 }, { IN, LSR, 0x60 },
    };
    port_rig_init(&rig);
    cr_assert_eq(
        uart16550_create(
            &(struct uart16550_config){
                .bus = rig.bus, .clock = rig.clock, .name = "uart", .base = 0x3F8, .irq = port_rig_irq(&rig, IRQ4) },
            &uart),
        VX_ERR_OK);
    bool held = port_script_run(&rig, steps, VX_ARRAY_LEN(steps), what);
    cr_assert(held, "%s", what);
    uart16550_type.destroy(uart);
    port_rig_fini(&rig);
}

/* A character for a guest that has set no OUT2. */
Test(uart16550, gate)
{
    for (unsigned ungated = 0; ungated < 2; ungated++) {
        struct rig rig = { 0 };
        port_rig_init(&rig.ports);
        rig.chr = (struct vx_char){ .ops = &chr_ops, .opaque = &rig };
        make_chip(&rig, ungated != 0);
        vx_bus_write(rig.ports.bus, VX_SPACE_IO, MCR, 1, 0x03);
        vx_bus_write(rig.ports.bus, VX_SPACE_IO, IER, 1, 0x01);
        for (unsigned i = 0; i < 3; i++) {
            host(&rig, SEND, 'x');
            cr_assert_eq(rig.ports.level[IRQ4], ungated);
            vx_bus_read(rig.ports.bus, VX_SPACE_IO, RBR, 1);
            cr_assert(!rig.ports.level[IRQ4]);
        }
        vx_bus_write(rig.ports.bus, VX_SPACE_IO, MCR, 1, 0x13); /* in loopback nothing comes out */
        vx_bus_write(rig.ports.bus, VX_SPACE_IO, RBR, 1, 'y');
        cr_assert(!rig.ports.level[IRQ4]);
        uart16550_type.destroy(rig.uart);
        port_rig_fini(&rig.ports);
    }
}

/* The FIFO takes 16 bytes, the back end keeps the rest, nothing is lost; reset empties and silences. */
Test(uart16550, back_pressure_and_reset)
{
    struct rig rig = { 0 };
    port_rig_init(&rig.ports);
    rig.chr = (struct vx_char){ .ops = &chr_ops, .opaque = &rig };
    make_chip(&rig, false);
    vx_bus_write(rig.ports.bus, VX_SPACE_IO, FCR, 1, 0x01);
    vx_bus_write(rig.ports.bus, VX_SPACE_IO, MCR, 1, 0x0B);
    for (unsigned i = 0; i < 100; i++)
        host(&rig, SEND, i);
    cr_assert_eq(rig.in_count, 84);
    unsigned wrong = 0;
    for (unsigned i = 0; i < 100; i++)
        wrong += vx_bus_read(rig.ports.bus, VX_SPACE_IO, RBR, 1) != i;
    cr_assert_eq(wrong, 0);
    vx_bus_write(rig.ports.bus, VX_SPACE_IO, IER, 1, 0x0F);
    host(&rig, SEND, 7);
    cr_assert(rig.ports.level[IRQ4]);
    uart16550_type.reset(rig.uart, VX_RESET_HOLD);
    uart16550_type.reset(rig.uart, VX_RESET_RELEASE);
    cr_assert(!rig.ports.level[IRQ4]);
    cr_assert_eq(vx_bus_read(rig.ports.bus, VX_SPACE_IO, LSR, 1), 0x60);
    cr_assert_eq(vx_clock_next_ns(rig.ports.clock), VX_NEVER);
    uart16550_type.destroy(rig.uart);
    port_rig_fini(&rig.ports);
}
