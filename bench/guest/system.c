/* system.c - what needs the guest's kernel: system calls, switches, processes, page faults. */
#include "rt.h"

uint32_t row_getpid(struct bench *bench)
{
    uint32_t same = 0, pid = (uint32_t)rt_syscall(SYS_getpid, 0, 0, 0);
    bench_begin(bench);
    for (uint32_t i = 0; i < bench->units; i++)
        same += (uint32_t)rt_syscall(SYS_getpid, 0, 0, 0) == pid;
    return same;
}

uint32_t row_sysenter(struct bench *bench)
{
    uint32_t same = 0, entry = bench->sysinfo, pid = (uint32_t)rt_syscall(SYS_getpid, 0, 0, 0);
    if (entry == 0)
        rt_fail("the kernel offers no system call entry");
    bench_begin(bench);
    for (uint32_t i = 0; i < bench->units; i++) {
        uint32_t result = SYS_getpid;
        __asm__ volatile("call *%1" : "+a"(result) : "r"(entry) : "memory", "cc");
        same += result == pid;
    }
    return same;
}

static void read_byte(int32_t fd, uint8_t *byte)
{
    if (rt_syscall(SYS_read, (uint32_t)fd, RT_PTR(byte), 1) != 1)
        rt_fail("pipe: nothing to read");
}

static void write_byte(int32_t fd, const uint8_t *byte)
{
    if (rt_syscall(SYS_write, (uint32_t)fd, RT_PTR(byte), 1) != 1)
        rt_fail("pipe: cannot write");
}

static void wait_for(int32_t pid)
{
    int32_t status = -1;
    if (rt_syscall(SYS_waitpid, (uint32_t)pid, RT_PTR(&status), 0) != pid || status != 0)
        rt_fail("a child process failed");
}

static int32_t start_child(void)
{
    int32_t pid = rt_syscall(SYS_fork, 0, 0, 0);
    if (pid < 0)
        rt_fail("fork");
    return pid;
}

uint32_t row_pipe(struct bench *bench)
{
    int32_t to[2], from[2], pid;
    uint8_t byte = 1;
    uint32_t sum = 0;
    if (rt_syscall(SYS_pipe, RT_PTR(to), 0, 0) != 0 || rt_syscall(SYS_pipe, RT_PTR(from), 0, 0) != 0)
        rt_fail("pipe");
    pid = start_child();
    if (pid == 0) {
        for (uint32_t i = 0; i < bench->units; i++) {
            read_byte(to[0], &byte);
            byte++;
            write_byte(from[1], &byte);
        }
        rt_exit(0);
    }
    bench_begin(bench);
    for (uint32_t i = 0; i < bench->units; i++) {
        write_byte(to[1], &byte);
        read_byte(from[0], &byte);
        sum += byte;
    }
    wait_for(pid);
    return sum;
}

uint32_t row_fork(struct bench *bench)
{
    bench_begin(bench);
    for (uint32_t i = 0; i < bench->units; i++) {
        int32_t pid = start_child();
        if (pid == 0)
            rt_exit(0);
        wait_for(pid);
    }
    return bench->units;
}

uint32_t row_exec(struct bench *bench)
{
    const char *arguments[] = { bench->self, "nothing", 0 }, *environment[] = { 0 };
    bench_begin(bench);
    for (uint32_t i = 0; i < bench->units; i++) {
        int32_t pid = start_child();
        if (pid == 0) {
            rt_syscall(SYS_execve, RT_PTR(bench->self), RT_PTR(arguments), RT_PTR(environment));
            rt_exit(1);
        }
        wait_for(pid);
    }
    return bench->units;
}

uint32_t row_fault(struct bench *bench)
{
    enum { BYTES = 1 << 20, PAGE = 4096 };
    uint32_t sum = 0;
    bench_begin(bench);
    for (uint32_t i = 0; i < bench->units; i++) {
        volatile uint8_t *memory = rt_map(BYTES, 0);
        for (uint32_t at = 0; at < BYTES; at += PAGE)
            memory[at] = (uint8_t)i;
        for (uint32_t at = 0; at < BYTES; at += 5 * PAGE)
            sum += memory[at];
        rt_unmap((void *)memory, BYTES);
    }
    return sum;
}
