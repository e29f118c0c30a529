/* audio.h - `--audio`: where what the guest plays goes.
 *
 *     none       nowhere: no device has a back end
 *     wav=FILE   a WAV file (audio_wav.h)
 *
 * The streams of all devices are mixed by guest time (audio_mix.h). Nothing here waits for anybody who listens.
 * Thread rule: machine thread, or while the machine does not run. */
#ifndef VX86_FRONTEND_AUDIO_H
#define VX86_FRONTEND_AUDIO_H

#include "vx86/backend.h"
#include "vx86/files.h"
#include "vx86/log.h"

struct audio;

struct audio_config {
    struct vx_log *log;
    struct vx_files *files;
    const char *spec;
};

/* *out is NULL for none. Errors, logged: BAD_ARGUMENT (no such back end), and what the back end says. */
VX_MUST_USE vx_err audio_create(const struct audio_config *config, struct audio **out);

/* What to hand to struct vx_machine_config; NULL: nobody listens. NULL is allowed. */
struct vx_audio *audio_streams(struct audio *audio);

/* The machine has ended: writes out what is left. False: some of it is lost, which has been logged. NULL is allowed. */
bool audio_finish(struct audio *audio);

/* After the machine. NULL is allowed. */
void audio_destroy(struct audio *audio);

#endif
