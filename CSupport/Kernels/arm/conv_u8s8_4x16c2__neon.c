// Four pixels times sixteen output channels, for aarch64 and armv7 with NEON, without dot products. A pair of input
// channels is multiplied with smull and summed into 32 bits with sadalp. Products are at most 128 * 128, so none of it
// overflows. (Adding a second product with smlal before sadalp would overflow 16 bits where two -128 meet two -128.)
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

// A pair of neighbouring input channels of one pixel, repeated across the register.
static inline int8x8_t broadcast_pair(const uint8_t *pixel) {
    uint16_t pair;
    memcpy(&pair, pixel, sizeof pair);
    return vreinterpret_s8_u16(vdup_n_u16(pair));
}

// Adds a pair of input channels of one pixel, times the weights of sixteen output channels.
static inline void multiply_add(int32x4_t sums[4], int8x8_t pair, int8x16_t weights0, int8x16_t weights1) {
    sums[0] = vpadalq_s16(sums[0], vmull_s8(pair, vget_low_s8(weights0)));
    sums[1] = vpadalq_s16(sums[1], vmull_s8(pair, vget_high_s8(weights0)));
    sums[2] = vpadalq_s16(sums[2], vmull_s8(pair, vget_low_s8(weights1)));
    sums[3] = vpadalq_s16(sums[3], vmull_s8(pair, vget_high_s8(weights1)));
}

static inline void accumulate(const rb_tile *tile, int32_t first_pixel, int32x4_t sums[REGISTER_PIXELS][4]) {
    const rb_block16 *block = rb_tile_block(tile, 0);
    const int8_t *weights = block->weights;
    for (int32_t p = 0; p < REGISTER_PIXELS; p++) {
        for (int32_t quad = 0; quad < 4; quad++) {
            sums[p][quad] = vld1q_s32(block->bias + 4 * quad);
        }
    }
    for (int32_t tap = 0; tap < tile->taps; tap++) {
        const uint8_t *const *pixels = tile->inputs + (size_t)tap * RB_TABLE_PIXELS + first_pixel;
        const int32_t end = tile->input_offset + tile->tap_bytes;
        for (int32_t i = tile->input_offset; i < end; i += 2, weights += 2 * RB_BLOCK_CHANNELS) {
            const int8x16_t weights0 = vld1q_s8(weights), weights1 = vld1q_s8(weights + 16);
            for (int32_t p = 0; p < REGISTER_PIXELS; p++) {
                multiply_add(sums[p], broadcast_pair(pixels[p] + i), weights0, weights1);
            }
        }
    }
}

static void run_tile(const rb_tile *tile) {
    int32_t sums[TILE_PIXELS][RB_BLOCK_CHANNELS];
    for (int32_t first = 0; first < TILE_PIXELS; first += REGISTER_PIXELS) {
        int32x4_t registers[REGISTER_PIXELS][4];
        accumulate(tile, first, registers);
        for (int32_t p = 0; p < REGISTER_PIXELS; p++) {
            for (int32_t quad = 0; quad < 4; quad++) {
                vst1q_s32(sums[first + p] + 4 * quad, registers[p][quad]);
            }
        }
    }
    for (int32_t p = 0; p < tile->pixels; p++) {
        rb_requantize_neon(tile, p, sums[p]);
    }
}

void conv_u8s8_4x16c2__neon(const rb_conv *conv) {
    static const rb_tiling tiling = {1, {TILE_PIXELS}, run_tile};
    rb_run_tiles(conv, &tiling);
}
#endif
