// The last step of the NEON kernels: the reference's own float operations, four channels at a time.
#pragma once
#include "../tiles.h"
#include <arm_neon.h>
#include <string.h>

// Rounds |value| <= 2^22 to the nearest integer, ties to even: adding 1.5 * 2^23 leaves no bits for a fraction, and the
// integer stands in the low bits of the sum. armv7 has no instruction for it.
static inline int32x4_t rb_round_neon(float32x4_t value) {
    const float32x4_t sum = vaddq_f32(value, vdupq_n_f32(12582912.0f));
    return vsubq_s32(vreinterpretq_s32_f32(sum), vdupq_n_s32(0x4B400000));
}

// Four channels of one pixel: accumulators to int32 results, output.zero_point included. On armv7 NEON flushes denormal
// numbers to zero, but none arise: multipliers are 0 or at least 2^-100.
static inline int32x4_t rb_requantize4_neon(const rb_conv_shape *s, int32x4_t sums, const float *multiplier,
                                            const uint8_t *residual) {
    float32x4_t value = vmulq_f32(vcvtq_f32_s32(sums), vld1q_f32(multiplier));
    if (residual != NULL) {
        uint32_t four;
        memcpy(&four, residual, sizeof four);
        const uint8x8_t bytes = veor_u8(vreinterpret_u8_u32(vdup_n_u32(four)), vdup_n_u8(0x80)); // undoes the flip
        const uint16x4_t words = vget_low_u16(vmovl_u8(bytes));
        const int32x4_t channels = vreinterpretq_s32_u32(vmovl_u16(words));
        const float32x4_t centred = vcvtq_f32_s32(vsubq_s32(channels, vdupq_n_s32(s->residual.zero_point)));
        value = vaddq_f32(value, vmulq_f32(centred, vdupq_n_f32(s->residual_multiplier)));
    }
    value = vmaxq_f32(value, vdupq_n_f32((float)(s->output_min - s->output.zero_point)));
    value = vminq_f32(value, vdupq_n_f32((float)(s->output_max - s->output.zero_point)));
    return vaddq_s32(rb_round_neon(value), vdupq_n_s32(s->output.zero_point));
}

// One pixel of a tile: its 16 accumulators to the output.
static inline void rb_requantize_neon(const rb_tile *tile, int32_t pixel, const int32_t sums[RB_BLOCK_CHANNELS]) {
    const rb_conv_shape *s = &tile->conv->shape;
    const float *multiplier = rb_tile_block(tile, 0)->multiplier;
    uint8_t copy[RB_BLOCK_CHANNELS];
    const uint8_t *residual = s->residual.height != 0 ? rb_residual_block(tile, pixel, 0, copy) : NULL;
    int16x4_t words[4];
    for (int32_t q = 0; q < 4; q++) {
        const uint8_t *four = residual != NULL ? residual + 4 * q : NULL;
        words[q] = vmovn_s32(rb_requantize4_neon(s, vld1q_s32(sums + 4 * q), multiplier + 4 * q, four));
    }
    const uint8x16_t q =
        vcombine_u8(vqmovun_s16(vcombine_s16(words[0], words[1])), vqmovun_s16(vcombine_s16(words[2], words[3])));
    const uint8x16_t bytes = veorq_u8(q, vdupq_n_u8(0x80));
    if (tile->channels == RB_BLOCK_CHANNELS) {
        vst1q_u8(tile->output + (size_t)pixel * s->output.pixel_stride, bytes);
    } else {
        vst1q_u8(copy, bytes);
        rb_store_block(tile, pixel, 0, copy);
    }
}
