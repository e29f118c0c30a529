/* test_board_ports.c - the one-register chips: port 92h, debug console, debug exit, coprocessor error. */
#include <criterion/criterion.h>
#include <string.h>

#include "debug_exit.h"
#include "debugcon.h"
#include "fpu_error.h"
#include "port92.h"
#include "port_script.h"

enum { A20, CPU_RESET, IRQ13 };

/* clang-format off */
static const struct port_step port92[] = {
    { IN, 0x92, 0 }, { OUT, 0x92, 0x02 }, { LINE, A20, 1 }, { IN, 0x92, 0x02 }, { OUT, 0x92, 0xFC }, { LINE, A20, 0 }, { IN, 0x92, 0 },
    { OUT, 0x92, 0x03 }, { EDGES, CPU_RESET, 1 }, { OUT, 0x92, 0x03 }, { EDGES, CPU_RESET, 0 }, { OUT, 0x92, 0x02 }, { OUT, 0x92, 0x01 },
    { EDGES, CPU_RESET, 1 },
};
/* clang-format on */

Test(board_ports, port92)
{
    struct port_rig rig;
    struct port92 *chip;
    char what[128] = "";
    port_rig_init(&rig);
    struct port92_config config = { .bus = rig.bus,
                                    .a20 = port_rig_irq(&rig, A20),
                                    .cpu_reset = port_rig_irq(&rig, CPU_RESET) };
    cr_assert_eq(port92_create(&config, &chip), VX_ERR_OK);
    cr_assert(port_script_run(&rig, port92, VX_ARRAY_LEN(port92), what), "%s", what);
    port92_type.reset(chip, VX_RESET_HOLD);
    cr_assert_eq(vx_bus_read(rig.bus, VX_SPACE_IO, 0x92, 1), 0);
    port92_type.destroy(chip);
    port_rig_fini(&rig);
}

Test(board_ports, fpu_error)
{
    struct port_rig rig;
    struct fpu_error *chip;
    port_rig_init(&rig);
    struct fpu_error_config config = { .bus = rig.bus, .irq13 = port_rig_irq(&rig, IRQ13) };
    cr_assert_eq(fpu_error_create(&config, &chip), VX_ERR_OK);
    fpu_error_set_ferr(chip, true);
    cr_assert(rig.level[IRQ13]);
    cr_assert(!fpu_error_ignne(chip));
    vx_bus_write(rig.bus, VX_SPACE_IO, 0xF0, 1, 0);
    cr_assert(!rig.level[IRQ13] && fpu_error_ignne(chip));
    fpu_error_set_ferr(chip, true); /* the handler's own instructions with the error still pending */
    cr_assert(!rig.level[IRQ13] && fpu_error_ignne(chip));
    fpu_error_set_ferr(chip, false);
    cr_assert(!rig.level[IRQ13] && !fpu_error_ignne(chip));
    vx_bus_write(rig.bus, VX_SPACE_IO, 0xF0, 1, 0); /* nothing to ignore */
    cr_assert(!fpu_error_ignne(chip));
    fpu_error_set_ferr(chip, true);
    cr_assert(rig.level[IRQ13], "the next error interrupts again");
    fpu_error_type.reset(chip, VX_RESET_HOLD);
    fpu_error_type.reset(chip, VX_RESET_RELEASE);
    cr_assert(!rig.level[IRQ13] && !fpu_error_ignne(chip));
    fpu_error_type.destroy(chip);
    port_rig_fini(&rig);
}

static void take(void *opaque, const uint8_t *bytes, size_t count)
{
    strncat(opaque, (const char *)bytes, count);
}
static void leave(void *opaque, uint32_t value)
{
    *(uint32_t *)opaque = value;
}

Test(board_ports, debug_console_and_exit)
{
    struct port_rig rig;
    struct debugcon *con;
    struct debug_exit *exit_chip;
    char text[32] = "";
    uint32_t code = 0;
    static const struct vx_char_ops ops = { .write = take };
    struct vx_char chr = { .ops = &ops, .opaque = text };
    port_rig_init(&rig);
    cr_assert_eq(debugcon_create(&(struct debugcon_config){ .bus = rig.bus, .port = DEBUGCON_PORT, .out = &chr }, &con),
                 VX_ERR_OK);
    struct debug_exit_config exit_config = { .bus = rig.bus, .ports = { 0x501, 2 }, .exit = leave, .opaque = &code };
    cr_assert_eq(debug_exit_create(&exit_config, &exit_chip), VX_ERR_OK);
    vx_bus_write(rig.bus, VX_SPACE_IO, 0x402, 1, 'a');
    cr_assert_eq(vx_bus_write_block(rig.bus, 0x402, 1, "bcd", 3), 3);
    cr_assert_eq(vx_bus_write_block(rig.bus, 0x402, 2, "bcd", 1), 0);
    cr_assert_str_eq(text, "abcd");
    cr_assert_eq(vx_bus_read(rig.bus, VX_SPACE_IO, 0x402, 1), 0xE9);
    vx_bus_write(rig.bus, VX_SPACE_IO, 0x501, 2, 0x1234);
    cr_assert_eq(code, 0x1234);
    vx_bus_write(rig.bus, VX_SPACE_IO, 0x502, 1, 0x31);
    cr_assert_eq(code, 0x31);
    vx_bus_write(rig.bus, VX_SPACE_IO, 0x503, 1, 0x32);
    cr_assert_eq(code, 0x31);
    cr_assert_eq(vx_bus_read(rig.bus, VX_SPACE_IO, 0x501, 1), 0);
    debug_exit_type.destroy(exit_chip);
    debugcon_type.destroy(con);
    port_rig_fini(&rig);
}
