// Four pixels (on armv7 two) times sixteen output channels, for aarch64 and armv7 with NEON, without dot products. Two
// pairs of input channels are multiplied with smull and smlal into 16 bits and summed into 32 bits with sadalp. The sum
// of two products is at most 128 * (|w0| + |w1|), which fits 16 bits unless both weights are -128: a block in which two
// such weights meet takes the slow way, sadalp after each product.
#include "../tiles.h"

#if defined(__ARM_NEON)
#include "requantize_neon.h"
#include "weights_neon.h"

#if defined(__aarch64__)
enum { TILE_PIXELS = 4 };
#else
enum { TILE_PIXELS = 2 }; // half the registers
#endif

// Adds `bytes` input channels of each pixel, two pairs at a time; gives the address of the weights after theirs.
#if defined(__aarch64__)
// Assembly, because compilers that move loads up here run out of registers, and copy or spill.
#define REPEAT_PAIR(p, x0, x1)                                                                                         \
    "ld1r {" #x0 ".8h}, [%[x" #p "]], #2\n"                                                                            \
    "ld1r {" #x1 ".8h}, [%[x" #p "]], #2\n"
#define QUAD(quad, half, size, w0, w1)                                                                                 \
    "smull" half " v28.8h, " w0 size ", v16" size "\n"                                                                 \
    "smull" half " v29.8h, " w0 size ", v17" size "\n"                                                                 \
    "smull" half " v30.8h, " w0 size ", v18" size "\n"                                                                 \
    "smull" half " v31.8h, " w0 size ", v19" size "\n"                                                                 \
    "smlal" half " v28.8h, " w1 size ", v20" size "\n"                                                                 \
    "smlal" half " v29.8h, " w1 size ", v21" size "\n"                                                                 \
    "smlal" half " v30.8h, " w1 size ", v22" size "\n"                                                                 \
    "smlal" half " v31.8h, " w1 size ", v23" size "\n"                                                                 \
    "sadalp %[s0" #quad "].4s, v28.8h\n"                                                                               \
    "sadalp %[s1" #quad "].4s, v29.8h\n"                                                                               \
    "sadalp %[s2" #quad "].4s, v30.8h\n"                                                                               \
    "sadalp %[s3" #quad "].4s, v31.8h\n"
