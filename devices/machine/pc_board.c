/* pc_board.c - the schematic: every chip of the machine and what its wires are connected to.
 *
 *     device IRQ n --+
 *     PIRQ (PIIX3) --+--> isa[n] --+--> 8259 IRn --> INT --> LINT0 of the first CPU's local APIC --> its INTR
 *     SCI (n = 9) ---+             +--> I/O APIC pin n (IRQ 0: pin 2) --> message --> local APICs --> INTR
 *
 *     8254 OUT0, RTC --> HPET --> IRQ 0, IRQ 8                HPET --> I/O APIC pins 20-23
 *
 * PCI slots: 00 i440FX; 01.0 PIIX3, 01.1 IDE, 01.3 PIIX4 PM; 02 VGA; 06, 07 sound cards (pc_sound.c). */
#include "hpet.h"
#include "pc.h"
#include "pc_lockstep.h"
#include "pc_time.h"
#include "vx86/isa.h"

#define IDE_FUNCTION 1
#define VGA_SLOT     2

void pc_own(struct vx_machine *pc, const struct device_type *type, void *instance)
{
    VX_ASSERT(pc->device_count < PC_MAX_DEVICES);
    pc->devices[pc->device_count++] = (struct device){ type, instance };
}

/* ---- interrupt fabric ------------------------------------------------------------------------------------------- */

static void isa_irq_out(void *opaque, unsigned irq, bool level)
{
    struct vx_machine *pc = opaque;
    struct vx_irq pic = pic_input(pc->pic, irq);
    struct vx_irq pin = ioapic_input(pc->ioapic, irq == 0 ? 2 : irq);
    vx_irq_set(&pic, level);
    if (irq != 2) /* the cascade is no interrupt, and its pin is taken by IRQ 0 */
        vx_irq_set(&pin, level);
}

static struct vx_irq isa_irq(struct vx_machine *pc, unsigned irq)
{
    return irq_or_input(&pc->wires.isa[irq], PC_IRQ_DEVICE);
}

static const struct state_field wire_fields[] = {
    FIELD_STRUCT(struct pc_wires, isa, &irq_or_state),
    FIELD_STRUCT(struct pc_wires, a20, &irq_or_state),
};
static const struct state_table wire_state = STATE_TABLE(struct pc_wires, wire_fields, NULL);

/* The gate at the end of A20 keeps no level of its own. */
static void wires_restored(void *instance)
{
    const struct pc_wires *wires = instance;
    vx_irq_set(&wires->a20.out, wires->a20.inputs != 0);
}

static void wires_destroy(void *instance)
{
    (void)instance; /* a part of the machine */
}

static const struct device_type wires_type = {
    .name = "wires",
    .version = 2,
    .state = &wire_state,
    .restored = wires_restored,
    .destroy = wires_destroy,
};

static void apic_send(void *opaque, const struct apic_message *message)
{
    struct vx_machine *pc = opaque;
    for (unsigned i = 0; i < pc->cpu_count; i++)
        lapic_message(pc->cpu[i].lapic, message->destination, message->logical, (enum lapic_delivery)message->mode,
                      message->vector, message->level_triggered);
}

static int extint_ack(void *opaque)
{
    return pic_ack(((struct pc_cpu *)opaque)->pc->pic);
}

static void apic_eoi(void *opaque, uint8_t vector)
{
    ioapic_eoi(((struct pc_cpu *)opaque)->pc->ioapic, vector);
}

static void page_alias_set(void *opaque, unsigned line, bool level)
{
    (void)line;
    i8237_alias_pages(((struct vx_machine *)opaque)->dma, level);
}

static void pirq_set(void *opaque, unsigned pirq, bool level)
{
    piix3_set_pirq(((struct vx_machine *)opaque)->piix3, pirq, level);
}

/* ---- lines to the processors ------------------------------------------------------------------------------------ */

static void cpu_intr(void *opaque, unsigned line, bool level)
{
    (void)line;
    struct pc_cpu *cpu = opaque;
    pc_lockstep_intr(cpu->pc->lockstep, level);
    vx_vcpu_set_intr(cpu->vcpu, level);
}

