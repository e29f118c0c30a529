/* fault.h - a host that refuses: system calls that fail on purpose in the vx86 that a test starts, by seccomp filters,
 * which hold for root as well and need no library in between. Linux only. */
#ifndef VX86_TEST_CLI_FAULT_H
#define VX86_TEST_CLI_FAULT_H

#include <stddef.h>
#include <stdint.h>

/* What an argument must be like for the call to fail. */
enum fault_if { FAULT_ALWAYS, FAULT_HAS_BITS, FAULT_EQUALS };

struct fault {
    int call;  /* SYS_... */
    int error; /* what it fails with */
    struct {
        enum fault_if is;
        unsigned argument; /* from 0 */
        uint32_t value;    /* for the argument's lower half */
    } when[2];             /* both */
};

/* In the child (run_start_in()): these fail from now on, for ever. The array ends with error 0. `opaque` is it. */
void fault_install(void *faults);

/* The calls in call[] (ending with 0) succeed `after` times, all together, then fail. */
struct fault_later {
    int call[4];
    int error;
    unsigned after;
    int link[2]; /* sockets, by fault_later_init() */
};

void fault_later_init(struct fault_later *later);
/* In the child. */
void fault_later_install(void *later);
/* In the parent, when the child has been started: decides about its calls until it has ended. Returns how many there
 * were. */
unsigned fault_later_serve(struct fault_later *later);

#endif
