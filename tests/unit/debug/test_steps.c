/* test_steps.c - single steps of a guest whose timer interrupts all the time: what is held, what is run over. */
#include <criterion/criterion.h>

#include "unit/machine/rom.h"
#include "vx86/debug.h"

/* The vectors of the timer (8, at 12 kHz) and 20h lead to F000:0100 and F000:0110. After the set-up:
 *   40  sti
 *   41  int 20h
 *   43  hlt
 *   44  inc bx
 *   45  jmp 44h
 *  100  push ax; inc word [500h]; mov al, 20h; out 20h, al; pop ax; iret
 *  110  inc word [502h]; iret */
static const uint8_t code[] = {
    0xEA, 0x05, 0x00, 0x00, 0xF0, 0xBC, 0x00, 0x70, 0xC7, 0x06, 0x20, 0x00, 0x00, 0x01, 0xC7, 0x06, 0x22, 0x00,
    0x00, 0xF0, 0xC7, 0x06, 0x80, 0x00, 0x10, 0x01, 0xC7, 0x06, 0x82, 0x00, 0x00, 0xF0, 0xB0, 0x11, 0xE6, 0x20,
    0xB0, 0x08, 0xE6, 0x21, 0xB0, 0x04, 0xE6, 0x21, 0xB0, 0x01, 0xE6, 0x21, 0xB0, 0xFE, 0xE6, 0x21, 0xB0, 0x34,
    0xE6, 0x43, 0xB0, 0x64, 0xE6, 0x40, 0xB0, 0x00, 0xE6, 0x40, 0xFB, 0xCD, 0x20, 0xF4, 0x43, 0xEB, 0xFD,
};
static const uint8_t handlers[] = {
    0x50, 0xFF, 0x06, 0x00, 0x05, 0xB0, 0x20, 0xE6, 0x20, 0x58, 0xCF,
    0x90, 0x90, 0x90, 0x90, 0x90, 0xFF, 0x06, 0x02, 0x05, 0xCF,
};
enum { AT_INT = 0x41, AT_HLT = 0x43, AT_LOOP = 0x44, HANDLERS = 0x100, STEPS = 3000, STEPS_MOST = 1000000 };

struct walk {
    struct vx_machine *machine;
    struct vx_debug *debug;
    struct vx_vcpu *vcpu;
    bool over; /* INT and held interrupts are stepped over */
    unsigned stops, strayed, loops;
};

static unsigned count_at(const struct walk *walk, uint64_t lin)
{
    uint16_t count = 0;
    vx_debug_read(walk->debug, lin, &count, sizeof count);
    return count;
}

/* The loop's steps: those that ended in a handler are counted. */
static void in_loop(struct walk *walk)
{
    bool strays = walk->vcpu->rip >= HANDLERS;
    walk->strayed += strays;
    walk->loops++;
    if (walk->over ? walk->loops == STEPS : strays || walk->loops == STEPS_MOST)
        vx_machine_stop(walk->machine, 0);
    else
        vx_debug_go_step(walk->debug, 1);
}

static void stopped(void *opaque, const struct vx_debug_stop *stop)
{
    struct walk *walk = opaque;
    struct vx_debug_point at_int = {
        .kind = VX_POINT_EXEC, .enabled = true, .temporary = true, .first = 0xF0000 + AT_INT, .last = 0xF0000 + AT_INT
    };
    switch (walk->stops++) {
    case 0:
        vx_debug_set_hold_interrupts(walk->debug, walk->over);
        vx_debug_set_step_over_int(walk->debug, walk->over);
        cr_assert_neq(vx_debug_add_point(walk->debug, &at_int), 0);
        vx_debug_go(walk->debug);
        return;
    case 1:
        cr_assert_eq(walk->vcpu->rip, AT_INT);
        vx_debug_go_step(walk->debug, 1);
        return;
    case 2:
        cr_assert_eq(stop->cause, VX_CAUSE_STEP);
        cr_assert(walk->over ? walk->vcpu->rip == AT_HLT : walk->vcpu->rip >= HANDLERS, "at %x",
                  (unsigned)walk->vcpu->rip);
        if (!walk->over)
            break;
        cr_assert_eq(count_at(walk, 0x502), 1);
        vx_debug_go_step(walk->debug, 1);
        return;
    case 3:
        if (!walk->over)
            break;
        cr_assert_eq(walk->vcpu->rip, AT_LOOP);
        cr_assert_neq(count_at(walk, 0x500), 0);
        break;
    default: break;
    }
    in_loop(walk);
}

static const struct vx_debug_front front = { .stopped = stopped };

static void walk_through(enum vx_engine engine, bool over)
{
    struct rom rom;
    struct rom_machine rig;
    int value;
    rom_make(&rom, code, sizeof code, handlers, sizeof handlers);
    cr_assert_eq(rom_machine_create_with(&rig, &rom, (struct vx_machine_config){ .engine = engine, .debug = true }),
                 VX_ERR_OK);
    struct walk walk = { .machine = rig.machine,
                         .debug = vx_machine_debug(rig.machine),
                         .vcpu = vx_machine_vcpu(rig.machine),
                         .over = over };
    vx_debug_set_front(walk.debug, &front, &walk);
    vx_debug_stop_at_start(walk.debug);
    cr_assert_eq(vx_machine_run(rig.machine, &value), VX_END_STOPPED);
    cr_assert(over ? walk.strayed == 0 : walk.strayed != 0, "%u of %u steps ended in a handler", walk.strayed,
              walk.loops);
    vx_debug_set_front(walk.debug, NULL, NULL);
    rom_machine_destroy(&rig);
}

Test(steps, held_and_over)
{
    walk_through(VX_ENGINE_INTERP, true);
    walk_through(VX_ENGINE_BT, true);
}

Test(steps, into_everything)
{
    walk_through(VX_ENGINE_INTERP, false);
    walk_through(VX_ENGINE_BT, false);
}
