/* sb16_dsp.c - the DSP's commands. Each is a byte with up to three behind it; answers go into a queue that port 22Ah
 * empties. */
#include <string.h>

#include "sb16_state.h"

enum {
    CMD_DIRECT = 0x10,
    CMD_OUT_8 = 0x14,
    CMD_OUT_8_AUTO = 0x1C,
    CMD_DIRECT_IN = 0x20,
    CMD_IN_8 = 0x24,
    CMD_IN_8_AUTO = 0x2C,
    CMD_MIDI_OUT = 0x38,
    CMD_TIME_CONSTANT = 0x40,
    CMD_RATE_OUT = 0x41,
    CMD_RATE_IN = 0x42,
    CMD_GO_ON_AUTO_8 = 0x45,
    CMD_GO_ON_AUTO_16 = 0x47,
    CMD_BLOCK = 0x48,
    CMD_SILENCE = 0x80,
    CMD_FAST_OUT_AUTO = 0x90,
    CMD_FAST_OUT = 0x91,
    CMD_FAST_IN_AUTO = 0x98,
    CMD_FAST_IN = 0x99,
    CMD_PROGRAM_16 = 0xB0,
    CMD_PROGRAM_8 = 0xC0,
    CMD_PAUSE_8 = 0xD0,
    CMD_SPEAKER_ON = 0xD1,
    CMD_SPEAKER_OFF = 0xD3,
    CMD_CONTINUE_8 = 0xD4,
    CMD_PAUSE_16 = 0xD5,
    CMD_CONTINUE_16 = 0xD6,
    CMD_SPEAKER_STATUS = 0xD8,
    CMD_EXIT_AUTO_16 = 0xD9,
    CMD_EXIT_AUTO_8 = 0xDA,
    CMD_IDENTIFY = 0xE0,
    CMD_VERSION = 0xE1,
    CMD_DMA_IDENTIFY = 0xE2,
    CMD_COPYRIGHT = 0xE3,
    CMD_WRITE_TEST = 0xE4,
    CMD_READ_TEST = 0xE8,
    CMD_IRQ_8 = 0xF2,
    CMD_IRQ_16 = 0xF3,
};
/* Bits of B0h-CFh, and of the byte behind it. */
enum { PROGRAM_AUTO = 0x04, PROGRAM_INPUT = 0x08, FORM_SIGNED = 0x10, FORM_STEREO = 0x20 };
enum { VERSION_MAJOR = 4, VERSION_MINOR = 5, READY = 0xAA };

static void answer(struct sb16 *chip, uint8_t byte)
{
    if (chip->out_count == SB16_OUT_BYTES)
        return;
    chip->out[(chip->out_head + chip->out_count++) % SB16_OUT_BYTES] = byte;
}

uint8_t sb16_dsp_read(struct sb16 *chip)
{
    if (chip->out_count != 0) {
        chip->last_out = chip->out[chip->out_head];
        chip->out_head = (chip->out_head + 1) % SB16_OUT_BYTES;
        chip->out_count--;
    }
    return chip->last_out;
}

void sb16_dsp_reset(struct sb16 *chip)
{
    sb16_end(chip);
    chip->command = chip->arg_count = 0;
    chip->out_head = chip->out_count = 0;
    chip->speaker = false;
    chip->rate_hz = 11025;
    chip->by_constant = false;
    chip->high_block = 2048;
    sb16_acknowledge(chip, SB16_IRQ_8 | SB16_IRQ_16);
    answer(chip, READY);
}

/* How many bytes belong to a command. Those that are not modelled have theirs too, so that the next one is found. */
static unsigned arguments(uint8_t command)
{
    static const uint8_t one[] = { 0x04, 0x0F, 0x10, 0x38, 0x40, 0xE0, 0xE2, 0xE4 };
    static const uint8_t two[] = { 0x05, 0x0E, 0x14, 0x16, 0x17, 0x24, 0x41, 0x42, 0x48, 0x74, 0x75, 0x76, 0x77, 0x80 };
    if (command >= CMD_PROGRAM_16 && command < CMD_PROGRAM_8 + 0x10)
        return 3;
    if (memchr(two, command, sizeof two) != NULL)
        return 2;
    return memchr(one, command, sizeof one) != NULL;
}

static uint32_t count_of(const uint8_t *bytes)
{
    return (uint32_t)(bytes[0] | bytes[1] << 8) + 1;
}

static void copyright(struct sb16 *chip)
{
    static const char text[] = "COPYRIGHT (C) CREATIVE TECHNOLOGY LTD, 1992.";
    for (size_t i = 0; i < sizeof text; i++)
        answer(chip, (uint8_t)text[i]);
}

/* 8 bits, unsigned, one channel: what the first Sound Blasters could. */
static void begin_old(struct sb16 *chip, bool input, bool auto_init, uint32_t samples)
{
    sb16_begin(chip, (struct sb16_form){ .input = input, .auto_init = auto_init }, samples);
}

