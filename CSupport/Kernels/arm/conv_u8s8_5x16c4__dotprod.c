// Five pixels times sixteen output channels in twenty accumulators, for aarch64 with dot products (sdot). Four
// registers hold the weights of four input channels, five hold sixteen input channels of a pixel each, from which sdot
// takes four at a time by element: 80 sdot to 9 loads. The inner loops are assembly because compilers keep twenty
// accumulators and four neighbouring registers apart only by copies and spills, several for each product.
//
// The tile driver hands over a whole strip of pixels, so that what stays the same from tile to tile is worked out once.
#include "../tiles.h"

#if defined(__aarch64__)
#include "requantize_neon.h"

enum { TILE_PIXELS = 5 };

// The sums of pixels 0...4, in the registers v23...v27, for one quad of output channels.
#define QUAD(quad, weights, lane)                                                                                      \
    "sdot %[s0" #quad "].4s, " #weights ".16b, v23.4b[" #lane "]\n"                                                    \
    "sdot %[s1" #quad "].4s, " #weights ".16b, v24.4b[" #lane "]\n"                                                    \
    "sdot %[s2" #quad "].4s, " #weights ".16b, v25.4b[" #lane "]\n"                                                    \
    "sdot %[s3" #quad "].4s, " #weights ".16b, v26.4b[" #lane "]\n"                                                    \
    "sdot %[s4" #quad "].4s, " #weights ".16b, v27.4b[" #lane "]\n"
// Four input channels of every pixel.
#define FOUR_CHANNELS(lane)                                                                                            \
    "ld1 {v28.16b, v29.16b, v30.16b, v31.16b}, [%[weights]], #64\n" QUAD(0, v28, lane) QUAD(1, v29, lane)              \
        QUAD(2, v30, lane) QUAD(3, v31, lane)
#define LOAD_PIXELS(size, bytes)                                                                                       \
    "ldr " #size "23, [%[x0]], #" #bytes "\n"                                                                          \
    "ldr " #size "24, [%[x1]], #" #bytes "\n"                                                                          \
    "ldr " #size "25, [%[x2]], #" #bytes "\n"                                                                          \
    "ldr " #size "26, [%[x3]], #" #bytes "\n"                                                                          \
    "ldr " #size "27, [%[x4]], #" #bytes "\n"
#define SIXTEEN_CHANNELS LOAD_PIXELS(q, 16) FOUR_CHANNELS(0) FOUR_CHANNELS(1) FOUR_CHANNELS(2) FOUR_CHANNELS(3)
#define SUMS_OF_PIXEL(p)                                                                                               \
    [s##p##0] "+w"(sums[p][0]), [s##p##1] "+w"(sums[p][1]), [s##p##2] "+w"(sums[p][2]), [s##p##3] "+w"(sums[p][3])
#define OPERANDS                                                                                                       \
    SUMS_OF_PIXEL(0), SUMS_OF_PIXEL(1), SUMS_OF_PIXEL(2), SUMS_OF_PIXEL(3), SUMS_OF_PIXEL(4), [x0] "+r"(x[0]),         \
        [x1] "+r"(x[1]), [x2] "+r"(x[2]), [x3] "+r"(x[3]), [x4] "+r"(x[4]), [weights] "+r"(weights)
#define CLOBBERED "v23", "v24", "v25", "v26", "v27", "v28", "v29", "v30", "v31", "memory", "cc"

// Adds `bytes` input channels of each pixel; gives the address of the weights after theirs.
RB_INLINE const int8_t *add_run(const uint8_t *x[TILE_PIXELS], int32_t bytes, const int8_t *weights,
                                int32x4_t sums[TILE_PIXELS][4]) {
    uint32_t twice_sixteen = (uint32_t)bytes / 32;
    if (twice_sixteen > 0) {
        __asm__(".arch_extension dotprod\n"
                "1:\n" SIXTEEN_CHANNELS SIXTEEN_CHANNELS //
                "subs %w[count], %w[count], #1\n"
                "b.ne 1b\n"
                : OPERANDS, [count] "+r"(twice_sixteen)
                :
                : CLOBBERED);
    }
    if ((bytes & 16) != 0) {
        __asm__(".arch_extension dotprod\n" SIXTEEN_CHANNELS:OPERANDS : : CLOBBERED);
    }
    if ((bytes & 8) != 0) {
        __asm__(".arch_extension dotprod\n" LOAD_PIXELS(d, 8) FOUR_CHANNELS(0) FOUR_CHANNELS(1)
                : OPERANDS
                :
                : CLOBBERED);
    }
    if ((bytes & 4) != 0) {
        __asm__(".arch_extension dotprod\n" LOAD_PIXELS(s, 4) FOUR_CHANNELS(0) : OPERANDS : : CLOBBERED);
    }
    return weights;
}

// Every pixel starts at the biases. Loads, because from registers it would take twice as many moves.
RB_INLINE void load_bias(const int32_t *bias, int32x4_t sums[TILE_PIXELS][4]) {
    RB_UNROLL
    for (int32_t p = 0; p < TILE_PIXELS; p++) {
        __asm__ volatile("ldp %q0, %q1, [%4]\n"
                         "ldp %q2, %q3, [%4, #32]\n"
                         : "=&w"(sums[p][0]), "=&w"(sums[p][1]), "=&w"(sums[p][2]), "=w"(sums[p][3])
                         : "r"(bias), "m"(*(const int32_t(*)[RB_BLOCK_CHANNELS])bias));
    }
}

static void run_strip(const rb_tile *tile) {
    const rb_requantization r = rb_requantization_of(tile);
    const rb_block16 *block = rb_tile_block(tile, 0);
    const int32_t pixels = tile->pixels, taps = tile->taps, tap_bytes = tile->tap_bytes;
    const int32_t offset = tile->input_offset;
    const uint8_t *const *inputs = tile->inputs;
    for (int32_t first = 0; first < pixels; first += TILE_PIXELS, inputs += TILE_PIXELS) {
        int32x4_t sums[TILE_PIXELS][4];
        load_bias(block->bias, sums);
        const int8_t *weights = block->weights;
        const uint8_t *const *table = inputs;
        for (int32_t tap = taps; tap > 0; tap--, table += RB_TABLE_PIXELS) {
            const uint8_t *x[TILE_PIXELS] = {table[0], table[1], table[2], table[3], table[4]};
            if (offset != 0) {
                RB_UNROLL
                for (int32_t p = 0; p < TILE_PIXELS; p++) {
                    x[p] += offset;
                }
            }
            weights = add_run(x, tap_bytes, weights, sums);
        }
        rb_requantize_pixels(tile, &r, first, TILE_PIXELS, sums);
    }
}

void conv_u8s8_5x16c4__dotprod(const rb_conv *conv) {
    static const rb_tiling tiling = {1, {RB_STRIP_PIXELS / TILE_PIXELS * TILE_PIXELS}, run_strip};
    rb_run_tiles(conv, &tiling);
}
#endif
