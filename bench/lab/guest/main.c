/* main.c - the laboratory's kernel: sets up the machine, runs the workload that its command line names, says what came
 * out.
 *
 *     NAME [UNITS]        "@begin NAME", the work, "@end NAME units checksum" to the debug port; then port F4h
 *
 * I1  A marker is a line that begins with @ and is followed by lab_settle(), so that whoever counts has looked before
 *     the work begins. */
#include "lab.h"

enum {
    DEBUGCON = 0x402,
    BOCHS_DEBUGCON = 0xE9,
    DEBUGCON_IS_THERE = 0xE9,
    EXIT = 0xF4,
    HEAP = 16 << 20,
    GATE_INTERRUPT = 0x8E00,
    GATE_USER = 0xEE00
};
enum { MSR_SYSENTER_CS = 0x174, MSR_SYSENTER_ESP = 0x175, MSR_SYSENTER_EIP = 0x176 };
enum { CR0_MP = 2, CR0_EM = 4, CR0_NE = 0x20, CR0_WP = 0x10000, CR0_PG = (int)0x80000000, CR4_OSFXSR = 0x600 };

static const struct row {
    const char *name;
    uint32_t units;
    uint32_t (*run)(struct bench *bench);
} rows[] = {
#define ROW_0(id, name, units)
#define ROW_1(id, name, units)                          { name, units, row_##id },
#define ROW(id, name, group, native, units, text)       ROW_##native(id, name, units)
#define WORKLOAD(id, name, group, units, clocked, text) { name, units, row_##id },
#include "../../guest/rows.def"
#include "workloads.def"
#undef ROW
#undef WORKLOAD
};
enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

uint32_t lab_page_table[LAB_MEMORY / LAB_PAGE] __attribute__((aligned(4096)));
uint32_t lab_directory[2][1024] __attribute__((aligned(4096)));
volatile uint32_t lab_ticks;
static uint32_t apic_table[1024] __attribute__((aligned(4096)));
static uint32_t idt[256][2] __attribute__((aligned(8)));
static uint32_t tss[26];
static uint32_t heap = HEAP;
extern uint32_t lab_tss_descriptor[2];
extern const uint8_t lab_real_begin[], lab_real_end[];

/* ---- what the rows of ../guest ask for --------------------------------------------------------------------------- */

void rt_write(const char *text, uint32_t bytes)
{
    uint16_t port = lab_in(DEBUGCON) == DEBUGCON_IS_THERE ? DEBUGCON : BOCHS_DEBUGCON;
    for (uint32_t i = 0; i < bytes; i++)
        lab_out(port, (uint8_t)text[i]);
}

_Noreturn void rt_exit(uint32_t status)
{
    for (;;)
        lab_out(EXIT, (uint8_t)status);
}

_Noreturn void lab_wrong(void)
{
    rt_fail("an event that nobody expects");
}

void *rt_map(uint32_t bytes, int executable)
{
    (void)executable;
    uint32_t at = heap;
    heap += (bytes + LAB_PAGE - 1) & ~(uint32_t)(LAB_PAGE - 1);
    if (heap > LAB_MEMORY)
        rt_fail("no memory");
    return (void *)(uintptr_t)at;
}

void rt_unmap(void *memory, uint32_t bytes)
{
    (void)memory;
    (void)bytes;
}

/* Keeps I1. */
void bench_begin(struct bench *bench)
{
    rt_print("@begin ", bench->name, 0, 0);
    lab_settle();
}

/* ---- the machine ------------------------------------------------------------------------------------------------- */

static void set_gate(unsigned vector, void (*entry)(void), uint32_t type)
{
    uint32_t at = RT_PTR(entry);
    idt[vector][0] = 0x080000 | (at & 0xFFFF);
    idt[vector][1] = (at & 0xFFFF0000) | type;
}

static void set_up_events(void)
{
    struct __attribute__((packed)) {
        uint16_t limit;
        uint32_t base;
    } pointer = { sizeof(idt) - 1, RT_PTR(idt) };
    for (unsigned i = 0; i < 256; i++)
        set_gate(i, lab_wrong_entry, GATE_INTERRUPT);
    set_gate(14, lab_page_fault_entry, GATE_INTERRUPT);
    set_gate(0x20, lab_timer_entry, GATE_INTERRUPT);
    set_gate(0x80, lab_trap_entry, GATE_USER);
    set_gate(0x81, lab_user_end_entry, GATE_USER);
    __asm__ volatile("lidt %0" : : "m"(pointer));
    tss[1] = RT_PTR(lab_event_stack_top);
    tss[2] = 0x10;
    tss[25] = sizeof(tss) << 16; /* no I/O bitmap */
    lab_tss_descriptor[0] = RT_PTR(tss) << 16 | (sizeof(tss) - 1);
    lab_tss_descriptor[1] = (RT_PTR(tss) & 0xFF000000) | (RT_PTR(tss) >> 16 & 0xFF) | 0x8900;
    __asm__ volatile("ltr %w0" : : "r"(0x28));
}