static void program(struct sb16 *chip, uint8_t command, const uint8_t *args)
{
    struct sb16_form form = { .wide = command < CMD_PROGRAM_8,
                              .is_signed = (args[0] & FORM_SIGNED) != 0,
                              .stereo = (args[0] & FORM_STEREO) != 0,
                              .input = (command & PROGRAM_INPUT) != 0,
                              .auto_init = (command & PROGRAM_AUTO) != 0 };
    sb16_begin(chip, form, count_of(args + 1));
}

static void set_rate(struct sb16 *chip, uint32_t rate_hz, bool by_constant)
{
    chip->rate_hz = rate_hz < VOICE_RATE_MIN ? VOICE_RATE_MIN : rate_hz;
    chip->by_constant = by_constant;
}

static void set_auto(struct sb16 *chip, bool wide, bool auto_init)
{
    if (chip->transfer.active && chip->transfer.wide == wide)
        chip->transfer.auto_init = auto_init;
}

static void pause_or_go_on(struct sb16 *chip, bool wide, bool pause)
{
    if (chip->transfer.wide == wide)
        sb16_pause(chip, pause);
}

static void transfer_command(struct sb16 *chip, uint8_t command, const uint8_t *args)
{
    switch (command) {
    case CMD_OUT_8: begin_old(chip, false, false, count_of(args)); break;
    case CMD_IN_8: begin_old(chip, true, false, count_of(args)); break;
    case CMD_OUT_8_AUTO:
    case CMD_FAST_OUT_AUTO: begin_old(chip, false, true, chip->high_block); break;
    case CMD_IN_8_AUTO:
    case CMD_FAST_IN_AUTO: begin_old(chip, true, true, chip->high_block); break;
    case CMD_FAST_OUT: begin_old(chip, false, false, chip->high_block); break;
    case CMD_FAST_IN: begin_old(chip, true, false, chip->high_block); break;
    case CMD_SILENCE: sb16_begin_silence(chip, count_of(args)); break;
    case CMD_PAUSE_8:
    case CMD_PAUSE_16: pause_or_go_on(chip, command == CMD_PAUSE_16, true); break;
    case CMD_CONTINUE_8:
    case CMD_CONTINUE_16: pause_or_go_on(chip, command == CMD_CONTINUE_16, false); break;
    case CMD_GO_ON_AUTO_8:
    case CMD_GO_ON_AUTO_16: set_auto(chip, command == CMD_GO_ON_AUTO_16, true); break;
    case CMD_EXIT_AUTO_8:
    case CMD_EXIT_AUTO_16: set_auto(chip, command == CMD_EXIT_AUTO_16, false); break;
    default:
        if (command >= CMD_PROGRAM_16 && command < CMD_PROGRAM_8 + 0x10)
            program(chip, command, args);
        else
            vx_log_guest(chip->log, "sb16: DSP command %02x is not modelled", command);
    }
}

static void carry_out(struct sb16 *chip, uint8_t command, const uint8_t *args)
{
    switch (command) {
    case CMD_DIRECT: sb16_direct(chip, args[0]); break;
    case CMD_DIRECT_IN: answer(chip, 0x80); break;
    case CMD_MIDI_OUT: break;
    case CMD_TIME_CONSTANT: set_rate(chip, 1000000u / (256u - args[0]), true); break;
    case CMD_RATE_OUT:
    case CMD_RATE_IN: set_rate(chip, (uint32_t)(args[0] << 8 | args[1]), false); break;
    case CMD_BLOCK: chip->high_block = count_of(args); break;
    case CMD_SPEAKER_ON: chip->speaker = true; break;
    case CMD_SPEAKER_OFF: chip->speaker = false; break;
    case CMD_SPEAKER_STATUS: answer(chip, chip->speaker ? 0xFF : 0x00); break;
    case CMD_IDENTIFY: answer(chip, (uint8_t)~args[0]); break;
    case CMD_VERSION:
        answer(chip, VERSION_MAJOR);
        answer(chip, VERSION_MINOR);
        break;
    case CMD_COPYRIGHT: copyright(chip); break;
    case CMD_WRITE_TEST: chip->test = args[0]; break;
    case CMD_READ_TEST: answer(chip, chip->test); break;
    case CMD_IRQ_8: sb16_raise(chip, SB16_IRQ_8); break;
    case CMD_IRQ_16: sb16_raise(chip, SB16_IRQ_16); break;
    default: transfer_command(chip, command, args); break;
    }
}

void sb16_dsp_write(struct sb16 *chip, uint8_t byte)
{
    if (chip->command == 0) {
        chip->command = byte;
        chip->arg_count = 0;
    } else {
        chip->args[chip->arg_count++] = byte;
    }
    uint8_t command = chip->command;
    if (chip->arg_count < arguments(command))
        return;
    chip->command = chip->arg_count = 0;
    carry_out(chip, command, chip->args);
}
