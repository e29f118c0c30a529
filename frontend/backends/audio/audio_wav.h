/* audio_wav.h - `--audio wav=FILE`: what the guest plays as a WAV file, from its first sound to its last.
 *
 * Source: Microsoft "Multimedia Programming Interface and Data Specifications", RIFF WAVE, PCM. Silence is a hole in
 * the file. The header is right whenever it is written, so that a run that is killed leaves a file that can be played.
 * Thread rule: one thread. */
#ifndef VX86_FRONTEND_AUDIO_WAV_H
#define VX86_FRONTEND_AUDIO_WAV_H

#include "audio_mix.h"
#include "vx86/files.h"
#include "vx86/log.h"

struct audio_wav;

/* Opens and empties it. Errors, logged: it cannot be written, is no regular file, is in use. */
VX_MUST_USE vx_err audio_wav_create(struct vx_log *log, struct vx_files *files, const char *path,
                                    struct audio_wav **out);
struct audio_sink audio_wav_sink(struct audio_wav *wav);
/* False: not all of it could be written, which has been logged. NULL is allowed: true. */
bool audio_wav_finish(struct audio_wav *wav);
void audio_wav_destroy(struct audio_wav *wav);

#endif