static void smi_set(void *opaque, unsigned line, bool level)
{
    (void)line;
    struct vx_machine *pc = opaque;
    if (!level)
        return;
    pc_lockstep_smi(pc->lockstep);
    for (unsigned i = 0; i < pc->cpu_count; i++)
        vx_vcpu_smi(pc->cpu[i].vcpu);
}

/* Of the processor's own local APIC; smi_set() is the pin that all share. */
static void cpu_smi(void *opaque, unsigned line, bool level)
{
    (void)line;
    struct pc_cpu *cpu = opaque;
    if (!level)
        return;
    pc_lockstep_smi(cpu->pc->lockstep);
    vx_vcpu_smi(cpu->vcpu);
}

static void cpu_nmi(void *opaque, unsigned line, bool level)
{
    (void)line;
    struct pc_cpu *cpu = opaque;
    if (!level)
        return;
    pc_lockstep_nmi(cpu->pc->lockstep);
    cpu->vcpu->nmi_pending = true;
    vx_vcpu_raise(cpu->vcpu, VX_ATTN_NMI);
}

/* Pulses that ask the machine's turn for something: `line` is what pc_request() takes. */
static void request_set(void *opaque, unsigned line, bool level)
{
    if (level)
        pc_request(opaque, line);
}

static struct vx_irq request_line(struct vx_machine *pc, uint32_t request)
{
    return (struct vx_irq){ .set = request_set, .opaque = pc, .line = request };
}

static void a20_set(void *opaque, unsigned line, bool level)
{
    (void)line;
    vx_pmap_set_a20(((struct vx_machine *)opaque)->pmap, level);
}

static void debug_exit(void *opaque, uint32_t value)
{
    struct vx_machine *pc = opaque;
    pc->debug_exit_code = (int)value;
    pc_request(pc, PC_REQUEST_DEBUG_EXIT);
}

/* ---- registers of the processor that asks ----------------------------------------------------------------------- */

static uint32_t asking_get(void *opaque, enum vx_gpr reg)
{
    const struct vx_machine *pc = opaque;
    return (uint32_t)pc->asking->vcpu->gpr[reg];
}

static void asking_set(void *opaque, enum vx_gpr reg, uint32_t value)
{
    struct vx_machine *pc = opaque;
    pc_lockstep_register(pc->lockstep, reg, value);
    pc->asking->vcpu->gpr[reg] = value;
}

static void mouse_nudge(void *opaque)
{
    i8042_nudge_mouse(((struct vx_machine *)opaque)->i8042);
}

/* ---- chips ------------------------------------------------------------------------------------------------------ */

static vx_err create_lapic(struct vx_machine *pc, struct pc_cpu *cpu)
{
    VX_TRY(lapic_create(
        &(struct lapic_config){
            .log = pc->log,
            .bus = cpu->bus,
            .clock = pc->clock,
            .id = (uint8_t)cpu->number,
            .intr = { .set = cpu_intr, .opaque = cpu },
            .nmi = { .set = cpu_nmi, .opaque = cpu },
            .init = request_line(pc, PC_REQUEST_INIT_OF(cpu->number)),
            .smi = { .set = cpu_smi, .opaque = cpu },
            .tsc_deadline = vx_cpu_has(cpu->vcpu->model, VX_F_TSC_DEADLINE),
            .extint_ack = extint_ack,
            .eoi = apic_eoi,
            .opaque = cpu,
        },
        &cpu->lapic));
    pc_own(pc, &lapic_type, cpu->lapic);
    return VX_ERR_OK;
}

