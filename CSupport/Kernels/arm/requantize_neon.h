// The last step of the ARM kernels: 16 accumulators of one pixel to 16 output bytes, with as few instructions as the
// reference's bits allow.
//
// The reference clamps the float v to [low, high], rounds it half to even and adds the zero point z. low and high are
// integers, and rounding is monotone and leaves integers alone, so clamping after rounding gives the same integer:
// round(clamp(v, low, high)) + z = clamp(round(v) + z, output_min, output_max). Here round(v) saturates to int32
// (fcvtns) or v is clamped to +-65536 before it is rounded (armv7), then it saturates to int16 (sqxtn), after adding
// z - 128 to int16 (sqadd) and to int8 (sqxtn). Each of these is a clamp to an interval that contains
// [output_min - 128, output_max - 128], seen from its place in the sum, as |z - 128| <= 128. So none of them changes
// what the last clamp, smax and smin, gives; and that is the output byte with its top bit flipped, as the NEON paths
// keep it. v is never NaN: its terms are finite. On armv7 NEON flushes denormal numbers to zero, but none arise:
// multipliers are 0 or at least 2^-100.
#pragma once
#include "../tiles.h"
#include <arm_neon.h>
#include <string.h>

#define RB_INLINE __attribute__((always_inline)) static inline
#define RB_UNROLL _Pragma("clang loop unroll(full)")

typedef struct {
    float32x4_t multiplier[4];
    int16x8_t zero_point; // less 128
    int8x16_t low, high;  // less 128
    int8x16_t residual_zero_point;
    float32x4_t residual_multiplier;
    bool relu;          // zero point 0 and all of 0...255
    bool adds_residual; // some of the block's channels have one
    bool half;          // just the block's first 8 channels exist, in the output and in the residual if there is one
    bool edge;          // else, of the block's 16 channels some do not exist in the one or in the other
    // Where the block's channels lie in a residual pixel: channel `lane` at residual_offset + lane, for lanes from
    // residual_begin on, residual_count of them.
    int32_t residual_offset, residual_begin, residual_count;
} rb_requantization;

static inline bool rb_is_relu(const rb_conv_shape *s) {
    return s->output.zero_point == 0 && s->output_min == 0 && s->output_max == 255;
}

// Of a tile's first block.
static inline rb_requantization rb_requantization_of(const rb_tile *tile) {
    const rb_conv_shape *s = &tile->conv->shape;
    const int32_t offset = tile->first_channel - s->residual_channel_offset;
    const int32_t begin = offset < 0 ? -offset : 0;
    const int32_t past = s->residual.channels - offset;
    const int32_t end = past < RB_BLOCK_CHANNELS ? past : RB_BLOCK_CHANNELS;
    const int32_t count = s->residual.height != 0 && end > begin ? end - begin : 0;
    const bool half =
        tile->channels == RB_BLOCK_CHANNELS / 2 && (count == 0 || (begin == 0 && past == RB_BLOCK_CHANNELS / 2));
    rb_requantization r = {
        .zero_point = vdupq_n_s16((int16_t)(s->output.zero_point - 128)),
        .low = vdupq_n_s8((int8_t)(s->output_min - 128)),
        .high = vdupq_n_s8((int8_t)(s->output_max - 128)),
        .residual_zero_point = vdupq_n_s8((int8_t)(s->residual.zero_point - 128)),
        .residual_multiplier = vdupq_n_f32(s->residual_multiplier),
        .relu = rb_is_relu(s),
        .adds_residual = count > 0,
        .half = half,
        .edge = !half && (tile->channels < RB_BLOCK_CHANNELS || (count > 0 && count < RB_BLOCK_CHANNELS)),
        .residual_offset = offset,
        .residual_begin = begin,
        .residual_count = count,
    };
    for (int32_t quad = 0; quad < 4; quad++) {
        r.multiplier[quad] = vld1q_f32(rb_tile_block(tile, 0)->multiplier + 4 * quad);
    }
    return r;
}

