/* uart16550.c - the 16550A: guest ports on one side, a character back end on the other.
 *
 * Data flow: THR -> vx_char_ops.write at once (or into our own receiver in loopback); receive() -> FIFO -> RBR.
 *
 * Invariants
 *   I1  The interrupt line always equals "some enabled source is pending, and the OUT2 pin is active", which it is not
 *       in loopback: every change of a source ends in update_irq().
 *   I2  thre_pending is set by an emptied transmitter and by enabling IER.ETBEI while it is empty; cleared by reading
 *       IIR when that reports it, and by writing THR. Drivers test for exactly that (Linux 8250 "UART_BUG_THRE").
 *   I3  fifo_count <= capacity (16 with FIFOs on, 1 without). */
#include "uart16550.h"

#include <stdlib.h>

enum { REG_RBR_THR_DLL, REG_IER_DLM, REG_IIR_FCR, REG_LCR, REG_MCR, REG_LSR, REG_MSR, REG_SCR, REG_COUNT };

enum { IER_ERBFI = 0x01, IER_ETBEI = 0x02, IER_ELSI = 0x04, IER_EDSSI = 0x08, IER_MASK = 0x0F };
enum {
    IIR_NONE = 0x01,
    IIR_MODEM = 0x00,
    IIR_THRE = 0x02,
    IIR_RX = 0x04,
    IIR_LINE = 0x06,
    IIR_TIMEOUT = 0x0C,
    IIR_FIFOS = 0xC0,
};
enum { FCR_ENABLE = 0x01, FCR_CLEAR_RX = 0x02, FCR_CLEAR_TX = 0x04, FCR_DMA = 0x08, FCR_TRIGGER = 0xC0 };
enum { LCR_WLS = 0x03, LCR_STB = 0x04, LCR_PEN = 0x08, LCR_BREAK = 0x40, LCR_DLAB = 0x80 };
enum { MCR_DTR = 0x01, MCR_RTS = 0x02, MCR_OUT1 = 0x04, MCR_OUT2 = 0x08, MCR_LOOP = 0x10, MCR_MASK = 0x1F };
enum {
    LSR_DR = 0x01,
    LSR_OE = 0x02,
    LSR_PE = 0x04,
    LSR_FE = 0x08,
    LSR_BI = 0x10,
    LSR_THRE = 0x20,
    LSR_TEMT = 0x40,
    LSR_FIFO_ERROR = 0x80,
    LSR_ERRORS = LSR_OE | LSR_PE | LSR_FE | LSR_BI,
};
enum {
    MSR_DCTS = 0x01,
    MSR_DDSR = 0x02,
    MSR_TERI = 0x04,
    MSR_DDCD = 0x08,
    MSR_CTS = 0x10,
    MSR_DSR = 0x20,
    MSR_RI = 0x40,
    MSR_DCD = 0x80,
    MSR_DELTAS = 0x0F,
};

enum { FIFO_BYTES = 16, UART_CLOCK_HZ = 1843200, DIVISOR_9600 = 12 };

/* How often LSR must be found empty, nothing being sent in between, before a guest with RTS down counts as
 * listening. */
enum { LISTENING_POLLS = 16 };

struct rx_char {
    uint8_t byte, errors; /* errors: LSR bits that belong to this character */
};

struct uart16550 {
    struct vx_bus *bus;
    struct vx_clock *clock;
    struct vx_irq irq;
    struct vx_char *chr;
    struct vx_region region;
    bool ungated;
    struct vx_timer timeout_timer;

    uint8_t ier, fcr, lcr, mcr, scr;
    uint8_t line_errors; /* LSR_ERRORS, until LSR is read */
    uint8_t msr;
    uint16_t divisor;
    bool thre_pending;
    bool timeout_pending;
    unsigned idle_polls;
    struct rx_char fifo[FIFO_BYTES];
    unsigned fifo_head, fifo_count;
};

static unsigned capacity(const struct uart16550 *uart)
{
    return (uart->fcr & FCR_ENABLE) ? FIFO_BYTES : 1;
}

