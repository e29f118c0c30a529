/* mpu401.c - see mpu401.h. */
#include "mpu401.h"

enum { NO_DATA = 0x80, REST = 0x3F, ACK = 0xFE, CMD_UART = 0x3F, CMD_RESET = 0xFF };

void mpu401_reset(struct mpu401 *mpu)
{
    mpu->uart = mpu->ack = false;
}

uint8_t mpu401_read(struct mpu401 *mpu, unsigned off)
{
    if (off == 1)
        return REST | (mpu->ack ? 0 : NO_DATA);
    uint8_t data = mpu->ack ? ACK : 0xFF;
    mpu->ack = false;
    return data;
}

/* In UART mode a reset leaves it, without an acknowledge; other commands are not there. */
void mpu401_write(struct mpu401 *mpu, unsigned off, uint8_t value)
{
    if (off == 0)
        return;
    if (value == CMD_RESET) {
        mpu->ack = !mpu->uart;
        mpu->uart = false;
    } else if (value == CMD_UART && !mpu->uart) {
        mpu->ack = mpu->uart = true;
    }
}

static const struct state_field fields[] = { REGISTER(struct mpu401, uart), REGISTER(struct mpu401, ack) };
const struct state_table mpu401_state = STATE_TABLE(struct mpu401, fields, NULL);
