// See winograd_neon.h.
#include "../winograd.h"

#if defined(__ARM_NEON)
#include "winograd_neon.h"

void winograd_u8s8_2x2__neon(const rb_conv *conv) {
    rb_run_winograd(2, conv);
}
#endif
