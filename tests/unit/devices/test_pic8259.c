/* test_pic8259.c - the 8259 pair by register scripts. HOST steps drive inputs and acknowledge. */
#include <criterion/criterion.h>

#include "pic8259.h"
#include "port_script.h"

enum { M0 = 0x20, M1 = 0x21, S0 = 0xA0, S1 = 0xA1, ELCR1 = 0x4D0, ELCR2 = 0x4D1 };
enum { INTR = 0 };
enum { RAISE = 0, LOWER = 1, ACK = 2 }; /* HOST: `at`; value: input, or the vector that ACK must give */

struct rig {
    struct port_rig ports;
    struct pic *pic;
    char bad[64];
};

static void host(void *opaque, unsigned at, unsigned value)
{
    struct rig *rig = opaque;
    if (at == ACK) {
        unsigned got = pic_ack(rig->pic);
        if (got != value && rig->bad[0] == '\0')
            snprintf(rig->bad, sizeof rig->bad, "vector %x, want %x", got, value);
        return;
    }
    struct vx_irq input = pic_input(rig->pic, value);
    vx_irq_set(&input, at == RAISE);
}

static void run(const char *name, const struct port_step *steps, size_t count)
{
    struct rig rig = { 0 };
    char what[128] = "";
    port_rig_init(&rig.ports);
    rig.ports.host = host;
    rig.ports.opaque = &rig;
    struct pic_config config = { .log = rig.ports.log, .bus = rig.ports.bus, .intr = port_rig_irq(&rig.ports, INTR) };
    cr_assert_eq(pic_create(&config, &rig.pic), VX_ERR_OK);
    bool held = port_script_run(&rig.ports, steps, count, what);
    pic_type.destroy(rig.pic);
    port_rig_fini(&rig.ports);
    cr_assert(held, "%s: %s", name, what);
    cr_assert(rig.bad[0] == '\0', "%s: %s", name, rig.bad);
}
#define RUN(steps) run(#steps, steps, VX_ARRAY_LEN(steps))

/* The PC's set-up: vectors 8h and 70h, cascade, 8086 mode, all unmasked. */
/* clang-format off */
#define SET_UP(icw4)                                                                                                     \
    { OUT, M0, 0x11 }, { OUT, M1, 0x08 }, { OUT, M1, 0x04 }, { OUT, M1, (icw4) }, { OUT, S0, 0x11 }, { OUT, S1, 0x70 },  \
    { OUT, S1, 0x02 }, { OUT, S1, 0x01 }
#define PC_SET_UP SET_UP(0x01)

static const struct port_step reset_and_init[] = {
    { IN, M0, 0 }, { IN, M1, 0 }, { IN, S1, 0 }, { IN, ELCR1, 0 }, { IN, ELCR2, 0 }, { LINE, INTR, 0 },
    { OUT, M1, 0xA5 }, { IN, M1, 0xA5 }, /* before ICW1 the data port is the mask */
    PC_SET_UP, { IN, M1, 0 }, { OUT, M1, 0xFB }, { IN, M1, 0xFB }, { OUT, S1, 0x7F }, { IN, S1, 0x7F },
    { OUT, ELCR1, 0xFF }, { IN, ELCR1, 0xF8 }, { OUT, ELCR2, 0xFF }, { IN, ELCR2, 0xDE },
    /* single mode without ICW4: two words only */
    { OUT, M0, 0x12 }, { OUT, M1, 0x40 }, { OUT, M1, 0x55 }, { IN, M1, 0x55 },
};

static const struct port_step one_edge[] = {
    PC_SET_UP, { HOST, RAISE, 4 }, { LINE, INTR, 1 }, { IN, M0, 0x10 }, { OUT, M0, 0x0B }, { IN, M0, 0 },
    { HOST, ACK, 0x0C }, { LINE, INTR, 0 }, { IN, M0, 0x10 }, { OUT, M0, 0x0A }, { IN, M0, 0 },
    { OUT, M0, 0x20 }, { LINE, INTR, 0 }, /* the line is still up: no new edge */
    { HOST, LOWER, 4 }, { HOST, RAISE, 4 }, { LINE, INTR, 1 }, { HOST, ACK, 0x0C }, { OUT, M0, 0x0B }, { IN, M0, 0x10 },
    { OUT, M0, 0x64 }, { IN, M0, 0 }, /* specific EOI */
};