static vx_err create_interrupts(struct vx_machine *pc)
{
    VX_TRY(ioapic_create(&(struct ioapic_config){ .log = pc->log, .bus = pc->bus, .send = apic_send, .opaque = pc },
                         &pc->ioapic));
    pc_own(pc, &ioapic_type, pc->ioapic);
    for (unsigned i = 0; i < pc->cpu_count; i++)
        VX_TRY(create_lapic(pc, &pc->cpu[i]));
    struct vx_irq intr = lapic_lint(pc->cpu[0].lapic, 0);
    VX_TRY(pic_create(&(struct pic_config){ .log = pc->log, .bus = pc->bus, .intr = intr }, &pc->pic));
    pc_own(pc, &pic_type, pc->pic);
    for (unsigned irq = 0; irq < PC_ISA_IRQS; irq++)
        irq_or_init(&pc->wires.isa[irq], (struct vx_irq){ .set = isa_irq_out, .opaque = pc, .line = irq });
    irq_or_init(&pc->wires.a20, (struct vx_irq){ .set = a20_set, .opaque = pc });
    pc_own(pc, &wires_type, &pc->wires);
    VX_TRY(fpu_error_create(&(struct fpu_error_config){ .bus = pc->bus, .irq13 = isa_irq(pc, 13) }, &pc->fpu_error));
    pc_own(pc, &fpu_error_type, pc->fpu_error);
    return VX_ERR_OK;
}

static vx_err create_bridges(struct vx_machine *pc)
{
    struct pci_config pci = { .log = pc->log,
                              .bus = pc->bus,
                              .pmap = pc->pmap,
                              .memory_first = pc_memory_pci_first(pc),
                              .memory_end = PC_PCI_MEMORY_END };
    for (unsigned i = 0; i < PCI_PIRQS; i++)
        pci.pirq[i] = (struct vx_irq){ .set = pirq_set, .opaque = pc, .line = i };
    VX_TRY(pci_create(&pci, &pc->pci));
    pc_own(pc, &pci_type, pc->pci);

    VX_TRY(i440fx_create(&(struct i440fx_config){ .pci = pc->pci, .pmap = pc->pmap, .bios_page = pc->bios_window_page },
                         &pc->bridge));
    pc_own(pc, &i440fx_type, pc->bridge);

    VX_TRY(i8237_create(&(struct i8237_config){ .log = pc->log, .bus = pc->bus, .pmap = pc->pmap }, &pc->dma));
    pc_own(pc, &i8237_type, pc->dma);
    struct piix3_config piix3 = { .pci = pc->pci,
                                  .reset = request_line(pc, PC_REQUEST_RESET),
                                  .init = request_line(pc, PC_REQUEST_CPU_RESET),
                                  .page_alias = { .set = page_alias_set, .opaque = pc } };
    for (unsigned irq = 0; irq < PC_ISA_IRQS; irq++)
        piix3.isa[irq] = irq_or_input(&pc->wires.isa[irq], PC_IRQ_PIRQ);
    VX_TRY(piix3_create(&piix3, &pc->piix3));
    pc_own(pc, &piix3_type, pc->piix3);

    VX_TRY(piix4_pm_create(
        &(struct piix4_pm_config){
            .log = pc->log,
            .bus = pc->bus,
            .clock = pc->clock,
            .pci = pc->pci,
            .sci = irq_or_input(&pc->wires.isa[9], PC_IRQ_SCI),
            .power_off = request_line(pc, PC_REQUEST_POWER_OFF),
            .smi = { .set = smi_set, .opaque = pc },
        },
        &pc->pm));
    pc_own(pc, &piix4_pm_type, pc->pm);
    return VX_ERR_OK;
}

/* The 8254 and the RTC interrupt through the HPET, which can take their place. */
static vx_err create_timers(struct vx_machine *pc, const struct vx_machine_config *config)
{
    struct hpet *hpet;
    struct hpet_config wires = { .bus = pc->bus, .clock = pc->clock, .legacy = { isa_irq(pc, 0), isa_irq(pc, 8) } };
    for (unsigned i = 0; i < HPET_PINS; i++)
        wires.pin[i] = ioapic_input(pc->ioapic, HPET_FIRST_PIN + i);
    VX_TRY(hpet_create(&wires, &hpet));
    pc_own(pc, &hpet_type, hpet);
    struct pit_config pit = { .bus = pc->bus, .clock = pc->clock, .out0 = hpet_legacy_input(hpet, HPET_IRQ0) };
    VX_TRY(pit_create(&pit, &pc->pit));
    pc_own(pc, &pit_type, pc->pit);
    struct port61 *port61;
    VX_TRY(pc_sound_create_speaker(pc, config));
    VX_TRY(port61_create(
        &(struct port61_config){
            .bus = pc->bus, .clock = pc->clock, .pit = pc->pit, .speaker = pc_speaker_data(pc->speaker) },
        &port61));
    pc_own(pc, &port61_type, port61);
    struct rtc_config rtc = { .bus = pc->bus, .clock = pc->clock, .irq = hpet_legacy_input(hpet, HPET_IRQ8) };
    VX_TRY(rtc_create(&rtc, &pc->rtc));
    pc_own(pc, &rtc_type, pc->rtc);
    return VX_ERR_OK;
}

