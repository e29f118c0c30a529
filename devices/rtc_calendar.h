/* rtc_calendar.h - seconds to time of day and date and back, in the register formats of the MC146818.
 * Proleptic Gregorian calendar, years 0 to 9999; no time zone: the clock shows what the host calls UTC. */
#ifndef VX86_DEVICES_RTC_CALENDAR_H
#define VX86_DEVICES_RTC_CALENDAR_H

#include <stdbool.h>
#include <stdint.h>

struct rtc_date {
    int year;            /* 0 to 9999 */
    unsigned month, day; /* 1 to 12, 1 to 31 */
    unsigned hour, minute, second;
    unsigned weekday; /* 1 Sunday ... 7 Saturday */
};

/* Seconds since 1970-01-01 00:00:00. */
void rtc_date_from_seconds(int64_t seconds, struct rtc_date *date);
/* Fields out of range count on: 61 minutes are an hour and one. */
int64_t rtc_date_to_seconds(const struct rtc_date *date);

/* One field in binary or BCD. */
uint8_t rtc_encode(unsigned value, bool binary);
unsigned rtc_decode(uint8_t raw, bool binary);
/* Hours with the 12-hour form: 12 AM, 1 AM ... 11 PM, bit 7 for PM. */
uint8_t rtc_encode_hour(unsigned hour, bool binary, bool is_24h);
unsigned rtc_decode_hour(uint8_t raw, bool binary, bool is_24h);

#endif
