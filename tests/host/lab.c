/* lab.c - batch after batch: make it, run every case on the host and under the engines, keep the account. */
#include "lab.h"
#include "native.h"

#include "vx86/compiler.h"

const char *hf_lab_init(struct hf_lab *lab, const struct hf_options *options, struct hf_account *account)
{
    uint64_t off;
    lab->options = *options;
    lab->account = account;
    struct hf_guest_config bt = { .translator = true,
                                  .verify = options->verify,
                                  .stress = options->stress,
                                  .stress_seed = options->stress_seed,
                                  .model = options->model };
    struct hf_guest_config interp = { .model = options->model };
    bt.self = interp.self = options->mode == HF_MODE_SELF;
    lab->bt = hf_guest_create(&bt);
    lab->interp = hf_guest_create(&interp);
    if (lab->bt == NULL || lab->interp == NULL)
        return "no guests could be made";
    ZydisDecoderInit(&lab->decoder[0], ZYDIS_MACHINE_MODE_LEGACY_16, ZYDIS_STACK_WIDTH_16);
    ZydisDecoderInit(&lab->decoder[1], ZYDIS_MACHINE_MODE_LEGACY_32, ZYDIS_STACK_WIDTH_32);
    int fd = hf_guest_code_fd(lab->bt, &off);
    const char *lacks = hf_native_init(fd, off, bt.self);
    uint32_t attr, limit;
    if (hf_native_descriptor(HF_SEL_CPU_NUMBER, &attr, &limit)) {
        hf_guest_set_descriptor(lab->bt, HF_SEL_CPU_NUMBER, attr, limit);
        hf_guest_set_descriptor(lab->interp, HF_SEL_CPU_NUMBER, attr, limit);
    }
    return lacks != NULL ? lacks : hf_native_confine();
}

void hf_lab_code_changed(struct hf_lab *lab)
{
    hf_native_put_way_out(lab->batch.code);
    memcpy(hf_guest_code(lab->bt), lab->batch.code, HF_CODE_BYTES);
    memcpy(hf_guest_code(lab->interp), lab->batch.code, HF_CODE_BYTES);
    for (unsigned i = 0; lab->batch.program[0].place == HF_PLACE_EDGE && i < HF_EDGE_PAGES; i++) {
        unsigned off = HF_CODE_BYTES + i * HF_PAGE_BYTES + HF_PAGE_BYTES - HF_EDGE_BYTES;
        memcpy(hf_guest_code(lab->bt) + off, lab->batch.edge[i], HF_EDGE_BYTES);
        memcpy(hf_guest_code(lab->interp) + off, lab->batch.edge[i], HF_EDGE_BYTES);
    }
    hf_guest_code_changed(lab->bt);
    hf_guest_code_changed(lab->interp);
}

static void take_batch(struct hf_lab *lab, uint64_t number)
{
    hf_batch_make(&lab->batch, lab->options.seed, number, lab->options.mode);
    hf_lab_code_changed(lab);
    hf_native_data(lab->batch.data);
    memcpy(hf_guest_data(lab->bt), lab->batch.data, HF_DATA_ALL_BYTES);
    memcpy(hf_guest_data(lab->interp), lab->batch.data, HF_DATA_ALL_BYTES);
}

static uint8_t *native_data(void)
{
    return (uint8_t *)(uintptr_t)HF_DATA;
}

const uint8_t *hf_lab_native_data(const struct hf_lab *lab)
{
    (void)lab;
    return native_data();
}

static uint8_t *native_self(void)
{
    return (uint8_t *)(uintptr_t)HF_SELF;
}

static bool changes_itself(const struct hf_lab *lab)
{
    return lab->options.mode == HF_MODE_SELF;
}

static void compare_memory(uint32_t lin, unsigned bytes, const uint8_t *host, const uint8_t *guest,
                           struct hf_difference *found)
{
    unsigned i = 0;
    if (found->text[0] != 0 || memcmp(host, guest, bytes) == 0)
        return;
    while (host[i] == guest[i])
        i++;
    snprintf(found->text, sizeof found->text, "memory %08x: host %02x, guest %02x", lin + i, host[i], guest[i]);
}

static bool run_host(struct hf_lab *lab, const struct hf_state *in, struct hf_outcome *out)
{
    memcpy(native_data(), lab->batch.data, HF_DATA_BYTES);
    if (changes_itself(lab) && memcmp(native_self(), lab->batch.self, HF_SELF_BYTES) != 0)
        memcpy(native_self(), lab->batch.self, HF_SELF_BYTES);
    hf_native_run(in, out);
    return out->end == HF_END_OUT || out->end == HF_END_TRAP;
}

static void run_engine(struct hf_lab *lab, struct hf_guest *guest, const struct hf_state *in, struct hf_outcome *out)
{
    memcpy(hf_guest_data(guest), lab->batch.data, HF_DATA_BYTES);
    if (changes_itself(lab))
        hf_guest_put_self(guest, lab->batch.self);
    hf_native_time_guest(guest);
    hf_guest_run(guest, in, out);
    hf_native_time_guest(NULL);
}

static bool run_guest(struct hf_lab *lab, struct hf_guest *guest, const struct hf_state *in,
                      const struct hf_outcome *host, struct hf_outcome *out, struct hf_difference *found)
{
    run_engine(lab, guest, in, out);
    hf_compare(host, out, found);
    compare_memory(HF_DATA, HF_DATA_BYTES, native_data(), hf_guest_data(guest), found);
    if (changes_itself(lab))
        compare_memory(HF_SELF, HF_SELF_BYTES, native_self(), hf_guest_self(guest), found);
    return found->text[0] == 0;
}