static vx_err create_serial(struct vx_machine *pc, struct vx_char *const chr[2], bool ungated)
{
    static const struct {
        const char *name;
        uint16_t base;
        unsigned irq;
    } ports[2] = {
        { "uart16550 COM1", 0x3F8, 4 },
        { "uart16550 COM2", 0x2F8, 3 },
    };
    for (unsigned i = 0; i < VX_ARRAY_LEN(ports); i++) {
        struct uart16550 *uart;
        VX_TRY(uart16550_create(&(struct uart16550_config){ .bus = pc->bus,
                                                            .clock = pc->clock,
                                                            .name = ports[i].name,
                                                            .base = ports[i].base,
                                                            .irq = isa_irq(pc, ports[i].irq),
                                                            .chr = chr[i],
                                                            .ungated = ungated },
                                &uart));
        pc_own(pc, &uart16550_type, uart);
    }
    return VX_ERR_OK;
}

static vx_err create_keyboard(struct vx_machine *pc, struct vx_input *input)
{
    VX_TRY(i8042_create(
        &(struct i8042_config){
            .log = pc->log,
            .bus = pc->bus,
            .clock = pc->clock,
            .irq_keyboard = isa_irq(pc, 1),
            .irq_aux = isa_irq(pc, 12),
            .a20 = irq_or_input(&pc->wires.a20, PC_A20_I8042),
            .reset = request_line(pc, PC_REQUEST_CPU_RESET),
            .input = input,
        },
        &pc->i8042));
    pc_own(pc, &i8042_type, pc->i8042);
    struct port92 *port92;
    VX_TRY(port92_create(&(struct port92_config){ .bus = pc->bus,
                                                  .a20 = irq_or_input(&pc->wires.a20, PC_A20_PORT92),
                                                  .cpu_reset = request_line(pc, PC_REQUEST_CPU_RESET) },
                         &port92));
    pc_own(pc, &port92_type, port92);
    return VX_ERR_OK;
}

/* Behind the keyboard controller, whose pointer it takes. */
static vx_err create_vmmouse(struct vx_machine *pc, struct vx_input *input)
{
    struct vmmouse *vmmouse;
    struct vmmouse_cpu cpu = { .get = asking_get, .set = asking_set, .nudge = mouse_nudge, .opaque = pc };
    VX_TRY(vmmouse_create(&(struct vmmouse_config){ .log = pc->log, .bus = pc->bus, .input = input, .cpu = cpu },
                          &vmmouse));
    pc_own(pc, &vmmouse_type, vmmouse);
    return VX_ERR_OK;
}

static vx_err create_video(struct vx_machine *pc, const struct vx_machine_config *config)
{
    VX_TRY(vga_create(&(struct vga_config){ .log = pc->log,
                                            .bus = pc->bus,
                                            .clock = pc->clock,
                                            .pmap = pc->pmap,
                                            .pci = pc->pci,
                                            .slot = VGA_SLOT,
                                            .rom = config->vga_bios,
                                            .rom_bytes = config->vga_bios_bytes,
                                            .display = config->display },
                      &pc->vga));
    pc_own(pc, &vga_type, pc->vga);
    return VX_ERR_OK;
}

