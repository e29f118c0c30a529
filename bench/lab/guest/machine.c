/* machine.c - workloads that need the machine: rings, page tables, devices, code that changes, real mode. */
#include "lab.h"

uint32_t row_nothing(struct bench *bench)
{
    bench_begin(bench);
    return 1;
}

uint32_t row_loop(struct bench *bench)
{
    bench_begin(bench);
    lab_loop(bench->units);
    return 1;
}

uint32_t row_jump(struct bench *bench)
{
    bench_begin(bench);
    lab_jump(bench->units);
    return 1;
}

uint32_t row_call(struct bench *bench)
{
    bench_begin(bench);
    lab_call(bench->units);
    return 1;
}

/* ---- rings ------------------------------------------------------------------------------------------------------- */

uint32_t row_trap(struct bench *bench)
{
    bench_begin(bench);
    lab_user(lab_user_trap, bench->units);
    return 1;
}

uint32_t row_fast_call(struct bench *bench)
{
    bench_begin(bench);
    lab_user(lab_user_sysenter, bench->units);
    return 1;
}

/* ---- page tables ------------------------------------------------------------------------------------------------- */

static uint32_t *entry_of(volatile void *at)
{
    return &lab_page_table[RT_PTR(at) / LAB_PAGE];
}

uint32_t row_page_fault(struct bench *bench)
{
    volatile uint32_t *page = rt_pages(LAB_PAGE);
    uint32_t sum = 0;
    bench_begin(bench);
    for (uint32_t i = 0; i < bench->units; i++) {
        *entry_of(page) &= ~(uint32_t)PTE_P;
        lab_invlpg(page);
        sum += ++page[i & 1023];
    }
    return sum;
}

uint32_t row_page_churn(struct bench *bench)
{
    volatile uint32_t *page = rt_pages(3 * LAB_PAGE);
    uint32_t frame[2] = { RT_PTR(page) + LAB_PAGE, RT_PTR(page) + 2 * LAB_PAGE }, sum = 0;
    bench_begin(bench);
    for (uint32_t i = 0; i < bench->units; i++) {
        *entry_of(page) = frame[i & 1] | PTE_OPEN;
        lab_invlpg(page);
        sum += page[0];
        page[0] = sum ^ i;
    }
    return sum;
}

uint32_t row_address_space(struct bench *bench)
{
    enum { PAGES = 16 };
    volatile uint8_t *pages = rt_pages(PAGES * LAB_PAGE);
    uint32_t sum = 0;
    bench_begin(bench);
    for (uint32_t i = 0; i < bench->units; i++) {
        lab_load_cr3(lab_directory[i & 1]);
        for (unsigned k = 0; k < PAGES; k++)
            sum += ++pages[k * LAB_PAGE];
    }
    return sum;
}

/* ---- devices ----------------------------------------------------------------------------------------------------- */

uint32_t row_timer(struct bench *bench)
{
    enum { PIT_HZ = 1193182, TICKS_HZ = 20000, RELOAD = PIT_HZ / TICKS_HZ };
    bench_begin(bench);
    lab_ticks = 0;
    lab_out(0x43, 0x34);
    lab_out(0x40, RELOAD & 0xFF);
    lab_out(0x40, RELOAD >> 8);
    lab_out(0x21, 0xFE);
    __asm__ volatile("sti");
    while (lab_ticks < bench->units)
        continue;
    __asm__ volatile("cli");
    lab_out(0x21, 0xFF);
    return 1;
}

uint32_t row_port(struct bench *bench)
{
    uint32_t sum = 0;
    bench_begin(bench);
    for (uint32_t i = 0; i < bench->units; i++) {
        lab_out(0x80, (uint8_t)i);
        sum += lab_in(0x21);
    }
    return sum;
}

uint32_t row_mmio(struct bench *bench)
{
    enum { TPR = 0x80 / 4, LDR = 0xD0 / 4 };
    volatile uint32_t *apic = (volatile uint32_t *)(uintptr_t)LAPIC;
    uint32_t sum = 0;
    bench_begin(bench);
    for (uint32_t i = 0; i < bench->units; i++) {
        sum += apic[LDR] + 1;
        apic[TPR] = 0;
    }
    return sum;
}

/* ---- code -------------------------------------------------------------------------------------------------------- */

/* mov eax, imm32; ret */
uint32_t row_patch(struct bench *bench)
{
    volatile uint8_t *code = rt_pages(LAB_PAGE);
    uint32_t sum = 0;
    code[0] = 0xB8;
    code[5] = 0xC3;
    bench_begin(bench);
    for (uint32_t i = 0; i < bench->units; i++) {
        *(volatile uint32_t *)(code + 1) = i;
        sum += ((uint32_t(*)(void))(uintptr_t)code)();
    }
    return sum;
}

uint32_t row_real(struct bench *bench)
{
    bench_begin(bench);
    return lab_real(1, bench->units);
}

uint32_t row_mode_switch(struct bench *bench)
{
    bench_begin(bench);
    return lab_real(bench->units, 1);
}
