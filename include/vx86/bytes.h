/* bytes.h - integers in the byte order of formats and buses, at any address, on any host. */
#ifndef VX86_BYTES_H
#define VX86_BYTES_H

#include <stdint.h>

static inline void vx_put_le16(uint8_t *at, uint16_t value)
{
    at[0] = (uint8_t)value;
    at[1] = (uint8_t)(value >> 8);
}

static inline void vx_put_le32(uint8_t *at, uint32_t value)
{
    vx_put_le16(at, (uint16_t)value);
    vx_put_le16(at + 2, (uint16_t)(value >> 16));
}

static inline void vx_put_le64(uint8_t *at, uint64_t value)
{
    vx_put_le32(at, (uint32_t)value);
    vx_put_le32(at + 4, (uint32_t)(value >> 32));
}

static inline uint16_t vx_get_le16(const uint8_t *at)
{
    return (uint16_t)(at[0] | at[1] << 8);
}

static inline uint32_t vx_get_le32(const uint8_t *at)
{
    return vx_get_le16(at) | (uint32_t)vx_get_le16(at + 2) << 16;
}

static inline uint64_t vx_get_le64(const uint8_t *at)
{
    return vx_get_le32(at) | (uint64_t)vx_get_le32(at + 4) << 32;
}

static inline void vx_put_be16(uint8_t *at, uint16_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static inline void vx_put_be32(uint8_t *at, uint32_t value)
{
    vx_put_be16(at, (uint16_t)(value >> 16));
    vx_put_be16(at + 2, (uint16_t)value);
}

static inline void vx_put_be64(uint8_t *at, uint64_t value)
{
    vx_put_be32(at, (uint32_t)(value >> 32));
    vx_put_be32(at + 4, (uint32_t)value);
}

static inline uint16_t vx_get_be16(const uint8_t *at)
{
    return (uint16_t)(at[0] << 8 | at[1]);
}

static inline uint32_t vx_get_be32(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static inline uint64_t vx_get_be64(const uint8_t *at)
{
    return (uint64_t)vx_get_be32(at) << 32 | vx_get_be32(at + 4);
}

#endif
