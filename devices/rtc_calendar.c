/* rtc_calendar.c - counters, calendar arithmetic and register formats. See rtc_calendar.h. */
#include "rtc_calendar.h"

#define DAY_S        86400
#define DAYS_PER_ERA 146097 /* 400 years */
#define DAYS_TO_1970 719468 /* from 0000-03-01 */

/* Years are counted from March, so that the leap day is the last of its year; eras are 400 such years. */
void rtc_date_from_seconds(int64_t seconds, struct rtc_date *date)
{
    int64_t days = seconds / DAY_S, rest = seconds % DAY_S;
    if (rest < 0) {
        rest += DAY_S;
        days--;
    }
    int64_t shifted = days + DAYS_TO_1970;
    int64_t era = (shifted >= 0 ? shifted : shifted - (DAYS_PER_ERA - 1)) / DAYS_PER_ERA;
    int64_t doe = shifted - era * DAYS_PER_ERA;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / (DAYS_PER_ERA - 1)) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int64_t march_month = (5 * doy + 2) / 153;
    date->day = (unsigned)(doy - (153 * march_month + 2) / 5 + 1);
    date->month = (unsigned)(march_month < 10 ? march_month + 3 : march_month - 9);
    unsigned year = (unsigned)(yoe + era * 400 + (date->month <= 2));
    date->year = year % 100;
    date->century = year / 100;
    date->hour = (unsigned)(rest / 3600);
    date->minute = (unsigned)(rest / 60 % 60);
    date->second = (unsigned)(rest % 60);
    date->weekday = (unsigned)((((days + 4) % 7) + 7) % 7) + 1; /* 1970-01-01 was a Thursday */
}

/* ---- counters --------------------------------------------------------------------------------------------------- */

/* Moves a counter that goes from `first` to `last`; true when it started again. */
static bool count(unsigned *counter, unsigned first, unsigned last)
{
    bool again = *counter >= last;
    *counter = again ? first : *counter + 1;
    return again;
}

static unsigned days_in_month(const struct rtc_date *date)
{
    static const uint8_t days[12] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    bool leap = date->year != 0 ? date->year % 4 == 0 : date->century % 4 == 0;
    if (date->month == 2 && leap)
        return 29;
    return date->month >= 1 && date->month <= 12 ? days[date->month - 1] : 31;
}

void rtc_date_next_day(struct rtc_date *date)
{
    count(&date->weekday, 1, 7);
    if (count(&date->day, 1, days_in_month(date)) && count(&date->month, 1, 12) && count(&date->year, 0, 99))
        count(&date->century, 0, 99);
}

void rtc_date_tick(struct rtc_date *date)
{
    if (count(&date->second, 0, 59) && count(&date->minute, 0, 59) && count(&date->hour, 0, 23))
        rtc_date_next_day(date);
}

/* ---- formats ---------------------------------------------------------------------------------------------------- */

uint8_t rtc_encode(unsigned value, bool binary)
{
    return (uint8_t)(binary ? value : value / 10 % 10 << 4 | value % 10);
}

unsigned rtc_decode(uint8_t raw, bool binary)
{
    return binary ? raw : (raw >> 4) * 10u + (raw & 15u);
}

uint8_t rtc_encode_hour(unsigned hour, bool binary, bool is_24h)
{
    if (is_24h)
        return rtc_encode(hour, binary);
    unsigned hour12 = hour % 12 == 0 ? 12 : hour % 12;
    return rtc_encode(hour12, binary) | (hour >= 12 ? 0x80 : 0);
}

unsigned rtc_decode_hour(uint8_t raw, bool binary, bool is_24h)
{
    if (is_24h)
        return rtc_decode(raw, binary);
    return rtc_decode(raw & 0x7F, binary) % 12 + (raw & 0x80 ? 12 : 0);
}
