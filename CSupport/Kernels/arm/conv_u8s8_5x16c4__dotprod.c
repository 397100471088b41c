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
// Four input channels of every pixel, times 16 output channels, or times the first 8 of a block that has no more.
#define BY_SIXTEEN(lane)                                                                                               \
    "ld1 {v28.16b, v29.16b, v30.16b, v31.16b}, [%[weights]], #64\n" QUAD(0, v28, lane) QUAD(1, v29, lane)              \
        QUAD(2, v30, lane) QUAD(3, v31, lane)
#define BY_EIGHT(lane) "ldp q28, q29, [%[weights]], #64\n" QUAD(0, v28, lane) QUAD(1, v29, lane)
#define LOAD_PIXELS(size, bytes)                                                                                       \
    "ldr " #size "23, [%[x0]], #" #bytes "\n"                                                                          \
    "ldr " #size "24, [%[x1]], #" #bytes "\n"                                                                          \
    "ldr " #size "25, [%[x2]], #" #bytes "\n"                                                                          \
    "ldr " #size "26, [%[x3]], #" #bytes "\n"                                                                          \
    "ldr " #size "27, [%[x4]], #" #bytes "\n"
#define SUMS_OF_PIXEL(p)                                                                                               \
    [s##p##0] "+w"(sums[p][0]), [s##p##1] "+w"(sums[p][1]), [s##p##2] "+w"(sums[p][2]), [s##p##3] "+w"(sums[p][3])
#define OPERANDS                                                                                                       \
    SUMS_OF_PIXEL(0), SUMS_OF_PIXEL(1), SUMS_OF_PIXEL(2), SUMS_OF_PIXEL(3), SUMS_OF_PIXEL(4), [x0] "+r"(x[0]),         \
        [x1] "+r"(x[1]), [x2] "+r"(x[2]), [x3] "+r"(x[3]), [x4] "+r"(x[4]), [weights] "+r"(weights)
#define CLOBBERED "v23", "v24", "v25", "v26", "v27", "v28", "v29", "v30", "v31", "memory", "cc"

#define ADD(instructions) __asm__(".arch_extension dotprod\n" instructions:OPERANDS : : CLOBBERED)
#define SIXTEEN_CHANNELS(by) LOAD_PIXELS(q, 16) by(0) by(1) by(2) by(3)
#define ADD_RUN(by)                                                                                                    \
    do {                                                                                                               \
        uint32_t count = (uint32_t)bytes / 32;                                                                         \
        if (count > 0) {                                                                                               \
            __asm__(".arch_extension dotprod\n"                                                                        \
                    "1:\n" SIXTEEN_CHANNELS(by) SIXTEEN_CHANNELS(by) "subs %w[count], %w[count], #1\n"                 \
                                                                     "b.ne 1b\n"                                       \
                    : OPERANDS, [count] "+r"(count)                                                                    \
                    :                                                                                                  \
                    : CLOBBERED);                                                                                      \
        }                                                                                                              \
        if ((bytes & 16) != 0) {                                                                                       \
            ADD(SIXTEEN_CHANNELS(by));                                                                                 \
        }                                                                                                              \
        if ((bytes & 8) != 0) {                                                                                        \
            ADD(LOAD_PIXELS(d, 8) by(0) by(1));                                                                        \
        }                                                                                                              \
        if ((bytes & 4) != 0) {                                                                                        \
            ADD(LOAD_PIXELS(s, 4) by(0));                                                                              \
        }                                                                                                              \
    } while (0)

// Adds `bytes` input channels of each pixel; gives the address of the weights after theirs.
RB_INLINE const int8_t *add_run(const uint8_t *x[TILE_PIXELS], int32_t bytes, const int8_t *weights, bool half,
                                int32x4_t sums[TILE_PIXELS][4]) {
    if (half) {
        ADD_RUN(BY_EIGHT);
    } else {
        ADD_RUN(BY_SIXTEEN);
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

// `half`: no more than 8 of the block's 16 channels exist.
RB_INLINE void run_pixels(const rb_tile *tile, bool half) {
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
            weights = add_run(x, tap_bytes, weights, half, sums);
        }
        rb_requantize_pixels(tile, &r, first, TILE_PIXELS, sums);
    }
}

static void run_strip_dotprod(const rb_tile *tile) {
    if (tile->channels <= RB_BLOCK_CHANNELS / 2) {
        run_pixels(tile, true);
    } else {
        run_pixels(tile, false);
    }
}

void conv_u8s8_5x16c4__dotprod(const rb_conv *conv) {
    static const rb_tiling tiling = {1, {RB_STRIP_PIXELS / TILE_PIXELS * TILE_PIXELS}, run_strip_dotprod};
    rb_run_tiles(conv, &tiling);
}
#endif
