/* ide.c - the PCI function of the PIIX3's IDE interface, and the wiring of its two channels and four drives.
 *
 * I1. The legacy ports answer only while the function decodes I/O and the channel's IDETIM enables it. */
#include "ide.h"

#include <stdlib.h>

#include "ata.h"
#include "atapi.h"
#include "ide_channel.h"

#define PIIX3_VENDOR     0x8086
#define PIIX3_IDE_DEVICE 0x7010
#define PIIX3_IDE_CLASS  0x010180 /* both channels in compatibility mode, bus master */
#define BMIBA_BAR        4
/* IDETIM of each channel: 15 decode enable, 14 slave timing, 13-12 sample point, 9-8 recovery, 7-0 modes per drive. */
#define IDETIM           0x40
#define IDETIM_IDE       0x8000u
#define IDETIM_WRITABLE  0xF3FFu
#define SIDETIM          0x44

/* A channel with its two legacy regions: what their handlers need. */
struct ide_port {
    struct ide *ide;
    struct ide_channel channel;
    struct vx_region command, control;
};

struct ide {
    struct vx_bus *bus;
    struct vx_loop *loop;
    struct pci_function function;
    struct ide_port port[IDE_CHANNELS];
    struct vx_region busmaster;
    struct ide_drive drive[IDE_DRIVES];
    bool present[IDE_DRIVES];
};

static bool decodes(const struct ide_port *port)
{
    const struct pci_function *function = &port->ide->function;
    return (pci_get16(function, PCI_COMMAND) & PCI_COMMAND_IO) &&
           (pci_get16(function, IDETIM + 2 * port->channel.number) & IDETIM_IDE);
}

/* ---- legacy ports ----------------------------------------------------------------------------------------------- */

static uint64_t command_read(void *opaque, uint64_t off, unsigned size)
{
    struct ide_port *port = opaque;
    return decodes(port) ? ide_channel_read(&port->channel, (unsigned)off, size) : UINT64_MAX;
}

static void command_write(void *opaque, uint64_t off, unsigned size, uint64_t value)
{
    struct ide_port *port = opaque;
    if (decodes(port))
        ide_channel_write(&port->channel, (unsigned)off, size, (uint32_t)value);
}

static struct ide_drive *data_drive(struct ide_port *port, uint64_t off)
{
    return off == IDE_DATA && decodes(port) ? ide_channel_selected(&port->channel) : NULL;
}

static size_t command_read_block(void *opaque, uint64_t off, unsigned size, void *buf, size_t count)
{
    struct ide_drive *drive = data_drive(opaque, off);
    return drive != NULL ? ide_drive_data_read_block(drive, size, buf, count) : 0;
}

static size_t command_write_block(void *opaque, uint64_t off, unsigned size, const void *buf, size_t count)
{
    struct ide_drive *drive = data_drive(opaque, off);
    return drive != NULL ? ide_drive_data_write_block(drive, size, buf, count) : 0;
}

static uint64_t control_read(void *opaque, uint64_t off, unsigned size)
{
    (void)off, (void)size;
    struct ide_port *port = opaque;
    return decodes(port) ? ide_channel_alt_status(&port->channel) : UINT64_MAX;
}

static void control_write(void *opaque, uint64_t off, unsigned size, uint64_t value)
{
    (void)off, (void)size;
    struct ide_port *port = opaque;
    if (decodes(port))
        ide_channel_write_control(&port->channel, (uint8_t)value);
}

/* ---- bus master ------------------------------------------------------------------------------------------------- */

static void pump(struct ide_channel *channel)
{
    for (unsigned i = 0; i < 2; i++)
        if (channel->drive[i] != NULL)
            ide_drive_pump(channel->drive[i]);
}

static uint64_t busmaster_read(void *opaque, uint64_t off, unsigned size)
{
    (void)size;
    struct ide *ide = opaque;
    return ide_busmaster_read(&ide->port[off / BM_PORTS].channel.busmaster, off % BM_PORTS);
}