static vx_err create_ide(struct vx_machine *pc, const struct vx_machine_config *config)
{
    struct ide_config ide = { .log = pc->log,
                              .bus = pc->bus,
                              .pci = pc->pci,
                              .slot = PIIX3_SLOT,
                              .function = IDE_FUNCTION,
                              .pmap = pc->pmap,
                              .loop = pc->loop,
                              .irq = { isa_irq(pc, 14), isa_irq(pc, 15) } };
    for (unsigned i = 0; i < VX_MAX_IDE; i++) {
        if (config->disk[i] != NULL) {
            ide.drive[i].kind = VX_IDE_DISK;
            ide.drive[i].block = pc_disk_timed(pc, i, config->disk[i]);
        } else if (config->cdrom[i] != NULL) {
            ide.drive[i].kind = VX_IDE_CDROM;
            ide.drive[i].block = pc_disk_timed(pc, i, config->cdrom[i]);
        }
        if (ide.drive[i].block == NULL && (config->disk[i] != NULL || config->cdrom[i] != NULL))
            return VX_ERR_NO_MEMORY;
        if (pc->timed_disk[i] != NULL)
            pc_own(pc, &pc_timed_disk_type, pc->timed_disk[i]);
    }
    VX_TRY(ide_create(&ide, &pc->ide));
    pc_own(pc, &ide_type, pc->ide);
    return VX_ERR_OK;
}

static vx_err create_virtual(struct vx_machine *pc, const struct vx_machine_config *config)
{
    VX_TRY(fw_cfg_create(
        &(struct fw_cfg_config){ .log = pc->log, .bus = pc->bus, .clock = pc->clock, .pmap = pc->pmap }, &pc->fw_cfg));
    pc_own(pc, &fw_cfg_type, pc->fw_cfg);
    struct debugcon *debugcon;
    VX_TRY(debugcon_create(&(struct debugcon_config){ .bus = pc->bus, .port = DEBUGCON_PORT, .out = config->debugcon },
                           &debugcon));
    pc_own(pc, &debugcon_type, debugcon);
    return VX_ERR_OK;
}

/* Lines 0 to 15 like any ISA device's; 16 and up end at the I/O APIC. */
static vx_err create_testdev(struct vx_machine *pc)
{
    struct pc_testdev_config config = { .bus = pc->bus, .pmap = pc->pmap };
    struct pc_testdev *chip;
    for (unsigned i = 0; i < PC_TESTDEV_LINES; i++)
        config.line[i] = i < PC_ISA_IRQS ? irq_or_input(&pc->wires.isa[i], PC_IRQ_TEST) : ioapic_input(pc->ioapic, i);
    VX_TRY(pc_testdev_create(&config, &chip));
    pc_own(pc, &pc_testdev_type, chip);
    return VX_ERR_OK;
}

/* What test kernels for virtual PCs want to find. */
static vx_err create_test_devices(struct vx_machine *pc, const struct vx_machine_config *config)
{
    for (unsigned i = 0; i < VX_MAX_DEBUG_EXITS && config->debug_exit[i].count != 0; i++) {
        struct debug_exit *chip;
        VX_TRY(debug_exit_create(
            &(struct debug_exit_config){
                .bus = pc->bus, .ports = config->debug_exit[i], .exit = debug_exit, .opaque = pc },
            &chip));
        pc_own(pc, &debug_exit_type, chip);
    }
    return config->pc_testdev ? create_testdev(pc) : VX_ERR_OK;
}

vx_err pc_board_create(struct vx_machine *pc, const struct vx_machine_config *config)
{
    pc->asking = &pc->cpu[0];
    VX_TRY(create_interrupts(pc));
    VX_TRY(create_bridges(pc));
    VX_TRY(create_timers(pc, config));
    VX_TRY(create_keyboard(pc, config->input));
    VX_TRY(create_vmmouse(pc, config->input));
    VX_TRY(create_serial(pc, config->serial, config->uart_ungated));
    VX_TRY(create_video(pc, config));
    VX_TRY(create_ide(pc, config));
    VX_TRY(pc_floppy_create(pc, config));
    VX_TRY(pc_sound_create_cards(pc, config));
    VX_TRY(create_virtual(pc, config));
    return create_test_devices(pc, config);
}