static unsigned trigger_level(const struct uart16550 *uart)
{
    static const uint8_t levels[4] = { 1, 4, 8, 14 };
    return (uart->fcr & FCR_ENABLE) ? levels[uart->fcr >> 6] : 1;
}

/* The pending source of highest priority. */
static uint8_t interrupt_id(const struct uart16550 *uart)
{
    if ((uart->ier & IER_ELSI) && uart->line_errors)
        return IIR_LINE;
    if (uart->ier & IER_ERBFI) {
        if (uart->fifo_count >= trigger_level(uart))
            return IIR_RX;
        if (uart->timeout_pending)
            return IIR_TIMEOUT;
    }
    if ((uart->ier & IER_ETBEI) && uart->thre_pending)
        return IIR_THRE;
    if ((uart->ier & IER_EDSSI) && (uart->msr & MSR_DELTAS))
        return IIR_MODEM;
    return IIR_NONE;
}

static void update_irq(struct uart16550 *uart)
{
    bool gate = (uart->ungated || (uart->mcr & MCR_OUT2)) && !(uart->mcr & MCR_LOOP);
    vx_irq_set(&uart->irq, gate && interrupt_id(uart) != IIR_NONE);
}

/* ---- receiver ---------------------------------------------------------------------------------------------------- */

/* Four character times, after which a FIFO below its trigger level asks for service. */
static uint64_t timeout_ns(const struct uart16550 *uart)
{
    unsigned bits = 1 + 5 + (uart->lcr & LCR_WLS) + ((uart->lcr & LCR_PEN) != 0) + ((uart->lcr & LCR_STB) ? 2 : 1);
    unsigned divisor = uart->divisor ? uart->divisor : 1;
    return 4ull * bits * 16 * divisor * VX_NS_PER_SEC / UART_CLOCK_HZ;
}

static void restart_timeout(struct uart16550 *uart)
{
    bool counts = (uart->fcr & FCR_ENABLE) && uart->fifo_count > 0;
    uart->timeout_pending = false;
    vx_timer_set(uart->clock, &uart->timeout_timer,
                 counts ? vx_clock_now_ns(uart->clock) + timeout_ns(uart) : VX_NEVER);
}

static void timeout_expired(void *opaque)
{
    struct uart16550 *uart = opaque;
    uart->timeout_pending = uart->fifo_count > 0;
    update_irq(uart);
}

/* A character's errors reach LSR when it comes to the head of the FIFO; they stay with it, too, until LSR is read. */
static void reveal_head(struct uart16550 *uart)
{
    if (uart->fifo_count > 0)
        uart->line_errors |= uart->fifo[uart->fifo_head].errors;
}

static void push(struct uart16550 *uart, uint8_t byte, uint8_t errors)
{
    if (uart->fifo_count >= capacity(uart)) {
        uart->line_errors |= LSR_OE;
        if (!(uart->fcr & FCR_ENABLE)) { /* without FIFO the new character replaces the old one */
            uart->fifo[uart->fifo_head] = (struct rx_char){ byte, errors };
            reveal_head(uart);
        }
        return;
    }
    uart->fifo[(uart->fifo_head + uart->fifo_count) % FIFO_BYTES] = (struct rx_char){ byte, errors };
    uart->fifo_count++;
    if (uart->fifo_count == 1)
        reveal_head(uart);
    restart_timeout(uart);
}

static void clear_fifo(struct uart16550 *uart)
{
    uart->fifo_head = 0;
    uart->fifo_count = 0;
    restart_timeout(uart);
}

/* Whether host input may come in now. A line with handshake sends while RTS is up. A guest that leaves RTS down may
 * still poll for input (syslinux does, by default): it is recognised by reading LSR again and again while sending
 * nothing. Anything else, like a driver that probes the chip or is about to clear its FIFO, would only lose the
 * input. */
static bool receiver_ready(const struct uart16550 *uart)
{
    if (uart->mcr & MCR_LOOP)
        return false;
    return (uart->mcr & MCR_RTS) || uart->idle_polls >= LISTENING_POLLS;
}

