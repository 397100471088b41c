// A convolution on several threads: each share is computed with the scratch memory of the thread that takes it.
#include "include/kernels.h"

typedef struct {
    rb_path path;
    const rb_conv *conv;
    uint8_t *more_scratch;
    size_t scratch_bytes;
} shared_work;

static void run_share(void *work, int32_t part, int32_t parts, int32_t thread) {
    const shared_work *shared = work;
    rb_conv conv = *shared->conv;
    conv.part = part;
    conv.parts = parts;
    if (thread > 0) {
        conv.scratch = shared->more_scratch + (size_t)(thread - 1) * shared->scratch_bytes;
    }
    rb_conv_run(shared->path, &conv);
}

void rb_conv_run_shared(rb_path path, const rb_conv *conv, int32_t parts, const rb_threads *threads,
                        uint8_t *more_scratch, size_t scratch_bytes) {
    shared_work work = {path, conv, more_scratch, scratch_bytes};
    threads->run(threads->team, parts, run_share, &work);
}
