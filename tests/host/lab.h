/* lab.h - one worker: the host's CPU, the guests, the batch under test, and the running account. */
#ifndef VX86_TESTS_HOST_LAB_H
#define VX86_TESTS_HOST_LAB_H

#include <Zydis/Zydis.h>
#include <string.h>

#include "hostfuzz.h"

enum { HF_ENGINE_BT = 1, HF_ENGINE_INTERP = 2 };

/* What is asked for. */
struct hf_options {
    uint64_t seed, first, cases;
    unsigned shard, shards, engines, report_max;
    enum hf_mode mode;
    struct vx_cpu_model *model;
    bool verbose, stress, any_cpu, verify;
    uint64_t stress_seed;
};

enum { HF_REASONS_MAX = 96 };

/* What has come of it; in memory that worker and supervisor share. */
struct hf_account {
    uint64_t next; /* the case that is being run */
    uint64_t compared, traps, endless, syscalls, strays, known, differences;
    uint64_t strings, illegal, longer, shorter; /* of bytes, in mode length: what the host says of them */
    struct {
        const char *reason; /* a string of known.c: good in worker and supervisor alike */
        uint64_t count;
    } reasons[HF_REASONS_MAX];
};

struct hf_lab {
    struct hf_options options;
    struct hf_account *account;
    struct hf_guest *bt, *interp;
    ZydisDecoder decoder[2]; /* 16, 32 bit */
    struct hf_batch batch;
};

/* NULL, or what the host lacks. */
const char *hf_lab_init(struct hf_lab *lab, const struct hf_options *options, struct hf_account *account);
/* Runs the cases that are left; returns early when there are too many differences. */
void hf_lab_run(struct hf_lab *lab);
/* After batch.code was changed. */
void hf_lab_code_changed(struct hf_lab *lab);
/* What the last run on the host has left. */
const uint8_t *hf_lab_native_data(const struct hf_lab *lab);
/* One case on the host and one guest; false when it cannot be compared or agrees. */
bool hf_lab_differs(struct hf_lab *lab, struct hf_guest *guest, const struct hf_state *in, struct hf_outcome *host,
                    struct hf_outcome *out, struct hf_difference *found);

/* ---- known.c: why host and guest may differ here; NULL: they may not. */
const char *hf_known(struct hf_lab *lab, struct hf_guest *engine, const struct hf_state *in,
                     const struct hf_outcome *host, const struct hf_outcome *guest);

/* ---- shrink.c: makes program and state as simple as the difference allows, and prints both. */
void hf_shrink_and_print(struct hf_lab *lab, struct hf_guest *guest, uint64_t number, const struct hf_state *state);

#endif