static const struct port_step priorities[] = {
    PC_SET_UP, { HOST, RAISE, 7 }, { HOST, RAISE, 3 }, { HOST, ACK, 0x0B }, { LINE, INTR, 0 },
    { HOST, RAISE, 1 }, { LINE, INTR, 1 }, { HOST, ACK, 0x09 }, { LINE, INTR, 0 },
    { OUT, M0, 0x0B }, { IN, M0, 0x0A }, { OUT, M0, 0x20 }, { IN, M0, 0x08 }, { LINE, INTR, 0 },
    { OUT, M0, 0x20 }, { LINE, INTR, 1 }, { HOST, ACK, 0x0F }, { OUT, M0, 0x20 }, { IN, M0, 0 },
};

static const struct port_step masks[] = {
    PC_SET_UP, { OUT, M1, 0x10 }, { HOST, RAISE, 4 }, { LINE, INTR, 0 }, { IN, M0, 0x10 }, { OUT, M1, 0x00 }, { LINE, INTR, 1 },
    /* gone before INTA: spurious IRQ 7, nothing in service */
    { OUT, M1, 0x10 }, { LINE, INTR, 0 }, { HOST, ACK, 0x0F },
    { OUT, M0, 0x0B }, { IN, M0, 0 },
};

static const struct port_step slave[] = {
    PC_SET_UP, { HOST, RAISE, 14 }, { LINE, INTR, 1 }, { IN, M0, 0x04 }, { HOST, ACK, 0x76 }, { LINE, INTR, 0 },
    { OUT, M0, 0x0B }, { IN, M0, 0x04 }, { OUT, S0, 0x0B }, { IN, S0, 0x40 },
    { HOST, RAISE, 8 }, { LINE, INTR, 0 }, /* higher at the slave, but the master serves IR2 */
    { OUT, M0, 0x20 }, { LINE, INTR, 1 }, { HOST, ACK, 0x70 }, /* with the master's EOI it gets through */
    { IN, S0, 0x41 }, { OUT, S0, 0x20 }, { OUT, S0, 0x20 }, { OUT, M0, 0x20 }, { IN, S0, 0 }, { IN, M0, 0 },
};

static const struct port_step spurious_slave[] = {
    PC_SET_UP, { OUT, ELCR2, 0x08 }, { HOST, RAISE, 11 }, { LINE, INTR, 1 }, { HOST, LOWER, 11 }, { LINE, INTR, 0 },
    { HOST, ACK, 0x0F },                                       /* master has nothing either */
    { HOST, RAISE, 9 }, { LINE, INTR, 1 }, { HOST, ACK, 0x71 }, { OUT, S0, 0x61 }, { OUT, M0, 0x62 },
};

static const struct port_step levels[] = {
    PC_SET_UP, { OUT, ELCR2, 0x0C }, { HOST, RAISE, 11 }, { HOST, ACK, 0x73 }, { OUT, S0, 0x63 }, { OUT, M0, 0x62 },
    { LINE, INTR, 1 }, { HOST, ACK, 0x73 }, { HOST, LOWER, 11 }, { OUT, S0, 0x63 }, { OUT, M0, 0x62 }, { LINE, INTR, 0 },
    { HOST, RAISE, 10 }, { LINE, INTR, 1 }, { HOST, LOWER, 10 }, { LINE, INTR, 0 },
};

