// Convolutions in groups of 4 or 8 channels, 64 channels of up to six pixels at a time, for AVX-512 with VNNI. A
// register of input, 16 dwords, is multiplied as it lies in memory: by the weights of the first output channel of every
// dword's group, then by those of the second, and so on. No product is wasted on another group, and no input is moved.
#include "../grouped.h"
#include "../strips.h"

#if defined(__x86_64__)
#include "requantize_avx512.h"

#define INLINE RB_AVX512 __attribute__((always_inline)) static inline

enum { MOST_SUMS = 24 };

// Where the tile is: `input` bytes past the taps of the run's first pixel.
typedef struct {
    size_t input;
    uint8_t *output;
    __mmask64 existing; // channels
} place;

// `registers`: output channels of a group. sums[pixel * registers + r]
INLINE void accumulate(const rb_run *run, const rb_g64 *block, const place *at, const int32_t pixels,
                       const int32_t registers, __m512i sums[MOST_SUMS]) {
#pragma clang loop unroll(full)
    for (int32_t i = 0; i < pixels * registers; i++) {
        sums[i] = _mm512_setzero_si512();
    }
    const __m512i *weights = (const __m512i *)block->weights;
    for (int32_t tap = 0; tap < run->taps; tap++, weights += registers) {
        const uint8_t *input = run->inputs[tap] + at->input;
        __m512i bytes[6];
#pragma clang loop unroll(full)
        for (int32_t p = 0; p < pixels; p++) {
            bytes[p] = _mm512_maskz_loadu_epi8(at->existing, input + (size_t)p * run->step);
        }
#pragma clang loop unroll(full)
        for (int32_t r = 0; r < registers; r++) {
#pragma clang loop unroll(full)
            for (int32_t p = 0; p < pixels; p++) {
                sums[p * registers + r] = _mm512_dpbusd_epi32(sums[p * registers + r], bytes[p], weights[r]);
            }
        }
    }
}

// Adds the two dwords of every group of eight: of output channel `a` into the even places, of `b` into the odd ones.
INLINE __m512i add_pairs(__m512i a, __m512i b) {
    const __m512i kept = _mm512_mask_blend_epi32(0xAAAA, a, b), others = _mm512_mask_blend_epi32(0xAAAA, b, a);
    return _mm512_add_epi32(kept, _mm512_shuffle_epi32(others, _MM_PERM_CDAB));
}

INLINE void requantize(const rb_run *run, const rb_g64 *block, const place *at, const int32_t pixels,
                       const int32_t registers, const __m512i sums[MOST_SUMS]) {
    const rb_conv_shape *s = &run->conv->shape;
    const rb_requantize_avx512 r = rb_make_requantize_avx512(s);
    // Packing leaves byte 4 * register + dword in each lane; see rb_g64_place.
    const __m512i order =
        _mm512_broadcast_i32x4(registers == 4 ? _mm_setr_epi8(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15)
                                              : _mm_setr_epi8(0, 1, 4, 5, 8, 9, 12, 13, 2, 3, 6, 7, 10, 11, 14, 15));
#pragma clang loop unroll(full)
    for (int32_t p = 0; p < pixels; p++) {
        __m512i scaled[4];
#pragma clang loop unroll(full)
        for (int32_t i = 0; i < 4; i++) {
            const __m512i *of_pixel = sums + p * registers;
            const __m512i sum = registers == 4 ? of_pixel[i] : add_pairs(of_pixel[2 * i], of_pixel[2 * i + 1]);
            scaled[i] = rb_scale_avx512(&r, _mm512_add_epi32(sum, _mm512_load_si512(block->bias + 16 * i)),
                                        _mm512_load_ps(block->multiplier + 16 * i));
        }
        const __m512i packed = rb_pack_in_lanes_avx512(&r, scaled[0], scaled[1], scaled[2], scaled[3]);
        _mm512_mask_storeu_epi8(at->output + (size_t)p * s->output.pixel_stride, at->existing,
                                _mm512_shuffle_epi8(packed, order));
    }
}

// A function for each number of pixels and registers.
#define TILE(pixels, registers)                                                                                        \
    RB_AVX512 static void tile_##pixels##x##registers(const rb_run *run, const rb_g64 *block, const place *at) {       \
        __m512i sums[MOST_SUMS];                                                                                       \
        accumulate(run, block, at, pixels, registers, sums);                                                           \
        requantize(run, block, at, pixels, registers, sums);                                                           \
    }
TILE(1, 4)
TILE(2, 4)
TILE(3, 4)
TILE(4, 4)
TILE(5, 4)
TILE(6, 4)
TILE(1, 8)
TILE(2, 8)
TILE(3, 8)

typedef void tile_function(const rb_run *run, const rb_g64 *block, const place *at);
static tile_function *const tiles_of_4[] = {tile_1x4, tile_2x4, tile_3x4, tile_4x4, tile_5x4, tile_6x4};
static tile_function *const tiles_of_8[] = {tile_1x8, tile_2x8, tile_3x8};

static void run_block(const rb_run *run, const rb_g64 *block, int32_t channel) {
    const rb_conv_shape *s = &run->conv->shape;
    const bool fours = s->input.channels / s->groups == 4;
    tile_function *const *tiles = fours ? tiles_of_4 : tiles_of_8;
    const int32_t most = fours ? 6 : 3;
    const int32_t left = s->output.channels - channel;
    place at = {
        .input = (size_t)channel,
        .output = run->conv->output + (size_t)run->first * s->output.pixel_stride + channel,
        .existing = left >= RB_G64_CHANNELS ? ~(__mmask64)0 : ((__mmask64)1 << left) - 1,
    };
    for (int32_t p = 0, pixels; p < run->count; p += pixels) {
        pixels = run->count - p < most ? run->count - p : most;
        tiles[pixels - 1](run, block, &at);
        at.input += (size_t)pixels * run->step;
        at.output += (size_t)pixels * s->output.pixel_stride;
    }
}

static void run_pixels(const rb_run *run) {
    const rb_conv_shape *s = &run->conv->shape;
    const uint8_t *block = run->conv->packed;
    for (int32_t c = 0; c < s->output.channels; c += RB_G64_CHANNELS, block += rb_g64_bytes(s)) {
        run_block(run, (const rb_g64 *)block, c);
    }
}

void grouped_u8s8_6x64__avx512vnni(const rb_conv *conv) {
    const int32_t pixels = conv->shape.output.height * conv->shape.output.width;
    rb_run_rows(conv, rb_share(pixels, conv->part, conv->parts), run_pixels);
}
#endif
