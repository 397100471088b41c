// Four pixels times sixteen output channels, for aarch64 and armv7 with NEON, without dot products. Activations become
// signed by flipping their top bit; a pair of input channels is multiplied with smull and summed into 32 bits with
// sadalp. Products are at most 128 * 128, so none of it overflows. (Adding a second product with smlal before sadalp
// would overflow 16 bits where two -128 meet two -128.)
#include "../tiles.h"

#if defined(__ARM_NEON)
#include "requantize_neon.h"

enum {
    TILE_PIXELS = 4,
#if defined(__aarch64__)
    REGISTER_PIXELS = 4,
#else
    REGISTER_PIXELS = 2, // half the registers: two pixels at a time
#endif
};

// Sixteen accumulators of one pixel.
typedef struct {
    int32x4_t quad[4];
} sums16;

// Adds one pair of input channels of one pixel to its sixteen accumulators.
static inline sums16 multiply_add(sums16 sums, int8x8_t pair, int8x16_t weights0, int8x16_t weights1) {
    sums.quad[0] = vpadalq_s16(sums.quad[0], vmull_s8(pair, vget_low_s8(weights0)));
    sums.quad[1] = vpadalq_s16(sums.quad[1], vmull_s8(pair, vget_high_s8(weights0)));
    sums.quad[2] = vpadalq_s16(sums.quad[2], vmull_s8(pair, vget_low_s8(weights1)));
    sums.quad[3] = vpadalq_s16(sums.quad[3], vmull_s8(pair, vget_high_s8(weights1)));
    return sums;
}

// Four neighbouring input channels of one pixel, made signed; the upper half repeats them.
static inline int16x4_t load_channels(const uint8_t *pixel) {
    uint32_t channels;
    memcpy(&channels, pixel, sizeof channels);
    return vreinterpret_s16_u32(vdup_n_u32(channels ^ 0x80808080));
}

static inline void accumulate(const rb_tile *tile, int32_t first_pixel, sums16 sums[REGISTER_PIXELS]) {
    const rb_conv_shape *s = &tile->conv->shape;
    const int32_t taps = s->kernel_height * s->kernel_width;
    const int8_t *weights = tile->block->weights;
    for (int32_t p = 0; p < REGISTER_PIXELS; p++) {
        for (int32_t q = 0; q < 4; q++) {
            sums[p].quad[q] = vld1q_s32(tile->block->bias + 4 * q);
        }
    }
    for (int32_t tap = 0; tap < taps; tap++) {
        const uint8_t *const *pixels = tile->taps + (size_t)tap * RB_STRIP_PIXELS + first_pixel;
        for (int32_t i = 0; i < s->input.channels; i += 4, weights += 4 * RB_BLOCK_CHANNELS) {
            const int8x16_t w00 = vld1q_s8(weights), w01 = vld1q_s8(weights + 16);
            const int8x16_t w10 = vld1q_s8(weights + 32), w11 = vld1q_s8(weights + 48);
            for (int32_t p = 0; p < REGISTER_PIXELS; p++) {
                const int16x4_t channels = load_channels(pixels[p] + i);
                sums[p] = multiply_add(sums[p], vreinterpret_s8_s16(vdup_lane_s16(channels, 0)), w00, w01);
                sums[p] = multiply_add(sums[p], vreinterpret_s8_s16(vdup_lane_s16(channels, 1)), w10, w11);
            }
        }
    }
}

static void run_tile(const rb_tile *tile) {
    for (int32_t first_pixel = 0; first_pixel < tile->pixels; first_pixel += REGISTER_PIXELS) {
        sums16 sums[REGISTER_PIXELS];
        accumulate(tile, first_pixel, sums);
        for (int32_t p = 0; p < REGISTER_PIXELS && first_pixel + p < tile->pixels; p++) {
            rb_requantize_neon(tile, first_pixel + p, sums[p].quad);
        }
    }
}

void conv_u8s8_4x16c2__neon(const rb_conv *conv) {
    rb_run_tiles(conv, TILE_PIXELS, run_tile);
}
#endif
