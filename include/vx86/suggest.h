/* suggest.h - the word that somebody who mistyped probably meant. */
#ifndef VX86_FRONTEND_SUGGEST_H
#define VX86_FRONTEND_SUGGEST_H

#include "vx86/compiler.h"

/* Insertions, deletions, substitutions and swaps of neighbours that lead from `a` to `b` (optimal string alignment).
 * Words longer than VX_SUGGEST_CHARS count as infinitely far: UINT_MAX. */
#define VX_SUGGEST_CHARS 40
unsigned vx_suggest_distance(const char *a, const char *b);

/* The nearest of `words` (NULL entries are skipped), or the one that `typed` begins; NULL when none is near. */
const char *vx_suggest(const char *typed, const char *const *words, size_t count);

#endif