static size_t receive(void *device, const uint8_t *bytes, size_t count)
{
    struct uart16550 *uart = device;
    size_t taken = 0;
    if (!receiver_ready(uart))
        return 0;
    while (taken < count && uart->fifo_count < capacity(uart))
        push(uart, bytes[taken++], 0);
    update_irq(uart);
    return taken;
}

static const struct vx_char_device_ops char_ops = { .receive = receive };

static void ask_for_input(struct uart16550 *uart)
{
    if (uart->chr != NULL && uart->chr->ops->can_receive != NULL && uart->fifo_count < capacity(uart) &&
        receiver_ready(uart))
        uart->chr->ops->can_receive(uart->chr->opaque);
}

static uint8_t read_rbr(struct uart16550 *uart)
{
    uint8_t byte = uart->fifo[uart->fifo_head].byte;
    if (uart->fifo_count > 0) {
        uart->fifo_head = (uart->fifo_head + 1) % FIFO_BYTES;
        uart->fifo_count--;
        reveal_head(uart);
    }
    restart_timeout(uart);
    update_irq(uart);
    if (uart->fifo_count == 0)
        ask_for_input(uart);
    return byte;
}

static uint8_t read_lsr(struct uart16550 *uart)
{
    uint8_t value = LSR_THRE | LSR_TEMT | uart->line_errors;
    if (uart->fifo_count > 0)
        value |= LSR_DR;
    for (unsigned i = 0; (uart->fcr & FCR_ENABLE) && i < uart->fifo_count; i++) {
        if (uart->fifo[(uart->fifo_head + i) % FIFO_BYTES].errors)
            value |= LSR_FIFO_ERROR;
    }
    uart->line_errors = 0;
    uart->fifo[uart->fifo_head].errors = 0;
    update_irq(uart);
    if (uart->fifo_count == 0 && uart->idle_polls < LISTENING_POLLS && ++uart->idle_polls == LISTENING_POLLS)
        ask_for_input(uart);
    return value;
}

/* ---- transmitter ------------------------------------------------------------------------------------------------- */

static void write_thr(struct uart16550 *uart, uint8_t byte)
{
    uart->idle_polls = 0;
    uart->thre_pending = false;
    update_irq(uart); /* the line drops between two characters: an edge-triggered controller needs to see it */
    if (uart->mcr & MCR_LOOP)
        push(uart, byte & (0xFF >> (3 - (uart->lcr & LCR_WLS))), 0);
    else if (uart->chr != NULL)
        uart->chr->ops->write(uart->chr->opaque, &byte, 1);
    uart->thre_pending = true;
    update_irq(uart);
}

/* ---- modem lines ------------------------------------------------------------------------------------------------- */

static uint8_t modem_inputs(const struct uart16550 *uart)
{
    if (!(uart->mcr & MCR_LOOP))
        return uart->chr != NULL ? MSR_CTS | MSR_DSR | MSR_DCD : 0;
    return ((uart->mcr & MCR_RTS) ? MSR_CTS : 0) | ((uart->mcr & MCR_DTR) ? MSR_DSR : 0) |
           ((uart->mcr & MCR_OUT1) ? MSR_RI : 0) | ((uart->mcr & MCR_OUT2) ? MSR_DCD : 0);
}

static void update_msr(struct uart16550 *uart)
{
    uint8_t inputs = modem_inputs(uart);
    uint8_t changed = (uart->msr ^ inputs) & 0xF0;
    uint8_t deltas = (changed >> 4) & (MSR_DCTS | MSR_DDSR | MSR_DDCD);
    if ((changed & MSR_RI) && !(inputs & MSR_RI))
        deltas |= MSR_TERI; /* the trailing edge only */
    uart->msr = inputs | (uart->msr & MSR_DELTAS) | deltas;
}

