/* suggest.c - edit distance. */
#include "vx86/suggest.h"

#include <limits.h>
#include <string.h>

static unsigned least(unsigned a, unsigned b, unsigned c)
{
    unsigned least_of_two = a < b ? a : b;
    return least_of_two < c ? least_of_two : c;
}

/* Insertions, deletions, substitutions and swaps of neighbours that lead from `a` to `b` (optimal string alignment).
 * Words longer than VX_SUGGEST_CHARS count as infinitely far: UINT_MAX. */
static unsigned distance_of(const char *a, const char *b)
{
    size_t rows = strlen(a), columns = strlen(b);
    if (rows > VX_SUGGEST_CHARS || columns > VX_SUGGEST_CHARS)
        return UINT_MAX;
    unsigned cost[VX_SUGGEST_CHARS + 1][VX_SUGGEST_CHARS + 1];
    for (size_t i = 0; i <= rows; i++)
        cost[i][0] = (unsigned)i;
    for (size_t j = 0; j <= columns; j++)
        cost[0][j] = (unsigned)j;
    for (size_t i = 1; i <= rows; i++) {
        for (size_t j = 1; j <= columns; j++) {
            unsigned differs = a[i - 1] != b[j - 1];
            cost[i][j] = least(cost[i - 1][j] + 1, cost[i][j - 1] + 1, cost[i - 1][j - 1] + differs);
            bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
            if (swapped && cost[i - 2][j - 2] + 1 < cost[i][j])
                cost[i][j] = cost[i - 2][j - 2] + 1;
        }
    }
    return cost[rows][columns];
}

/* A third of the letters may be wrong, one always. */
static unsigned tolerance(const char *typed)
{
    unsigned third = (unsigned)(strlen(typed) / 3);
    return third > 1 ? third : 1;
}

const char *vx_suggest(const char *typed, const char *const *words, size_t count)
{
    const char *best = NULL;
    unsigned best_distance = UINT_MAX;
    size_t length = strlen(typed);
    for (size_t i = 0; i < count; i++) {
        if (words[i] == NULL)
            continue;
        unsigned distance = distance_of(typed, words[i]);
        if (length >= 3 && strncmp(typed, words[i], length) == 0)
            distance = 1; /* an abbreviation */
        if (distance <= tolerance(typed) && distance < best_distance && distance < length) {
            best = words[i];
            best_distance = distance;
        }
    }
    return best;
}
