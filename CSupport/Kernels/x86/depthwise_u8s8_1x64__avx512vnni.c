// Depthwise convolutions, 64 channels of one pixel at a time, for AVX-512 with VNNI. The bytes of four taps are
// interleaved, so that vpdpbusd multiplies the four taps of sixteen channels at once. Interleaving works within 128-bit
// lanes and leaves the channels in another order, in which the weights are packed; packing the results to bytes undoes
// it.
#include "../depthwise.h"
#include "../strips.h"

#if defined(__x86_64__)
#include "requantize_avx512.h"

#define INLINE RB_AVX512 __attribute__((always_inline)) static inline

enum { TAPS_3X3 = 9 };

// The bytes of up to four taps, starting with `first`, of the channels in `mask`; none is a tap of zeros.
INLINE void load_taps(const uint8_t *const *inputs, size_t offset, int32_t first, int32_t taps, bool whole,
                      __mmask64 mask, __m512i bytes[4]) {
#pragma clang loop unroll(full)
    for (int32_t t = 0; t < 4; t++) {
        bytes[t] = _mm512_setzero_si512();
        if (first + t < taps) {
            const uint8_t *pixel = inputs[first + t] + offset;
            bytes[t] = whole ? _mm512_loadu_si512(pixel) : _mm512_maskz_loadu_epi8(mask, pixel);
        }
    }
}

INLINE void multiply_add(const __m512i bytes[4], const __m512i weights[4], __m512i sums[4]) {
    const __m512i low01 = _mm512_unpacklo_epi8(bytes[0], bytes[1]), high01 = _mm512_unpackhi_epi8(bytes[0], bytes[1]);
    const __m512i low23 = _mm512_unpacklo_epi8(bytes[2], bytes[3]), high23 = _mm512_unpackhi_epi8(bytes[2], bytes[3]);
    sums[0] = _mm512_dpbusd_epi32(sums[0], _mm512_unpacklo_epi16(low01, low23), weights[0]);
    sums[1] = _mm512_dpbusd_epi32(sums[1], _mm512_unpackhi_epi16(low01, low23), weights[1]);
    sums[2] = _mm512_dpbusd_epi32(sums[2], _mm512_unpacklo_epi16(high01, high23), weights[2]);
    sums[3] = _mm512_dpbusd_epi32(sums[3], _mm512_unpackhi_epi16(high01, high23), weights[3]);
}

// The pixels of a run for one block. `constant_taps`: their number where it is a constant and the weights fit the
// registers, else 0.
INLINE void run_block(const rb_run *run, const rb_dw64 *block, int32_t channel, const int32_t constant_taps,
                      const bool whole) {
    const rb_conv_shape *s = &run->conv->shape;
    const rb_requantize_avx512 r = rb_make_requantize_avx512(s);
    const int32_t readable = rb_rounded_inputs(s) - channel, writable = s->output.channels - channel;
    const __mmask64 read = readable >= 64 ? ~(__mmask64)0 : ((__mmask64)1 << readable) - 1;
    const __mmask64 write = writable >= 64 ? ~(__mmask64)0 : ((__mmask64)1 << writable) - 1;
    uint8_t *output = run->conv->output + (size_t)run->first * s->output.pixel_stride + channel;
    __m512i kept[(TAPS_3X3 + 3) / 4][4], bias[4];
#pragma clang loop unroll(full)
    for (int32_t j = 0; j < 4; j++) {
        bias[j] = _mm512_load_si512(block->bias + 16 * j);
#pragma clang loop unroll(full)
        for (int32_t q = 0; 4 * q < constant_taps; q++) {
            kept[q][j] = _mm512_load_si512(block->weights[q][16 * j]);
        }
    }
    const uint8_t *inputs[TAPS_3X3];
#pragma clang loop unroll(full)
    for (int32_t t = 0; t < constant_taps; t++) {
        inputs[t] = run->inputs[t];
    }
    size_t offset = (size_t)channel;
    for (int32_t p = 0; p < run->count; p++, offset += run->step, output += s->output.pixel_stride) {
        __m512i sums[4] = {bias[0], bias[1], bias[2], bias[3]}, bytes[4];
        if (constant_taps > 0) {
#pragma clang loop unroll(full)
            for (int32_t q = 0; 4 * q < constant_taps; q++) {
                load_taps(inputs, offset, 4 * q, constant_taps, whole, read, bytes);
                multiply_add(bytes, kept[q], sums);
            }
        } else {
            for (int32_t q = 0; 4 * q < run->taps; q++) {
                load_taps(run->inputs, offset, 4 * q, run->taps, whole, read, bytes);
                multiply_add(bytes, (const __m512i *)block->weights[q], sums);
            }
        }
        __m512i scaled[4];
#pragma clang loop unroll(full)
        for (int32_t j = 0; j < 4; j++) {
            scaled[j] = rb_scale_avx512(&r, sums[j], _mm512_load_ps(block->multiplier + 16 * j));
        }
        const __m512i result = rb_pack_in_lanes_avx512(&r, scaled[0], scaled[1], scaled[2], scaled[3]);
        if (whole) {
            _mm512_storeu_si512(output, result);
        } else {
            _mm512_mask_storeu_epi8(output, write, result);
        }
    }
}

// A function for whole blocks, which needs no masks, and one for any.
#define RUN(name, constant_taps)                                                                                       \
    RB_AVX512 static void name(const rb_run *run, const rb_dw64 *block, int32_t channel) {                             \
        if (channel + RB_DW64_CHANNELS <= run->conv->shape.output.channels) {                                          \
            run_block(run, block, channel, constant_taps, true);                                                       \
        } else {                                                                                                       \
            run_block(run, block, channel, constant_taps, false);                                                      \
        }                                                                                                              \
    }
RUN(run_block_3x3, TAPS_3X3)
RUN(run_block_any, 0)

static void run_pixels(const rb_run *run) {
    const rb_conv_shape *s = &run->conv->shape;
    const uint8_t *block = run->conv->packed;
    for (int32_t c = 0; c < s->output.channels; c += RB_DW64_CHANNELS, block += rb_dw64_bytes(s)) {
        (run->taps == TAPS_3X3 ? run_block_3x3 : run_block_any)(run, (const rb_dw64 *)block, c);
    }
}

void depthwise_u8s8_1x64__avx512vnni(const rb_conv *conv) {
    const int32_t pixels = conv->shape.output.height * conv->shape.output.width;
    rb_run_rows(conv, rb_share(pixels, conv->part, conv->parts), run_pixels);
}
#endif
