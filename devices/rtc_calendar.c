/* rtc_calendar.c - calendar arithmetic and register formats. See rtc_calendar.h. */
#include "rtc_calendar.h"

#define DAY_S        86400
#define DAYS_PER_ERA 146097 /* 400 years */
#define DAYS_TO_1970 719468 /* from 0000-03-01 */

/* Years are counted from March, so that the leap day is the last of its year; eras are 400 such years. */
static int64_t days_from_date(int64_t year, unsigned month, int64_t day)
{
    int64_t march_year = month > 2 ? year : year - 1;
    int64_t era = (march_year >= 0 ? march_year : march_year - 399) / 400;
    int64_t year_of_era = march_year - era * 400;
    int64_t march_month = month > 2 ? month - 3 : month + 9;
    int64_t day_of_year = (153 * march_month + 2) / 5 + day - 1;
    return era * DAYS_PER_ERA + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - DAYS_TO_1970;
}

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
    date->year = (int)(yoe + era * 400 + (date->month <= 2));
    date->hour = (unsigned)(rest / 3600);
    date->minute = (unsigned)(rest / 60 % 60);
    date->second = (unsigned)(rest % 60);
    date->weekday = (unsigned)((((days + 4) % 7) + 7) % 7) + 1; /* 1970-01-01 was a Thursday */
}

int64_t rtc_date_to_seconds(const struct rtc_date *date)
{
    unsigned month = date->month >= 1 && date->month <= 12 ? date->month : 1;
    int64_t days = days_from_date(date->year, month, date->day);
    return days * DAY_S + (int64_t)date->hour * 3600 + (int64_t)date->minute * 60 + date->second;
}

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