static void busmaster_write(void *opaque, uint64_t off, unsigned size, uint64_t value)
{
    (void)size;
    struct ide *ide = opaque;
    struct ide_channel *channel = &ide->port[off / BM_PORTS].channel;
    if (ide_busmaster_write(&channel->busmaster, off % BM_PORTS, (uint8_t)value))
        pump(channel);
}

/* ---- PCI -------------------------------------------------------------------------------------------------------- */

static void config_written(void *opaque, unsigned reg, unsigned size)
{
    (void)size;
    struct ide *ide = opaque;
    if (reg >= PCI_COMMAND + 2) /* master enable may have let a waiting transfer go */
        return;
    for (unsigned i = 0; i < IDE_CHANNELS; i++)
        pump(&ide->port[i].channel);
}

static vx_err add_function(struct ide *ide, const struct ide_config *config)
{
    struct pci_function *function = &ide->function;
    const struct pci_ident ident = {
        .name = "piix3 ide",
        .vendor = PIIX3_VENDOR,
        .device = PIIX3_IDE_DEVICE,
        .class_code = PIIX3_IDE_CLASS,
    };
    pci_function_init(function, &ident);
    function->opaque = ide;
    function->written = config_written;
    ide->busmaster = (struct vx_region){
        .name = "piix3 ide bus master",
        .read = busmaster_read,
        .write = busmaster_write,
        .opaque = ide,
    };
    function->bar[BMIBA_BAR] = (struct pci_bar){
        .size = IDE_CHANNELS * BM_PORTS,
        .io = true,
        .region = &ide->busmaster,
        .mapped_at = PCI_UNMAPPED,
    };
    pci_set16(function, PCI_STATUS, PCI_STATUS_FAST_BACK | PCI_STATUS_DEVSEL_MEDIUM);
    for (unsigned i = 0; i < IDE_CHANNELS; i++) {
        function->write_mask[IDETIM + 2 * i] = IDETIM_WRITABLE & 0xFF;
        function->write_mask[IDETIM + 2 * i + 1] = IDETIM_WRITABLE >> 8;
    }
    function->write_mask[SIDETIM] = 0xFF;
    return pci_add(config->pci, config->slot, config->function, function);
}

/* ---- wiring ----------------------------------------------------------------------------------------------------- */

static vx_err add_drive(struct ide *ide, const struct ide_config *config, unsigned position)
{
    static const struct ide_drive_ops *const ops[] = {
        [VX_IDE_DISK] = &ata_ops,
        [VX_IDE_CDROM] = &atapi_ops,
    };
    struct ide_drive *drive = &ide->drive[position];
    struct ide_channel *channel = &ide->port[position / 2].channel;
    const struct vx_block *block = config->drive[position].block;
    enum ide_kind kind = config->drive[position].kind;
    if (kind == VX_IDE_NONE)
        return VX_ERR_OK;
    if (kind == VX_IDE_DISK && (block == NULL || block->bytes < IDE_SECTOR_BYTES))
        return VX_ERR_BAD_ARGUMENT;
    *drive = (struct ide_drive){
        .channel = channel,
        .log = config->log,
        .block = config->drive[position].block,
        .position = position,
    };
    VX_TRY(ide_drive_init(drive, ops[kind]));
    ide->present[position] = true;
    channel->drive[position % 2] = drive;
    return VX_ERR_OK;
}

static vx_err add_channel(struct ide *ide, const struct ide_config *config, unsigned number)
{
    static const uint16_t command_ports[] = { 0x1F0, 0x170 }, control_ports[] = { 0x3F6, 0x376 };
    static const char *const names[][2] = { { "ide primary", "ide primary control" },
                                            { "ide secondary", "ide secondary control" } };
    struct ide_port *port = &ide->port[number];
    port->command = (struct vx_region){
        .name = names[number][0],
        .space = VX_SPACE_IO,
        .base = command_ports[number],
        .size = 8,
        .max_size = 4,
        .read = command_read,
        .write = command_write,
        .read_block = command_read_block,
        .write_block = command_write_block,
        .opaque = port,
    };
    port->control = (struct vx_region){
        .name = names[number][1],
        .space = VX_SPACE_IO,
        .base = control_ports[number],
        .size = 1,
        .read = control_read,
        .write = control_write,
        .opaque = port,
    };
    VX_TRY(vx_bus_add(config->bus, &port->command));
    return vx_bus_add(config->bus, &port->control);
}