RB_INLINE void rb_scale(const rb_requantization *r, const int32x4_t sums[4], float32x4_t values[4]) {
    RB_UNROLL
    for (int32_t quad = 0; quad < 4; quad++) {
        values[quad] = vmulq_f32(vcvtq_f32_s32(sums[quad]), r->multiplier[quad]);
    }
}

RB_INLINE void rb_add_residual(const rb_requantization *r, float32x4_t values[4], int8x16_t residual) {
    const int16x8_t low = vsubl_s8(vget_low_s8(residual), vget_low_s8(r->residual_zero_point));
#if defined(__aarch64__)
    const int16x8_t high = vsubl_high_s8(residual, r->residual_zero_point);
#else
    const int16x8_t high = vsubl_s8(vget_high_s8(residual), vget_high_s8(r->residual_zero_point));
#endif
    const int32x4_t centred[4] = {vmovl_s16(vget_low_s16(low)), vmovl_s16(vget_high_s16(low)),
                                  vmovl_s16(vget_low_s16(high)), vmovl_s16(vget_high_s16(high))};
    RB_UNROLL
    for (int32_t quad = 0; quad < 4; quad++) {
        values[quad] = vaddq_f32(values[quad], vmulq_f32(vcvtq_f32_s32(centred[quad]), r->residual_multiplier));
    }
}

// The nearest integer, ties to even; what is far outside 16 bits only stays outside.
RB_INLINE int32x4_t rb_round(float32x4_t value) {
#if defined(__aarch64__)
    return vcvtnq_s32_f32(value);
#else
    // armv7 has no instruction for it. Adding 1.5 * 2^23 leaves no bits for a fraction, and the integer stands in the
    // low bits of the sum.
    const float32x4_t clamped = vminq_f32(vmaxq_f32(value, vdupq_n_f32(-65536.0f)), vdupq_n_f32(65536.0f));
    const float32x4_t sum = vaddq_f32(clamped, vdupq_n_f32(12582912.0f));
    return vsubq_s32(vreinterpretq_s32_f32(sum), vdupq_n_s32(0x4B400000));
#endif
}

// `relu` is r->relu, or false.
RB_INLINE int8x16_t rb_round_and_clamp(const rb_requantization *r, const float32x4_t values[4], bool relu) {
    const int16x8_t low = vcombine_s16(vqmovn_s32(rb_round(values[0])), vqmovn_s32(rb_round(values[1])));
    const int16x8_t high = vcombine_s16(vqmovn_s32(rb_round(values[2])), vqmovn_s32(rb_round(values[3])));
    if (relu) {
        const uint8x16_t bytes = vcombine_u8(vqmovun_s16(low), vqmovun_s16(high));
        return vreinterpretq_s8_u8(veorq_u8(bytes, vdupq_n_u8(0x80)));
    }
    const int8x16_t bytes =
        vcombine_s8(vqmovn_s16(vqaddq_s16(low, r->zero_point)), vqmovn_s16(vqaddq_s16(high, r->zero_point)));
    return vminq_s8(vmaxq_s8(bytes, r->low), r->high);
}

// Copies 0...16 bytes.
static inline void rb_copy_some(void *to, const void *from, int32_t count) {
    uint8_t *target = to;
    const uint8_t *source = from;
    if (count == 16) {
        memcpy(target, source, 16);
        return;
    }
    for (int32_t piece = 8; piece > 0; piece /= 2) {
        if ((count & piece) != 0) {
            memcpy(target, source, (size_t)piece);
            target += piece;
            source += piece;
        }
    }
}

