/* native.h - what native.c and native.S share. */
#ifndef VX86_TESTS_HOST_NATIVE_H
#define VX86_TESTS_HOST_NATIVE_H

#include "hostfuzz.h"

/* Offsets are known to native.S. */
struct hf_native_area {
    uint64_t host_rsp, fs_base;
    uint32_t far_off;
    uint16_t far_sel;
    uint8_t running; /* between entry and return */
    unsigned ticks;  /* of the timer, since the program began */
    struct hf_outcome *result;
    _Alignas(64) struct hf_state out;
};
extern struct hf_native_area hf_native_area;

void hf_native_enter(const struct hf_state *in);
void hf_native_exit(void);
void hf_native_finish(void);
void hf_native_on_signal(int sig);

/* Writes the jump to hf_native_exit, which a program's far jump leads to. */
void hf_native_put_way_out(uint8_t *code);
/* The guest that the timer stops when it takes too long; NULL: none. */
void hf_native_time_guest(struct hf_guest *guest);

#endif