static void init_channel(struct ide *ide, const struct ide_config *config, unsigned number)
{
    ide->port[number].ide = ide;
    ide->port[number].channel = (struct ide_channel){
        .log = config->log,
        .number = number,
        .irq = config->irq[number],
        .busmaster = { .pmap = config->pmap, .function = &ide->function },
    };
}

static void ide_reset(void *instance, enum reset phase)
{
    struct ide *ide = instance;
    for (unsigned i = 0; i < IDE_CHANNELS; i++) {
        if (phase == VX_RESET_HOLD)
            ide_channel_reset_hold(&ide->port[i].channel);
        else
            ide_channel_reset_release(&ide->port[i].channel);
    }
}

static void ide_restored(void *instance)
{
    struct ide *ide = instance;
    for (unsigned i = 0; i < IDE_DRIVES; i++)
        if (ide->present[i])
            ide_drive_restored(&ide->drive[i]);
}

bool ide_is_busy(const struct ide *ide)
{
    for (unsigned i = 0; i < IDE_DRIVES; i++)
        if (ide->present[i] && ide->drive[i].in_flight)
            return true;
    return false;
}

uint64_t ide_writes(const struct ide *ide)
{
    uint64_t writes = 0;
    for (unsigned i = 0; i < IDE_DRIVES; i++)
        writes += ide->drive[i].writes;
    return writes;
}

void ide_drain(struct ide *ide)
{
    while (ide_is_busy(ide))
        if (!vx_loop_run_posted(ide->loop))
            vx_loop_wait(ide->loop, UINT64_MAX);
}

static void ide_destroy(void *instance)
{
    struct ide *ide = instance;
    if (ide == NULL)
        return;
    ide_drain(ide);
    pci_remove(&ide->function);
    for (unsigned i = 0; i < IDE_CHANNELS; i++) {
        vx_bus_remove(ide->bus, &ide->port[i].command);
        vx_bus_remove(ide->bus, &ide->port[i].control);
    }
    for (unsigned i = 0; i < IDE_DRIVES; i++)
        if (ide->present[i])
            ide_drive_fini(&ide->drive[i]);
    free(ide);
}

static vx_err build(struct ide *ide, const struct ide_config *config)
{
    for (unsigned i = 0; i < IDE_CHANNELS; i++) {
        init_channel(ide, config, i);
        VX_TRY(add_channel(ide, config, i));
    }
    for (unsigned i = 0; i < IDE_DRIVES; i++)
        VX_TRY(add_drive(ide, config, i));
    return add_function(ide, config);
}

vx_err ide_create(const struct ide_config *config, struct ide **out)
{
    struct ide *ide = calloc(1, sizeof *ide);
    if (ide == NULL)
        return VX_ERR_NO_MEMORY;
    ide->bus = config->bus;
    ide->loop = config->loop;
    vx_err err = build(ide, config);
    if (err != VX_ERR_OK) {
        ide_destroy(ide);
        return err;
    }
    ide_reset(ide, VX_RESET_HOLD);
    ide_reset(ide, VX_RESET_RELEASE);
    *out = ide;
    return VX_ERR_OK;
}

static const struct state_field port_fields[] = {
    FIELD_STRUCT(struct ide_port, channel, &ide_channel_state),
    WIRES(struct ide_port, ide, command, control),
};
static const struct state_table port_state = STATE_TABLE(struct ide_port, port_fields, NULL);

static const struct state_field fields[] = {
    REGISTER_SAME(struct ide, present),
    FIELD_STRUCT(struct ide, port, &port_state),
    FIELD_STRUCT(struct ide, drive, &ide_drive_state),
    FIELD_STRUCT(struct ide, function, &pci_function_state),
    WIRES(struct ide, bus, loop, busmaster),
};
static const struct state_table state = STATE_TABLE(struct ide, fields, NULL);

const struct device_type ide_type = {
    .name = "piix3 ide",
    .version = 1,
    .state = &state,
    .reset = ide_reset,
    .restored = ide_restored,
    .destroy = ide_destroy,
};
