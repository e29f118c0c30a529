/* suggest.h - the word that somebody who mistyped probably meant. */
#ifndef VX86_SUGGEST_H
#define VX86_SUGGEST_H

#include "vx86/compiler.h"

/* The nearest of `words` (NULL entries are skipped), or the one that `typed` begins; NULL when none is near. Words of
 * more than VX_SUGGEST_CHARS letters never are. */
#define VX_SUGGEST_CHARS 40
const char *vx_suggest(const char *typed, const char *const *words, size_t count);

#endif