static void write_mcr(struct uart16550 *uart, uint8_t value)
{
    bool was_ready = receiver_ready(uart);
    uart->mcr = value & MCR_MASK;
    update_msr(uart);
    update_irq(uart);
    if (!was_ready)
        ask_for_input(uart);
}

static uint8_t read_msr(struct uart16550 *uart)
{
    uint8_t value = uart->msr;
    uart->msr &= 0xF0;
    update_irq(uart);
    return value;
}

/* ---- control registers ------------------------------------------------------------------------------------------- */

static void write_ier(struct uart16550 *uart, uint8_t value)
{
    bool thre_enabled = !(uart->ier & IER_ETBEI) && (value & IER_ETBEI);
    uart->ier = value & IER_MASK;
    if (thre_enabled)
        uart->thre_pending = true; /* keeps I2: the transmitter is empty */
    update_irq(uart);
}

static uint8_t read_iir(struct uart16550 *uart)
{
    uint8_t id = interrupt_id(uart);
    if (id == IIR_THRE) {
        uart->thre_pending = false;
        update_irq(uart);
    }
    return id | ((uart->fcr & FCR_ENABLE) ? IIR_FIFOS : 0);
}

static void write_fcr(struct uart16550 *uart, uint8_t value)
{
    bool toggled = ((value ^ uart->fcr) & FCR_ENABLE) != 0;
    if (!(value & FCR_ENABLE))
        value = 0; /* the other bits are only programmed together with bit 0 */
    uart->fcr = value & (FCR_ENABLE | FCR_DMA | FCR_TRIGGER);
    if (toggled || (value & FCR_CLEAR_RX))
        clear_fifo(uart);
    if (toggled || (value & FCR_CLEAR_TX))
        uart->thre_pending = true;
    update_irq(uart);
    ask_for_input(uart);
}

static void write_lcr(struct uart16550 *uart, uint8_t value)
{
    bool break_begins = !(uart->lcr & LCR_BREAK) && (value & LCR_BREAK);
    uart->lcr = value;
    if (break_begins && (uart->mcr & MCR_LOOP)) {
        push(uart, 0, LSR_BI | LSR_FE);
        update_irq(uart);
    }
}

/* ---- ports ------------------------------------------------------------------------------------------------------- */

static uint64_t port_read(void *opaque, uint64_t off, unsigned size)
{
    struct uart16550 *uart = opaque;
    bool dlab = (uart->lcr & LCR_DLAB) != 0;
    (void)size;
    switch (off) {
    case REG_RBR_THR_DLL: return dlab ? uart->divisor & 0xFF : read_rbr(uart);
    case REG_IER_DLM: return dlab ? uart->divisor >> 8 : uart->ier;
    case REG_IIR_FCR: return read_iir(uart);
    case REG_LCR: return uart->lcr;
    case REG_MCR: return uart->mcr;
    case REG_LSR: return read_lsr(uart);
    case REG_MSR: return read_msr(uart);
    default: return uart->scr;
    }
}

static void port_write(void *opaque, uint64_t off, unsigned size, uint64_t value)
{
    struct uart16550 *uart = opaque;
    uint8_t byte = (uint8_t)value;
    bool dlab = (uart->lcr & LCR_DLAB) != 0;
    (void)size;
    switch (off) {
    case REG_RBR_THR_DLL:
        if (dlab)
            uart->divisor = (uart->divisor & 0xFF00) | byte;
        else
            write_thr(uart, byte);
        break;
    case REG_IER_DLM:
        if (dlab)
            uart->divisor = (uint16_t)((uart->divisor & 0xFF) | byte << 8);
        else
            write_ier(uart, byte);
        break;
    case REG_IIR_FCR: write_fcr(uart, byte); break;
    case REG_LCR: write_lcr(uart, byte); break;
    case REG_MCR: write_mcr(uart, byte); break;
    case REG_LSR:
    case REG_MSR: break; /* factory test only */
    default: uart->scr = byte; break;
    }
}

/* ---- life -------------------------------------------------------------------------------------------------------- */