/* A request goes with its line, masked or not, at either chip; INTA then finds nothing: IRQ 7. The next rise is a new one. */
static const struct port_step withdrawn_edge[] = {
    PC_SET_UP, { HOST, RAISE, 6 }, { IN, M0, 0x40 }, { LINE, INTR, 1 }, { HOST, LOWER, 6 }, { IN, M0, 0 }, { LINE, INTR, 0 },
    { HOST, ACK, 0x0F }, { OUT, M0, 0x0B }, { IN, M0, 0 }, { OUT, M0, 0x0A },
    { HOST, RAISE, 6 }, { LINE, INTR, 1 }, { HOST, ACK, 0x0E }, { OUT, M0, 0x20 }, { LINE, INTR, 0 },
    { OUT, M1, 0x08 }, { HOST, RAISE, 3 }, { IN, M0, 0x08 }, { HOST, LOWER, 3 }, { OUT, M1, 0x00 }, { LINE, INTR, 0 },
    { HOST, RAISE, 14 }, { IN, S0, 0x40 }, { IN, M0, 0x04 }, { HOST, LOWER, 14 }, { IN, S0, 0 }, { IN, M0, 0 }, { LINE, INTR, 0 },
    /* one of two at the slave: INT stays for the other */
    { HOST, RAISE, 14 }, { HOST, RAISE, 10 }, { HOST, LOWER, 10 }, { LINE, INTR, 1 }, { HOST, ACK, 0x76 },
};

/* The master's INTA has been given, the slave's request is gone: IRQ 15, in service at the master alone. */
static const struct port_step slave_edge_withdrawn_behind_poll[] = {
    PC_SET_UP, { HOST, RAISE, 14 }, { OUT, M0, 0x0C }, { IN, M0, 0x82 }, { HOST, LOWER, 14 }, { OUT, S0, 0x0C }, { IN, S0, 0 },
    { OUT, M0, 0x0B }, { IN, M0, 0x04 }, { OUT, S0, 0x0B }, { IN, S0, 0 },
};

/* Two requests at the slave: each acknowledge lets INT fall, so the second makes an edge of its own at the master. */
static const struct port_step slave_two_edges[] = {
    PC_SET_UP, { HOST, RAISE, 9 }, { HOST, RAISE, 14 }, { HOST, ACK, 0x71 }, { LINE, INTR, 0 }, { OUT, S0, 0x20 }, { LINE, INTR, 0 },
    { OUT, M0, 0x20 }, { LINE, INTR, 1 }, { HOST, ACK, 0x76 },
    /* by automatic EOI at the slave too */
    { OUT, S0, 0x11 }, { OUT, S1, 0x70 }, { OUT, S1, 0x02 }, { OUT, S1, 0x03 }, { OUT, M0, 0x20 },
    { HOST, LOWER, 9 }, { HOST, LOWER, 14 }, { HOST, RAISE, 9 }, { HOST, RAISE, 14 }, { HOST, ACK, 0x71 }, { OUT, M0, 0x20 },
    { LINE, INTR, 1 }, { HOST, ACK, 0x76 },
};

/* ICW1 resets the edge latches, the master's for the slave too: a line has to fall and rise again. */
static const struct port_step icw1_drops_edges[] = {
    PC_SET_UP, { HOST, RAISE, 12 }, { HOST, RAISE, 5 }, { OUT, M0, 0x11 }, { OUT, M1, 0x08 }, { OUT, M1, 0x04 }, { OUT, M1, 0x01 },
    { LINE, INTR, 0 }, { IN, M0, 0 }, { IN, S0, 0x10 }, { HOST, LOWER, 12 }, { HOST, RAISE, 12 }, { LINE, INTR, 1 }, { HOST, ACK, 0x74 },
};

static const struct port_step auto_eoi[] = {
    SET_UP(0x03), { HOST, RAISE, 3 }, { HOST, ACK, 0x0B }, { OUT, M0, 0x0B }, { IN, M0, 0 },
    { OUT, M0, 0x80 }, /* rotate on AEOI */
    { HOST, RAISE, 0 }, { HOST, ACK, 0x08 }, { HOST, RAISE, 1 }, { HOST, LOWER, 0 }, { HOST, RAISE, 0 },
    { HOST, ACK, 0x09 }, { HOST, ACK, 0x08 },
};

