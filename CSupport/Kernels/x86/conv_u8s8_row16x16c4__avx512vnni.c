// Up to sixteen pixels of a row times sixteen output channels, for windows three pixels wide, stride 1 and few input
// channels; AVX-512 with VNNI. With one block of output channels the general kernel has more loads than
// multiplications. Here an input pixel, once repeated across a register, is multiplied for all three output pixels
// whose windows it is in.
#include "../tiles.h"

#if defined(__x86_64__)
#include "requantize_avx512.h"
#include <string.h>

#define INLINE RB_AVX512 __attribute__((always_inline)) static inline

INLINE __m512i broadcast_four(const uint8_t *pixel) {
    int32_t four;
    memcpy(&four, pixel, sizeof four);
    return _mm512_set1_epi32(four);
}

// `pixels` output pixels from those of `rows` on. `inputs`: rounded input channels, the distance of pixels.
INLINE void accumulate(const rb_conv *conv, const uint8_t *const *rows, size_t offset, const int32_t pixels,
                       const size_t inputs, __m512i sums[RB_ROW_TILE_PIXELS]) {
    const rb_block16 *block = conv->packed;
#pragma clang loop unroll(full)
    for (int32_t p = 0; p < pixels; p++) {
        sums[p] = _mm512_load_si512(block->bias);
    }
    const int8_t *weights = block->weights;
    for (int32_t ky = 0; ky < conv->shape.kernel_height; ky++, weights += 3 * RB_BLOCK_CHANNELS * inputs) {
        const uint8_t *row = rows[ky] + offset;
        for (size_t i = 0; i < inputs; i += 4) {
            const int8_t *w = weights + RB_BLOCK_CHANNELS * i;
            const __m512i left = _mm512_load_si512(w);
            const __m512i centre = _mm512_load_si512(w + RB_BLOCK_CHANNELS * inputs);
            const __m512i right = _mm512_load_si512(w + 2 * RB_BLOCK_CHANNELS * inputs);
#pragma clang loop unroll(full)
            for (int32_t column = 0; column < pixels + 2; column++) {
                const __m512i four = broadcast_four(row + (size_t)column * inputs + i);
                if (column < pixels) {
                    sums[column] = _mm512_dpbusd_epi32(sums[column], four, left);
                }
                if (column >= 1 && column <= pixels) {
                    sums[column - 1] = _mm512_dpbusd_epi32(sums[column - 1], four, centre);
                }
                if (column >= 2) {
                    sums[column - 2] = _mm512_dpbusd_epi32(sums[column - 2], four, right);
                }
            }
        }
    }
}

typedef struct {
    uint8_t *output;
    const uint8_t *residual; // NULL: none
    size_t output_step, residual_step;
    int32_t pixels;                   // that exist
    __mmask16 written, residual_mask; // channels that exist
} row_tile;

INLINE void requantize(const rb_conv *conv, const row_tile *tile, const int32_t pixels,
                       const __m512i sums[RB_ROW_TILE_PIXELS]) {
    const rb_requantize_avx512 r = rb_make_requantize_avx512(&conv->shape);
    const __m512 multiplier = _mm512_load_ps(((const rb_block16 *)conv->packed)->multiplier);
    const __m128i absent = _mm_set1_epi8((char)conv->shape.residual.zero_point); // adds nothing
#pragma clang loop unroll(full)
    for (int32_t first = 0; first < pixels; first += 4) {
        __m512i scaled[4];
#pragma clang loop unroll(full)
        for (int32_t i = 0; i < 4; i++) {
            const int32_t p = first + i;
            if (tile->residual != NULL) {
                const __mmask16 mask = p < tile->pixels ? tile->residual_mask : 0;
                const __m128i bytes =
                    _mm_mask_loadu_epi8(absent, mask, tile->residual + (size_t)p * tile->residual_step);
                scaled[i] = rb_scale_add_avx512(&r, sums[p], multiplier, bytes);
            } else {
                scaled[i] = rb_scale_avx512(&r, sums[p], multiplier);
            }
        }
        const __m512i bytes = rb_pack_avx512(&r, scaled[0], scaled[1], scaled[2], scaled[3]);
        const __m128i quarters[4] = {_mm512_castsi512_si128(bytes), _mm512_extracti32x4_epi32(bytes, 1),
                                     _mm512_extracti32x4_epi32(bytes, 2), _mm512_extracti32x4_epi32(bytes, 3)};
#pragma clang loop unroll(full)
        for (int32_t i = 0; i < 4; i++) {
            if (first + i < tile->pixels) {
                _mm_mask_storeu_epi8(tile->output + (size_t)(first + i) * tile->output_step, tile->written,
                                     quarters[i]);
            }
        }
    }
}

#define RUN(tile_pixels)                                                                                               \
    RB_AVX512 static void run_##tile_pixels(const rb_conv *conv, const uint8_t *const *rows, size_t offset,            \
                                            const row_tile *tile) {                                                    \
        __m512i sums[RB_ROW_TILE_PIXELS];                                                                              \
        accumulate(conv, rows, offset, tile_pixels, (size_t)rb_rounded_inputs(&conv->shape), sums);                    \
        requantize(conv, tile, tile_pixels, sums);                                                                     \
    }
RUN(4)
RUN(8)
RUN(12)
RUN(16)

RB_AVX512 static void run_row(const rb_conv *conv, int32_t y, const uint8_t *const *rows) {
    static void (*const functions[])(const rb_conv *, const uint8_t *const *, size_t,
                                     const row_tile *) = {run_4, run_8, run_12, run_16};
    const rb_conv_shape *s = &conv->shape;
    const int32_t width = s->output.width;
    row_tile tile = {
        .output = conv->output + rb_pixel_offset(&s->output, y, 0),
        .output_step = (size_t)s->output.pixel_stride,
        .residual_step = (size_t)s->residual_step * (size_t)s->residual.pixel_stride,
        .written = rb_existing_avx512(0, s->output.channels),
        .residual_mask = rb_existing_avx512(-s->residual_channel_offset, s->residual.channels),
    };
    if (s->residual.height != 0) {
        tile.residual =
            conv->residual + rb_pixel_offset(&s->residual, y * s->residual_step, 0) - s->residual_channel_offset;
    }
    for (int32_t x = 0; x < width; x += tile.pixels) {
        tile.pixels = width - x < RB_ROW_TILE_PIXELS ? width - x : RB_ROW_TILE_PIXELS;
        functions[(tile.pixels - 1) / 4](conv, rows, (size_t)x * (size_t)rb_rounded_inputs(s), &tile);
        tile.output += (size_t)tile.pixels * tile.output_step;
        tile.residual += tile.residual != NULL ? (size_t)tile.pixels * tile.residual_step : 0;
    }
}

void conv_u8s8_row16x16c4__avx512vnni(const rb_conv *conv) {
    rb_run_copied_rows(conv, run_row);
}
#endif
