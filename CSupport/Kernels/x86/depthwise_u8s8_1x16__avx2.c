// Depthwise convolutions, sixteen channels of one pixel at a time, for AVX2. The bytes of two taps are widened to 16
// bits and interleaved, so that vpmaddwd multiplies both taps of a channel and adds the products, exactly: they are at
// most 2 * 255 * 128. Interleaving works within 128-bit lanes and leaves the channels in another order, in which the
// weights are packed; packing the results undoes it.
#include "../depthwise.h"

#if defined(__x86_64__)
#include "requantize_avx2.h"

#define INLINE RB_AVX2 __attribute__((always_inline)) static inline

// Sixteen channels of a pixel, widened to 16 bits.
INLINE __m256i load_pixel(const uint8_t *pixel) {
    return _mm256_cvtepu8_epi16(_mm_loadu_si128((const __m128i *)pixel));
}

INLINE void multiply_add(__m256i first, __m256i second, const int8_t weights[2][RB_BLOCK_CHANNELS], __m256i sums[2]) {
    const __m256i low = _mm256_cvtepi8_epi16(_mm_load_si128((const __m128i *)weights[0]));
    const __m256i high = _mm256_cvtepi8_epi16(_mm_load_si128((const __m128i *)weights[1]));
    sums[0] = _mm256_add_epi32(sums[0], _mm256_madd_epi16(_mm256_unpacklo_epi16(first, second), low));
    sums[1] = _mm256_add_epi32(sums[1], _mm256_madd_epi16(_mm256_unpackhi_epi16(first, second), high));
}

// `skipped` channels of the block belong to the block before it.
INLINE void store(uint8_t *output, __m128i bytes, int32_t skipped, int32_t channels) {
    if (skipped == 0 && channels == RB_BLOCK_CHANNELS) {
        _mm_storeu_si128((__m128i *)output, bytes);
        return;
    }
    uint8_t values[RB_BLOCK_CHANNELS];
    _mm_storeu_si128((__m128i *)values, bytes);
    for (int32_t lane = skipped; lane < channels; lane++) {
        output[lane] = values[lane];
    }
}

RB_AVX2 static void run_block(const rb_run *run, const rb_dw16c2 *block, int32_t first, int32_t skipped) {
    const rb_conv_shape *s = &run->conv->shape;
    const int32_t channels =
        s->output.channels - first < RB_BLOCK_CHANNELS ? s->output.channels - first : RB_BLOCK_CHANNELS;
    uint8_t *output = run->conv->output + (size_t)run->first * s->output.pixel_stride + first;
    size_t offset = (size_t)first;
    for (int32_t p = 0; p < run->count; p++, offset += run->step, output += s->output.pixel_stride) {
        __m256i sums[2] = {_mm256_load_si256((const __m256i *)block->bias),
                           _mm256_load_si256((const __m256i *)(block->bias + 8))};
        int32_t tap = 0;
        for (; tap + 1 < run->taps; tap += 2) {
            multiply_add(load_pixel(run->inputs[tap] + offset), load_pixel(run->inputs[tap + 1] + offset),
                         block->weights[tap / 2], sums);
        }
        if (tap < run->taps) {
            multiply_add(load_pixel(run->inputs[tap] + offset), _mm256_setzero_si256(), block->weights[tap / 2], sums);
        }
        const __m256i low = rb_requantize8_avx2(s, sums[0], block->multiplier, NULL);
        const __m256i high = rb_requantize8_avx2(s, sums[1], block->multiplier + 8, NULL);
        const __m256i words = _mm256_packs_epi32(low, high);
        store(output, _mm_packus_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1)), skipped,
              channels);
    }
}

static void run_pixels(const rb_run *run) {
    const rb_conv_shape *s = &run->conv->shape;
    const uint8_t *block = run->conv->packed;
    for (int32_t c = 0; c < s->output.channels; c += RB_BLOCK_CHANNELS, block += rb_dw16c2_bytes(s)) {
        const int32_t first = rb_block_first_input(s, c);
        run_block(run, (const rb_dw16c2 *)block, first, c - first);
    }
}

void depthwise_u8s8_1x16__avx2(const rb_conv *conv) {
    const int32_t pixels = conv->shape.output.height * conv->shape.output.width;
    rb_run_rows(conv, rb_share(pixels, conv->part, conv->parts), run_pixels);
}
#endif