// Where not all 16 channels exist, or not all pixels of a tile.
__attribute__((noinline)) static void rb_requantize_edge(const rb_tile *tile, const rb_requantization *r, int32_t first,
                                                         int32_t pixels, const int32_t sums[]) {
    const size_t stride = (size_t)tile->conv->shape.output.pixel_stride;
    const int32_t channels = tile->channels < RB_BLOCK_CHANNELS ? tile->channels : RB_BLOCK_CHANNELS;
    int8_t residual[RB_BLOCK_CHANNELS], copy[RB_BLOCK_CHANNELS];
    vst1q_s8(residual, r->residual_zero_point); // adds nothing
    for (int32_t p = first; p < first + pixels; p++, sums += RB_BLOCK_CHANNELS) {
        const int32x4_t registers[4] = {vld1q_s32(sums), vld1q_s32(sums + 4), vld1q_s32(sums + 8),
                                        vld1q_s32(sums + 12)};
        float32x4_t values[4];
        rb_scale(r, registers, values);
        if (r->adds_residual) {
            rb_copy_some(residual + r->residual_begin, tile->residual[p] + r->residual_offset + r->residual_begin,
                         r->residual_count);
            rb_add_residual(r, values, vld1q_s8(residual));
        }
        vst1q_s8(copy, rb_round_and_clamp(r, values, false));
        rb_copy_some(tile->output + (size_t)p * stride, copy, channels);
    }
}

// What is the same for all pixels of a block, for the compiler to make code of its own for each.
typedef struct {
    bool half, adds_residual, relu;
} rb_store_variant;

RB_INLINE void rb_store_pixels(const rb_tile *tile, const rb_requantization *r, int32_t first, int32_t pixels,
                               int32x4_t sums[][4], rb_store_variant v) {
    const size_t stride = (size_t)tile->conv->shape.output.pixel_stride;
    int8_t *output = (int8_t *)tile->output + (size_t)first * stride;
    const int8_t *const *residual = (const int8_t *const *)tile->residual + first;
    // Or compilers share the beginnings of the variants and branch at each pixel.
    __asm__ volatile("" ::"i"(4 * v.half + 2 * v.adds_residual + v.relu));
    RB_UNROLL
    for (int32_t p = 0; p < pixels; p++) {
        float32x4_t values[4];
        rb_scale(r, sums[p], values);
        if (v.adds_residual) {
            const int8_t *from = residual[p] + r->residual_offset;
            rb_add_residual(r, values, v.half ? vcombine_s8(vld1_s8(from), vdup_n_s8(0)) : vld1q_s8(from));
        }
        const int8x16_t bytes = rb_round_and_clamp(r, values, v.relu);
        if (v.half) {
            vst1_s8(output, vget_low_s8(bytes));
        } else {
            vst1q_s8(output, bytes);
        }
        output += stride;
    }
}

// The accumulators of a tile of `most` pixels that begins at pixel `first` of the strip: those of its pixels that exist
// to the output. Inlined where `most` is a constant, so that the accumulators stay in registers.
RB_INLINE void rb_requantize_pixels(const rb_tile *tile, const rb_requantization *r, int32_t first, int32_t most,
                                    int32x4_t sums[][4]) {
    const int32_t pixels = tile->pixels - first < most ? tile->pixels - first : most;
    if (r->edge || pixels < most) {
        int32_t stored[RB_TILE_PIXELS * RB_BLOCK_CHANNELS];
        RB_UNROLL
        for (int32_t i = 0; i < 4 * most; i++) {
            vst1q_s32(stored + 4 * i, sums[i / 4][i % 4]);
        }
        rb_requantize_edge(tile, r, first, pixels, stored);
    } else if (r->half && r->adds_residual) {
        rb_store_pixels(tile, r, first, most, sums, (rb_store_variant){true, true, false});
    } else if (r->half) {
        rb_store_pixels(tile, r, first, most, sums, (rb_store_variant){true, false, false});
    } else if (r->adds_residual && r->relu) {
        rb_store_pixels(tile, r, first, most, sums, (rb_store_variant){false, true, true});
    } else if (r->adds_residual) {
        rb_store_pixels(tile, r, first, most, sums, (rb_store_variant){false, true, false});
    } else if (r->relu) {
        rb_store_pixels(tile, r, first, most, sums, (rb_store_variant){false, false, true});
    } else {
        rb_store_pixels(tile, r, first, most, sums, (rb_store_variant){false, false, false});
    }
}
