/* mpu401.h - a Roland MPU-401 in UART mode, as sound cards have it.
 *
 * Source: Roland "MPU-401 Technical Reference Manual"; Creative "Sound Blaster Series Hardware Programming Guide"
 *   "MPU-401 UART Mode". Ports: base data, base + 1 status and command.
 *     status: 7 no data to read (1) | 6 not ready for output (0)
 * Modelled: reset (FFh), UART mode (3Fh), their acknowledge, output bytes, which go nowhere: there is no synthesizer.
 * Not modelled: intelligent mode, MIDI input, hence no interrupt. A part of a chip, its rows in that chip's table. */
#ifndef VX86_DEVICES_MPU401_H
#define VX86_DEVICES_MPU401_H

#include "device.h"

struct mpu401 {
    bool uart;
    bool ack; /* there is an acknowledge to be read */
};

extern const struct state_table mpu401_state;

void mpu401_reset(struct mpu401 *mpu);
/* off: 0 data, 1 status and command. */
uint8_t mpu401_read(struct mpu401 *mpu, unsigned off);
void mpu401_write(struct mpu401 *mpu, unsigned off, uint8_t value);

#endif
