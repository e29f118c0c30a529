/* app_sound.c - see app_sound.h. */
#include "app_sound.h"

#include <string.h>

#include "vx86/suggest.h"

static const struct {
    const char *name;
    unsigned bit; /* 0: none at all */
} cards[] = {
    { "none", 0 },
    { "sb16", VX_SOUND_SB16 },
    { "ac97", VX_SOUND_AC97 },
    { "es1370", VX_SOUND_ES1370 },
};

static vx_err unknown(struct vx_log *log, const char *word)
{
    const char *words[VX_ARRAY_LEN(cards)];
    for (size_t i = 0; i < VX_ARRAY_LEN(cards); i++)
        words[i] = cards[i].name;
    const char *near = vx_suggest(word, words, VX_ARRAY_LEN(words));
    vx_log_error(log, VX_LOG_GENERAL, "--sound: there is no card '%s'; did you mean '%s'?", word,
                 near != NULL ? near : cards[1].name);
    return VX_ERR_BAD_ARGUMENT;
}

/* The first `length` characters of `text` name it. */
static vx_err add(struct vx_log *log, const char *text, size_t length, unsigned *sound)
{
    char word[VX_SUGGEST_CHARS + 2];
    snprintf(word, sizeof word, "%.*s", (int)(length < sizeof word ? length : sizeof word - 1), text);
    for (size_t i = 0; i < VX_ARRAY_LEN(cards); i++)
        if (strcmp(word, cards[i].name) == 0) {
            *sound |= cards[i].bit;
            return VX_ERR_OK;
        }
    return unknown(log, word);
}

vx_err app_sound_configure(const struct options *options, struct vx_log *log, struct vx_machine_config *config)
{
    const char *at = options->value[VX_OPT_sound].text;
    for (;;) {
        size_t length = strcspn(at, ",");
        VX_TRY(add(log, at, length, &config->sound));
        if (at[length] == '\0')
            return VX_ERR_OK;
        at += length + 1;
    }
}