static const struct port_step rotation[] = {
    PC_SET_UP, { OUT, M0, 0xC4 }, /* IR4 is lowest: IR5 highest */
    { HOST, RAISE, 0 }, { HOST, RAISE, 5 }, { HOST, ACK, 0x0D }, { LINE, INTR, 0 },
    { OUT, M0, 0xA0 }, /* rotating EOI: IR5 is lowest now */
    { HOST, ACK, 0x08 }, { HOST, LOWER, 5 }, { HOST, RAISE, 5 }, { LINE, INTR, 0 }, { HOST, RAISE, 6 }, { LINE, INTR, 1 },
    { HOST, ACK, 0x0E }, { OUT, M0, 0xE6 }, /* specific rotating EOI */ { OUT, M0, 0x60 }, { HOST, ACK, 0x0D },
};

static const struct port_step special_mask[] = {
    PC_SET_UP, { HOST, RAISE, 1 }, { HOST, ACK, 0x09 }, { HOST, RAISE, 6 }, { LINE, INTR, 0 },
    { OUT, M1, 0x02 }, { LINE, INTR, 0 }, { OUT, M0, 0x68 }, { LINE, INTR, 1 }, { HOST, ACK, 0x0E },
    { OUT, M0, 0x20 }, { OUT, M0, 0x0B }, { IN, M0, 0x02 }, /* a non-specific EOI spares the masked level */
    { OUT, M0, 0x48 }, { OUT, M0, 0x20 }, { IN, M0, 0 },
};

/* The slave in service may ask again, by a higher request of its own; the master's lower ones wait, higher ones do not. */
static const struct port_step fully_nested[] = {
    SET_UP(0x11), { HOST, RAISE, 14 }, { HOST, ACK, 0x76 }, { HOST, RAISE, 5 }, { LINE, INTR, 0 },
    { HOST, RAISE, 8 }, { LINE, INTR, 1 }, { HOST, ACK, 0x70 }, { LINE, INTR, 0 },
    { HOST, RAISE, 1 }, { LINE, INTR, 1 }, { HOST, ACK, 0x09 }, { OUT, M0, 0x61 }, { LINE, INTR, 0 },
    { OUT, S0, 0x20 }, { OUT, S0, 0x20 }, { LINE, INTR, 0 }, { OUT, M0, 0x62 }, { LINE, INTR, 1 }, { HOST, ACK, 0x0D },
};

/* ... and with it the special mask: a masked level in service blocks nothing. */
static const struct port_step fully_nested_special_mask[] = {
    SET_UP(0x11), { HOST, RAISE, 14 }, { HOST, ACK, 0x76 }, { HOST, RAISE, 5 }, { OUT, M0, 0x68 }, { LINE, INTR, 0 },
    { OUT, M1, 0x04 }, { LINE, INTR, 1 }, { HOST, ACK, 0x0D },
};

static const struct port_step poll[] = {
    PC_SET_UP, { OUT, M0, 0x0C }, { IN, M0, 0 }, { HOST, RAISE, 5 }, { OUT, M0, 0x0C }, { IN, M0, 0x85 },
    { OUT, M0, 0x0B }, { IN, M0, 0x20 }, { LINE, INTR, 0 },
};

static const struct port_step cascade_input_is_not_connected[] = { PC_SET_UP, { HOST, RAISE, 2 }, { LINE, INTR, 0 } };
/* clang-format on */

Test(pic8259, scripts)
{
    RUN(reset_and_init);
    RUN(one_edge);
    RUN(priorities);
    RUN(masks);
    RUN(slave);
    RUN(spurious_slave);
    RUN(levels);
    RUN(withdrawn_edge);
    RUN(slave_edge_withdrawn_behind_poll);
    RUN(slave_two_edges);
    RUN(icw1_drops_edges);
    RUN(auto_eoi);
    RUN(rotation);
    RUN(special_mask);
    RUN(fully_nested);
    RUN(fully_nested_special_mask);
    RUN(poll);
    RUN(cascade_input_is_not_connected);
}