#define SUMS_OF_PIXEL(p)                                                                                               \
    [s##p##0] "+w"(sums[p][0]), [s##p##1] "+w"(sums[p][1]), [s##p##2] "+w"(sums[p][2]), [s##p##3] "+w"(sums[p][3])

RB_INLINE const int8_t *add_run(const uint8_t *x[TILE_PIXELS], int64_t bytes, const int8_t *weights,
                                int32x4_t sums[TILE_PIXELS][4]) {
    int64_t fours = bytes / 4;
    __asm__("1:\n"
            "ld1 {v24.16b, v25.16b, v26.16b, v27.16b}, [%[weights]], #64\n" // of the first pair, then of the second
            REPEAT_PAIR(0, v16, v20) REPEAT_PAIR(1, v17, v21) REPEAT_PAIR(2, v18, v22) REPEAT_PAIR(3, v19, v23) //
            QUAD(0, "", ".8b", "v24", "v26") QUAD(1, "2", ".16b", "v24", "v26")                                 //
            QUAD(2, "", ".8b", "v25", "v27") QUAD(3, "2", ".16b", "v25", "v27")                                 //
            "subs %[fours], %[fours], #1\n"
            "b.ne 1b\n"
            : SUMS_OF_PIXEL(0), SUMS_OF_PIXEL(1), SUMS_OF_PIXEL(2), SUMS_OF_PIXEL(3), [x0] "+r"(x[0]), [x1] "+r"(x[1]),
              [x2] "+r"(x[2]), [x3] "+r"(x[3]), [weights] "+r"(weights), [fours] "+r"(fours)
            :
            : "v16", "v17", "v18", "v19", "v20", "v21", "v22", "v23", "v24", "v25", "v26", "v27", "v28", "v29", "v30",
              "v31", "memory", "cc");
    return weights;
}
#else
RB_INLINE const int8_t *add_run(const uint8_t *x[TILE_PIXELS], int64_t bytes, const int8_t *weights,
                                int32x4_t sums[TILE_PIXELS][4]) {
    for (int64_t i = 0; i < bytes; i += 4, weights += 4 * RB_BLOCK_CHANNELS) {
        RB_UNROLL
        for (int32_t p = 0; p < TILE_PIXELS; p++) {
            const int8x8_t x0 = vreinterpret_s8_s16(vld1_dup_s16((const int16_t *)(x[p] + i)));
            const int8x8_t x1 = vreinterpret_s8_s16(vld1_dup_s16((const int16_t *)(x[p] + i + 2)));
            RB_UNROLL
            for (int32_t quad = 0; quad < 4; quad++) {
                const int16x8_t product = vmull_s8(x0, vld1_s8(weights + 8 * quad));
                const int16x8_t two = vmlal_s8(product, x1, vld1_s8(weights + 32 + 8 * quad));
                sums[p][quad] = vpadalq_s16(sums[p][quad], two);
            }
        }
    }
    return weights;
}
#endif

// The same where the sum of two products may not fit.
RB_INLINE const int8_t *add_run_apart(const uint8_t *x[TILE_PIXELS], int64_t bytes, const int8_t *weights,
                                      int32x4_t sums[TILE_PIXELS][4]) {
    for (int64_t i = 0; i < bytes; i += 2, weights += 2 * RB_BLOCK_CHANNELS) {
        RB_UNROLL
        for (int32_t p = 0; p < TILE_PIXELS; p++) {
            const int8x8_t pair = vreinterpret_s8_s16(vld1_dup_s16((const int16_t *)(x[p] + i)));
            RB_UNROLL
            for (int32_t quad = 0; quad < 4; quad++) {
                sums[p][quad] = vpadalq_s16(sums[p][quad], vmull_s8(pair, vld1_s8(weights + 8 * quad)));
            }
        }
    }
    return weights;
}

RB_INLINE void run_pixels(const rb_tile *tile, const rb_requantization *r, int32_t first, bool apart) {
    const rb_block16 *block = rb_tile_block(tile, 0);
    int32x4_t sums[TILE_PIXELS][4];
    RB_UNROLL
    for (int32_t i = 0; i < 4 * TILE_PIXELS; i++) {
        sums[i / 4][i % 4] = vld1q_s32(block->bias + 4 * (i % 4));
    }
    const int8_t *weights = block->weights;
    const uint8_t *const *table = tile->inputs + first;
    for (int32_t tap = 0; tap < tile->taps; tap++, table += RB_TABLE_PIXELS) {
        const uint8_t *x[TILE_PIXELS];
        RB_UNROLL
        for (int32_t p = 0; p < TILE_PIXELS; p++) {
            x[p] = table[p] + tile->input_offset;
        }
        weights = apart ? add_run_apart(x, tile->tap_bytes, weights, sums) : add_run(x, tile->tap_bytes, weights, sums);
    }
    rb_requantize_pixels(tile, r, first, TILE_PIXELS, sums);
}

static void run_strip_neon(const rb_tile *tile) {
    const rb_requantization r = rb_requantization_of(tile);
    const int64_t pairs = (int64_t)tile->taps * tile->tap_bytes / 4;
    const bool apart = rb_least_weights_meet(rb_tile_block(tile, 0)->weights, pairs, 2 * RB_BLOCK_CHANNELS);
    for (int32_t first = 0; first < tile->pixels; first += TILE_PIXELS) {
        if (apart) {
            run_pixels(tile, &r, first, true);
        } else {
            run_pixels(tile, &r, first, false);
        }
    }
}

void conv_u8s8_4x16c2__neon(const rb_conv *conv) {
    static const rb_tiling tiling = {1, {RB_STRIP_PIXELS / TILE_PIXELS * TILE_PIXELS}, run_strip_neon};
    rb_run_tiles(conv, &tiling);
}
#endif