/* The two PICs at vectors 20h and 28h, everything masked. */
static void set_up_pics(void)
{
    static const uint8_t words[2][4] = { { 0x11, 0x20, 0x04, 0x01 }, { 0x11, 0x28, 0x02, 0x01 } };
    for (unsigned chip = 0; chip < 2; chip++) {
        uint16_t port = chip == 0 ? 0x20 : 0xA0;
        lab_out(port, words[chip][0]);
        for (unsigned i = 1; i < 4; i++)
            lab_out(port + 1, words[chip][i]);
        lab_out(port + 1, 0xFF);
    }
}

static void set_up_paging(void)
{
    uint32_t bits;
    for (uint32_t i = 0; i < LAB_MEMORY / LAB_PAGE; i++)
        lab_page_table[i] = i * LAB_PAGE | PTE_OPEN;
    apic_table[LAPIC >> 12 & 1023] = LAPIC | PTE_OPEN | 0x10;
    for (unsigned d = 0; d < 2; d++) {
        for (uint32_t i = 0; i < LAB_MEMORY >> 22; i++)
            lab_directory[d][i] = RT_PTR(&lab_page_table[i << 10]) | PTE_OPEN;
        lab_directory[d][(uint32_t)LAPIC >> 22] = RT_PTR(apic_table) | PTE_OPEN;
    }
    lab_load_cr3(lab_directory[0]);
    __asm__ volatile("mov %%cr4, %0" : "=r"(bits));
    __asm__ volatile("mov %0, %%cr4" : : "r"(bits | CR4_OSFXSR));
    __asm__ volatile("mov %%cr0, %0" : "=r"(bits));
    bits = (bits & ~(uint32_t)CR0_EM) | CR0_MP | CR0_NE | CR0_WP | (uint32_t)CR0_PG;
    __asm__ volatile("mov %0, %%cr0; fninit" : : "r"(bits) : "memory");
}

static void write_msr(uint32_t msr, uint32_t value)
{
    __asm__ volatile("wrmsr" : : "c"(msr), "a"(value), "d"(0));
}

static void set_up(void)
{
    set_up_pics();
    set_up_events();
    set_up_paging();
    write_msr(MSR_SYSENTER_CS, 0x08);
    write_msr(MSR_SYSENTER_ESP, RT_PTR(lab_event_stack_top));
    write_msr(MSR_SYSENTER_EIP, RT_PTR(lab_sysenter_entry));
    memcpy((void *)0x8000, lab_real_begin, (uint32_t)(lab_real_end - lab_real_begin));
}

/* ---- the command line -------------------------------------------------------------------------------------------- */

/* Moves *at behind the next word and returns its beginning. */
static const char *word(const char **at)
{
    while (**at == ' ')
        ++*at;
    const char *begin = *at;
    while (**at != ' ' && **at != 0)
        ++*at;
    return begin;
}

static int is_word(const char *begin, const char *end, const char *name)
{
    while (begin < end && *name != 0 && *begin == *name) {
        begin++;
        name++;
    }
    return begin == end && *name == 0;
}

static void run(const char *command_line)
{
    const char *at = command_line;
    word(&at); /* the kernel */
    const char *name = word(&at), *name_end = at;
    uint32_t units = rt_number(word(&at));
    for (unsigned i = 0; i < ROWS; i++) {
        if (!is_word(name, name_end, rows[i].name))
            continue;
        struct bench bench = { .name = rows[i].name, .units = units != 0 ? units : rows[i].units };
        uint32_t sum = rows[i].run(&bench), numbers[2] = { bench.units, sum };
        rt_print("@end ", bench.name, numbers, 2);
        lab_settle();
        return;
    }
    rt_fail("no such workload");
}

_Noreturn void lab_main(uint32_t magic, const uint32_t *info)
{
    set_up();
    if (magic != 0x2BADB002 || (info[0] & 4) == 0)
        rt_fail("no command line");
    run((const char *)(uintptr_t)info[4]);
    rt_exit(0);
}