/* What excuses a difference from the host excuses both engines alike: they have to agree with each other all the same,
 * but for when a program without end was stopped. */
static bool engines_agree(struct hf_lab *lab, const struct hf_state *in, struct hf_difference *found)
{
    struct hf_outcome interp, bt;
    run_engine(lab, lab->interp, in, &interp);
    run_engine(lab, lab->bt, in, &bt);
    if (interp.end == HF_END_ENDLESS || bt.end == HF_END_ENDLESS)
        return true;
    hf_compare(&interp, &bt, found);
    compare_memory(HF_DATA, HF_DATA_BYTES, hf_guest_data(lab->interp), hf_guest_data(lab->bt), found);
    if (changes_itself(lab))
        compare_memory(HF_SELF, HF_SELF_BYTES, hf_guest_self(lab->interp), hf_guest_self(lab->bt), found);
    return found->text[0] == 0;
}

bool hf_lab_differs(struct hf_lab *lab, struct hf_guest *guest, const struct hf_state *in, struct hf_outcome *host,
                    struct hf_outcome *out, struct hf_difference *found)
{
    return run_host(lab, in, host) && !run_guest(lab, guest, in, host, out, found);
}

static void count_known(struct hf_account *account, const char *reason)
{
    account->known++;
    for (unsigned i = 0; i < HF_REASONS_MAX; i++) {
        if (account->reasons[i].reason == reason || account->reasons[i].reason == NULL) {
            account->reasons[i].reason = reason;
            account->reasons[i].count++;
            return;
        }
    }
}

/* A difference that a second try still shows and no reason explains is one. */
static void judge(struct hf_lab *lab, struct hf_guest *guest, uint64_t number, const struct hf_state *in)
{
    struct hf_outcome host, out;
    struct hf_difference found;
    if (!hf_lab_differs(lab, guest, in, &host, &out, &found) || !hf_lab_differs(lab, guest, in, &host, &out, &found))
        return;
    const char *reason = hf_known(lab, guest, in, &host, &out);
    if (reason != NULL && (guest != lab->bt || engines_agree(lab, in, &found))) {
        count_known(lab->account, reason);
        return;
    }
    lab->account->differences++;
    if (reason != NULL) {
        printf("case %llu (seed %llu): the host differs because %s; but so do the engines, the interpreter as the "
               "host: %s\n",
               (unsigned long long)number, (unsigned long long)lab->options.seed, reason, found.text);
        fflush(stdout);
        return;
    }
    if (lab->account->differences <= lab->options.report_max)
        hf_shrink_and_print(lab, guest, number, in);
}

/* What the host says of a string of bytes: no instruction, or one of as many bytes as was thought, or of another
 * length. */
static void count_length(struct hf_account *account, const struct hf_program *p, bool cut, const struct hf_state *in,
                         const struct hf_outcome *host)
{
    bool wants_more =
        host->trap == 14 && host->error & 16 && host->state.eip == in->eip && host->cr2 == p->lin + p->bytes;
    bool illegal = host->trap == 6 && host->state.eip == in->eip;
    if (!cut) {
        account->strings++;
        account->illegal += illegal;
        account->longer += wants_more;
    } else {
        account->shorter += !wants_more && !illegal && p->bytes > 1;
    }
}

static void run_case(struct hf_lab *lab, uint64_t number)
{
    unsigned states = lab->batch.states, in_batch = (unsigned)(number % (HF_PROGRAMS * states));
    struct hf_account *account = lab->account;
    struct hf_state in;
    struct hf_outcome host, out;
    struct hf_difference found;
    hf_state_make(&in, &lab->batch, in_batch / states, in_batch % states);
    if (!run_host(lab, &in, &host)) {
        account->endless += host.end == HF_END_ENDLESS;
        account->syscalls += host.end == HF_END_SYSCALL;
        account->strays += host.end == HF_END_STRAY;
        return;
    }
    account->compared++;
    account->traps += host.end == HF_END_TRAP;
    if (lab->batch.program[in_batch / states].place == HF_PLACE_EDGE)
        count_length(account, &lab->batch.program[in_batch / states], in_batch & 1, &in, &host);
    if (lab->options.engines & HF_ENGINE_BT && !run_guest(lab, lab->bt, &in, &host, &out, &found))
        judge(lab, lab->bt, number, &in);
    else if (lab->options.engines & HF_ENGINE_INTERP && !run_guest(lab, lab->interp, &in, &host, &out, &found))
        judge(lab, lab->interp, number, &in);
}

void hf_lab_run(struct hf_lab *lab)
{
    struct hf_account *account = lab->account;
    const struct hf_options *options = &lab->options;
    uint64_t end = options->first + options->cases, batch = UINT64_MAX;
    uint64_t batch_cases = options->mode == HF_MODE_LENGTH ? HF_PROGRAMS : HF_BATCH_CASES;
    while (account->next < end && account->differences < options->report_max) {
        uint64_t wanted = account->next / batch_cases;
        if (wanted % options->shards != options->shard) {
            account->next = (wanted + 1) * batch_cases;
            continue;
        }
        if (wanted != batch)
            take_batch(lab, batch = wanted);
        run_case(lab, account->next);
        account->next++;
    }
}
