// Six pixels times sixteen output channels, for aarch64 with the matrix multiplication of int8 (smmla): each of its
// instructions multiplies eight input channels of two pixels with two output channels. See the kernel for dot products,
// which is built the same way.
#include "../tiles.h"

#if defined(__aarch64__)
#include "requantize_neon.h"

enum { TILE_PIXELS = 6, PAIRS = TILE_PIXELS / 2, OUTPUT_PAIRS = RB_BLOCK_CHANNELS / 2 };

// Of the three pairs of pixels, in v24...v26, for one pair of output channels.
#define OUTPUT_PAIR(o, weights)                                                                                        \
    "smmla %[s0" #o "].4s, v24.16b, " #weights ".16b\n"                                                                \
    "smmla %[s1" #o "].4s, v25.16b, " #weights ".16b\n"                                                                \
    "smmla %[s2" #o "].4s, v26.16b, " #weights ".16b\n"
#define LOAD_PAIR(x, p0, p1)                                                                                           \
    "ldr d" #x ", [%[x" #p0 "]], #8\n"                                                                                 \
    "ld1 {v" #x ".d}[1], [%[x" #p1 "]], #8\n"
#define EIGHT_CHANNELS                                                                                                 \
    LOAD_PAIR(24, 0, 1)                                                                                                \
    LOAD_PAIR(25, 2, 3)                                                                                                \
    LOAD_PAIR(26, 4, 5)                                                                                                \
    "ld1 {v28.16b, v29.16b, v30.16b, v31.16b}, [%[weights]], #64\n" OUTPUT_PAIR(0, v28) OUTPUT_PAIR(1, v29)            \
        OUTPUT_PAIR(2, v30)                                                                                            \
            OUTPUT_PAIR(3, v31) "ld1 {v28.16b, v29.16b, v30.16b, v31.16b}, [%[weights]], #64\n" OUTPUT_PAIR(4, v28)    \
                OUTPUT_PAIR(5, v29) OUTPUT_PAIR(6, v30) OUTPUT_PAIR(7, v31)
#define SUMS_OF_PAIR(p)                                                                                                \
    [s##p##0] "+w"(sums[p][0]), [s##p##1] "+w"(sums[p][1]), [s##p##2] "+w"(sums[p][2]), [s##p##3] "+w"(sums[p][3]),    \
        [s##p##4] "+w"(sums[p][4]), [s##p##5] "+w"(sums[p][5]), [s##p##6] "+w"(sums[p][6]), [s##p##7] "+w"(sums[p][7])
#define OPERANDS                                                                                                       \
    SUMS_OF_PAIR(0), SUMS_OF_PAIR(1), SUMS_OF_PAIR(2), [x0] "+r"(x[0]), [x1] "+r"(x[1]), [x2] "+r"(x[2]),              \
        [x3] "+r"(x[3]), [x4] "+r"(x[4]), [x5] "+r"(x[5]), [weights] "+r"(weights)
#define CLOBBERED "v24", "v25", "v26", "v28", "v29", "v30", "v31", "memory", "cc"

// Adds `bytes` input channels, a multiple of eight, of each pixel; gives the address of the weights after theirs.
RB_INLINE const int8_t *add_run(const uint8_t *x[TILE_PIXELS], int32_t bytes, const int8_t *weights,
                                int32x4_t sums[PAIRS][OUTPUT_PAIRS]) {
    uint32_t sixteens = (uint32_t)bytes / 16;
    if (sixteens > 0) {
        __asm__(".arch_extension i8mm\n"
                "1:\n" EIGHT_CHANNELS EIGHT_CHANNELS //
                "subs %w[sixteens], %w[sixteens], #1\n"
                "b.ne 1b\n"
                : OPERANDS, [sixteens] "+r"(sixteens)
                :
                : CLOBBERED);
    }
    if ((bytes & 8) != 0) {
        __asm__(".arch_extension i8mm\n" EIGHT_CHANNELS:OPERANDS : : CLOBBERED);
    }
    return weights;
}

// The sums of a pair are [pixel][output channel]; here they become four output channels of each pixel.
RB_INLINE void split_pairs(int32x4_t pairs[PAIRS][OUTPUT_PAIRS], int32x4_t sums[TILE_PIXELS][4]) {
    RB_UNROLL
    for (int32_t i = 0; i < PAIRS * 4; i++) {
        const int64x2_t first = vreinterpretq_s64_s32(pairs[i / 4][i % 4 * 2]);
        const int64x2_t second = vreinterpretq_s64_s32(pairs[i / 4][i % 4 * 2 + 1]);
        sums[i / 4 * 2][i % 4] = vreinterpretq_s32_s64(vzip1q_s64(first, second));
        sums[i / 4 * 2 + 1][i % 4] = vreinterpretq_s32_s64(vzip2q_s64(first, second));
    }
}

static void run_strip_i8mm(const rb_tile *tile) {
    const rb_requantization r = rb_requantization_of(tile);
    const rb_block16 *block = rb_tile_block(tile, 0);
    const int32_t pixels = tile->pixels, taps = tile->taps, tap_bytes = tile->tap_bytes;
    const int32_t offset = tile->input_offset;
    const uint8_t *const *inputs = tile->inputs;
    for (int32_t first = 0; first < pixels; first += TILE_PIXELS, inputs += TILE_PIXELS) {
        int32x4_t pairs[PAIRS][OUTPUT_PAIRS], sums[TILE_PIXELS][4];
        RB_UNROLL
        for (int32_t i = 0; i < PAIRS * OUTPUT_PAIRS; i++) {
            const int64_t *bias = (const int64_t *)block->bias + i % OUTPUT_PAIRS;
            pairs[i / OUTPUT_PAIRS][i % OUTPUT_PAIRS] = vreinterpretq_s32_s64(vld1q_dup_s64(bias));
        }
        const int8_t *weights = block->weights;
        const uint8_t *const *table = inputs;
        for (int32_t tap = taps; tap > 0; tap--, table += RB_TABLE_PIXELS) {
            const uint8_t *x[TILE_PIXELS] = {table[0] + offset, table[1] + offset, table[2] + offset,
                                             table[3] + offset, table[4] + offset, table[5] + offset};
            weights = add_run(x, tap_bytes, weights, pairs);
        }
        split_pairs(pairs, sums);
        rb_requantize_pixels(tile, &r, first, TILE_PIXELS, sums);
    }
}

void conv_u8s8_6x16c8__i8mm(const rb_conv *conv) {
    static const rb_tiling tiling = {1, {RB_STRIP_PIXELS / TILE_PIXELS * TILE_PIXELS}, run_strip_i8mm};
    rb_run_tiles(conv, &tiling);
}
#endif