/* Phase HOLD. */
static void reset_registers(struct uart16550 *uart)
{
    uart->ier = uart->fcr = uart->lcr = uart->mcr = uart->scr = 0;
    uart->line_errors = 0;
    uart->divisor = DIVISOR_9600; /* the chip leaves it undefined */
    uart->thre_pending = false;
    uart->idle_polls = 0;
    uart->msr = modem_inputs(uart);
    clear_fifo(uart);
}

static void reset(void *instance, enum reset phase)
{
    struct uart16550 *uart = instance;
    if (phase == VX_RESET_HOLD)
        reset_registers(uart);
    else
        update_irq(uart);
}

/* What is attached may be another: its modem lines are looked at, and what it kept back is asked for. */
static void restored(void *instance)
{
    struct uart16550 *uart = instance;
    update_msr(uart);
    update_irq(uart);
    ask_for_input(uart);
}

static void destroy(void *instance)
{
    struct uart16550 *uart = instance;
    if (uart == NULL)
        return;
    vx_timer_set(uart->clock, &uart->timeout_timer, VX_NEVER);
    vx_bus_remove(uart->bus, &uart->region);
    if (uart->chr != NULL)
        vx_char_attach(uart->chr, NULL, NULL);
    free(uart);
}

/* keeps I3 */
static const char *check(const void *loaded)
{
    const struct uart16550 *uart = loaded;
    return uart->fifo_count <= capacity(uart) ? NULL : "fifo_count";
}

static const struct state_field rx_fields[] = {
    FIELD(struct rx_char, byte),
    FIELD(struct rx_char, errors),
};
static const struct state_table rx_state = STATE_TABLE(struct rx_char, rx_fields, NULL);

static const struct state_field fields[] = {
    REGISTER(struct uart16550, ier),
    REGISTER(struct uart16550, fcr),
    REGISTER(struct uart16550, lcr),
    REGISTER(struct uart16550, mcr),
    REGISTER(struct uart16550, scr),
    REGISTER(struct uart16550, line_errors),
    REGISTER(struct uart16550, msr),
    REGISTER(struct uart16550, divisor),
    REGISTER(struct uart16550, thre_pending),
    REGISTER(struct uart16550, timeout_pending),
    FIELD_MAX(struct uart16550, idle_polls, LISTENING_POLLS),
    FIELD_STRUCT(struct uart16550, fifo, &rx_state),
    FIELD_MAX(struct uart16550, fifo_head, FIFO_BYTES - 1),
    REGISTER_MAX(struct uart16550, fifo_count, FIFO_BYTES),
    FIELD_TIMER(struct uart16550, timeout_timer, clock),
    WIRES(struct uart16550, bus, clock, irq, chr, region, ungated),
};
static const struct state_table state = STATE_TABLE(struct uart16550, fields, check);

const struct device_type uart16550_type = {
    .name = "uart16550",
    .version = 1,
    .state = &state,
    .reset = reset,
    .restored = restored,
    .destroy = destroy,
};

vx_err uart16550_create(const struct uart16550_config *config, struct uart16550 **out)
{
    struct uart16550 *uart = calloc(1, sizeof *uart);
    if (uart == NULL)
        return VX_ERR_NO_MEMORY;
    uart->bus = config->bus;
    uart->clock = config->clock;
    uart->irq = config->irq;
    uart->chr = config->chr;
    uart->ungated = config->ungated;
    uart->region = (struct vx_region){
        .name = config->name,
        .space = VX_SPACE_IO,
        .base = config->base,
        .size = REG_COUNT,
        .read = port_read,
        .write = port_write,
        .opaque = uart,
    };
    vx_timer_init(uart->clock, &uart->timeout_timer, timeout_expired, uart);
    vx_err err = vx_bus_add(config->bus, &uart->region);
    if (err != VX_ERR_OK) {
        free(uart);
        return err;
    }
    if (uart->chr != NULL)
        vx_char_attach(uart->chr, &char_ops, uart);
    reset_registers(uart);
    *out = uart;
    return VX_ERR_OK;
}
