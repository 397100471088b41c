// Int8 kernels: what the plan walker calls. C never calls Swift; nothing here allocates or makes a system call.
//
// Tensors are NHWC with one image: pixel (y, x) starts at data + (y * width + x) * pixel_stride, and its channels
// are the first `channels` bytes there. pixel_stride is a multiple of 4 and at least `channels` rounded up to a
// multiple of 4: kernels read channels in whole groups of 4 and give the ones past the last a weight of zero. A pixel
// stride larger than that is how a concatenation is written in place.
//
// Numbers: activations are uint8 with one scale and zero point a tensor, real = scale * (q - zero_point). Weights are
// int8, symmetric, one scale an output channel. Accumulators are int32 and exact in any order of summation, because
// the model verifier bounds |bias| + 512 * sum |w| of every channel by 2^31 - 1.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// An execution path is a family of instruction sets. The numbers stand in model files: never renumber.
typedef enum {
    RB_PATH_REFERENCE = 0,  // plain C; uses the file's weights in place
    RB_PATH_AVX2 = 1,       // x86_64 with AVX2
    RB_PATH_NEON = 2,       // aarch64 and armv7 with NEON
    RB_PATH_AVXVNNI = 3,    // x86_64 with AVX-VNNI
    RB_PATH_AVX512VNNI = 4, // x86_64 with AVX-512 F, BW, VL and VNNI
    RB_PATH_DOTPROD = 5,    // aarch64 with dot products (Armv8.2 DotProd)
    RB_PATH_I8MM = 6,       // aarch64 with the matrix multiplication of int8 (Armv8.6 I8MM), and dot products
    RB_PATH_COUNT = 7
} rb_path;

// Whether this build has the path and this processor can execute it.
bool rb_path_available(rb_path path);
// Whether this build has kernels of the path's own.
bool rb_path_is_built(rb_path path);
// The fastest available path.
rb_path rb_path_best(void);
// The next best path after this one, available or not; the reference comes last and is its own.
rb_path rb_path_lesser(rb_path path);
// "reference", "avx2", "neon"; NULL for a number that is no path.
const char *rb_path_name(int32_t path);
// How a path keeps activations in memory: a byte there is q ^ flip. The NEON paths flip the top bit (0x80), because
// their multiplications want signed bytes; all others keep q itself (0).
uint8_t rb_path_activation_flip(rb_path path);

typedef struct {
    int32_t height, width, channels, pixel_stride;
    int32_t zero_point; // 0..255
} rb_shape;

// What a convolution is, without any memory: enough to choose a kernel and to size its packed weights.
typedef struct {
    rb_shape input, output;
    int32_t groups; // divides input.channels and output.channels
    int32_t kernel_height, kernel_width;
    int32_t stride_y, stride_x;
    int32_t dilation_y, dilation_x;
    int32_t padding_top, padding_left; // padding at the other edges follows from the output's size
    int32_t output_min, output_max;    // inclusive clamp of the quantised result: fused ReLU, ReLU6

    // A tensor added before the clamp; residual.height == 0 where there is none. Output pixel (y, x), channel c adds
    // residual pixel (y * residual_step, x * residual_step), channel c - residual_channel_offset, and nothing where
    // that channel does not exist: step 1 and offset 0 are the identity, step 2 and offset channels/4 the
    // parameter-free "option A" shortcut of CIFAR ResNets. A residual of the output's shape and pixel stride, with step
    // 1 and offset 0, may be the output's own memory: a kernel reads of it what it is about to write, and nothing
    // later.
    rb_shape residual;
    int32_t residual_step, residual_channel_offset;
    float residual_multiplier; // residual scale / output scale
} rb_conv_shape;

// A convolution with its memory. In real numbers: output = clamp(conv(input) + bias + residual).
// In integers, for output pixel (y, x) and channel o of group g:
//   a = bias[o] + sum over ky, kx, i of weights[o][ky][kx][i] * (input[y', x', g * I + i] - input.zero_point)
//   v = (float)a * multiplier[o] + (float)(residual - residual.zero_point) * residual_multiplier
//   output = round_half_even(clamp(v, output_min - zero_point, output_max - zero_point)) + output.zero_point
// where positions outside the input contribute nothing, and every float operation rounds to float32.
typedef struct {
    rb_conv_shape shape;
    const uint8_t *input;
    uint8_t *output;
    const uint8_t *residual; // NULL where shape.residual.height == 0
    const int8_t *weights;   // file order: [output channel][ky][kx][input channel of the group]
    const int32_t *bias;     // [output channel]
    const float *multiplier; // [output channel]: input scale * weight scale / output scale
    const void *packed;      // what rb_conv_pack wrote for this path, 64-byte aligned; not read where its size is 0
    uint8_t *scratch;        // rb_conv_scratch_bytes bytes of this path, 64-byte aligned, for this part alone
    uint8_t flip;            // the path's activation flip, of input, residual and output
    int32_t part, parts;     // the share of the output to compute: 0 of 1 is all of it
} rb_conv;

// Size of the packed weights of a path, in bytes, a multiple of 64; 0 where the path uses the file's order in place.
// Pure arithmetic: every build answers for every path, so that the converter can state the sizes in the file.
size_t rb_conv_packed_bytes(rb_path path, const rb_conv_shape *shape);
// Writes the packed weights of a path: reads weights, bias and multiplier, writes rb_conv_packed_bytes bytes. In
// shares, one after the other from part 0 on, so that weights can be given back meanwhile: returns before which output
// channel all are packed.
int32_t rb_conv_pack(rb_path path, const rb_conv *conv, void *packed);
// Working memory that a path needs for one convolution, in bytes, a multiple of 64; and the most that any path needs,
// which a file states, so that it runs on all of them. Pure arithmetic too.
size_t rb_conv_scratch_bytes(rb_path path, const rb_conv_shape *shape);
size_t rb_conv_most_scratch_bytes(const rb_conv_shape *shape);
// Computes share `part` of `parts` of the output; the shares are disjoint, together the whole, and can run at the same
// time. The path must be available.
void rb_conv_run(rb_path path, const rb_conv *conv);
// One part of some work, 0 <= part < parts; `thread`, 0 <= thread < threads.count, runs no other part meanwhile.
typedef void (*rb_part_function)(void *work, int32_t part, int32_t parts, int32_t thread);
// Threads that the caller lends: `run` runs each part once and returns when all are finished.
typedef struct {
    int32_t count;
    void (*run)(void *team, int32_t parts, rb_part_function part, void *work);
    void *team;
} rb_threads;
// Computes a whole convolution in `parts` shares on threads. Thread 0 works in conv->scratch, thread t in the t-1-th of
// the areas of scratch_bytes each that start at more_scratch.
void rb_conv_run_shared(rb_path path, const rb_conv *conv, int32_t parts, const rb_threads *threads,
                        uint8_t *more_scratch, size_t scratch_bytes);
// The name of the kernel that rb_conv_run would call.
const char *rb_conv_kernel_name(rb_path path, const rb_conv_shape *shape);

// What one core can do at most on a path: runs its best multiply-accumulate instructions `rounds` times over, on
// registers alone, and returns how many int8 multiply-accumulates that was. The caller takes the time. The path must be
// available.
uint64_t rb_ceiling_run(rb_path path, uint32_t rounds);

// The shares of the following operations are disjoint, together the whole, and can run at the same time: each function
// is an rb_part_function, whose `work` is the structure before it. `path` must be available; its activation flip is
// that of all tensors.

// Pooling over a window.
typedef struct {
    rb_shape input, output;
    int32_t kernel_height, kernel_width, stride_y, stride_x, padding_top, padding_left;
    bool counts_padding; // an average's alone
    float multiplier;    // an average's alone: input scale / output scale
    const uint8_t *input_data;
    uint8_t *output_data;
    rb_path path;
} rb_pool;

// The maximum. Positions outside the input do not take part; output.zero_point equals input.zero_point.
typedef rb_pool rb_max_pool;
void rb_max_pool_run(void *pool, int32_t part, int32_t parts, int32_t thread);

// Global average pooling into float features: features[c] = (float)(sum of (q - zero_point)) * multiplier, with
// multiplier = scale / (height * width).
typedef struct {
    rb_shape input;
    float multiplier;
    const uint8_t *input_data;
    float *features; // [channels]
    rb_path path;
} rb_global_average_pool;
void rb_global_average_pool_run(void *pool, int32_t part, int32_t parts, int32_t thread);

// The average over a window, for output pixel (y, x) and channel c:
//   v = (float)(sum of (q - input.zero_point) over the positions inside the input) * (multiplier / (float)count)
//   output = round_half_even(clamp(v, -zero_point, 255 - zero_point)) + output.zero_point
// where count is all positions of the window if padding counts, else those inside, at least 1.
typedef rb_pool rb_average_pool;
void rb_average_pool_run(void *pool, int32_t part, int32_t parts, int32_t thread);

// Any function of one number: output = table[input] for every value. The output may be the input's own memory.
typedef struct {
    rb_shape input, output;
    const uint8_t *table; // [256], from q to q, without flip
    const uint8_t *input_data;
    uint8_t *output_data;
    rb_path path;
} rb_lookup;
void rb_lookup_run(void *lookup, int32_t part, int32_t parts, int32_t thread);

// The product of two tensors, the second of the first's size or of one pixel, which then multiplies all:
//   v = (float)((q - input.zero_point) * (q' - factor.zero_point)) * multiplier
//   output = round_half_even(clamp(v, output_min - zero_point, output_max - zero_point)) + output.zero_point
// The output may be the first's own memory.
typedef struct {
    rb_shape input, factor, output;
    int32_t output_min, output_max;
    float multiplier; // input scale * factor scale / output scale
    const uint8_t *input_data;
    const uint8_t *factor_data;
    uint8_t *output_data;
    rb_path path;
} rb_multiply;
void rb_multiply_run(void *product, int32_t part, int32_t parts, int32_t thread);

// The shares of the following operations are disjoint, together the whole, and can run at the same time: each function
// is an rb_part_function, whose `work` is the structure before it.

// Numbers in another order, some of them more than once, all with the input's scale and zero point. Pixels of the
// output, in raster order, are counted by the first `pixel_steps` of the steps, the outermost first, channels by the
// next `channel_steps`; each index of a step leads so many pixels and channels further in the input.
typedef struct {
    int32_t count;
    int32_t pixels, channels;
} rb_rearrange_step;
enum { RB_MOST_REARRANGE_STEPS = 8 }; // of pixels, and of channels
typedef struct {
    rb_shape input, output;
    int32_t pixel_steps, channel_steps;
    const rb_rearrange_step *steps; // [pixel_steps + channel_steps]
    const uint8_t *input_data;
    uint8_t *output_data;
} rb_rearrange;
void rb_rearrange_run(void *rearrange, int32_t part, int32_t parts, int32_t thread);

// Another number of pixels, with the input's scale and zero point. Output pixel (y, x) lies between two rows and two
// columns of the input, of which each second one has a weight of w in 0...2048 and the first one of 2048 - w:
//   output = (sum over the four pixels of q * row weight * column weight + 2^21) >> 22
typedef struct {
    int32_t first, second, weight;
} rb_resample_tap;
typedef struct {
    rb_shape input, output;
    const rb_resample_tap *rows;    // [output.height]
    const rb_resample_tap *columns; // [output.width]
    const uint8_t *input_data;
    uint8_t *output_data;
    rb_path path;
} rb_resample;
void rb_resample_run(void *resample, int32_t part, int32_t parts, int32_t thread);

// exp(x) over its sum, over each of `groups` of neighbouring channels of a pixel, by a table of exponentials of the
// distance from the largest: e = table[largest - q], v = (float)e * (multiplier / (float)(sum of e)),
//   output = round_half_even(clamp(v, -zero_point, 255 - zero_point)) + output.zero_point
typedef struct {
    rb_shape input, output;
    int32_t groups;        // divides the channels
    const uint32_t *table; // [256], up to 65536, the first at least 1
    float multiplier;      // 1 / output scale
    const uint8_t *input_data;
    uint8_t *output_data;
    rb_path path;
} rb_group_softmax;
void rb_group_softmax_run(void *softmax, int32_t part, int32_t parts, int32_t thread);

// Normalisation of each pixel over its n channels. With S the sum of q and D = n * (sum of q * q) - S * S, exact:
//   r = 1 / sqrt((float)D + epsilon), v = ((float)(n * q - S) * r) * weights[c] + bias[c]
//   output = round_half_even(clamp(v, -zero_point, 255 - zero_point)) + output.zero_point
typedef struct {
    rb_shape input, output;
    float epsilon;        // n * n * epsilon / (input scale * input scale)
    const float *weights; // [channels], over the output's scale
    const float *bias;    // [channels], over the output's scale
    const uint8_t *input_data;
    uint8_t *output_data;
    rb_path path;
} rb_layer_norm;
void rb_layer_norm_run(void *norm, int32_t part, int32_t parts, int32_t thread);

// Each of `groups` of neighbouring channels of a pixel over its length. With S the sum of (q - zero point)^2, exact:
//   v = (float)(q - input.zero_point) * (multiplier / max(sqrt((float)S), least))
//   output = round_half_even(clamp(v, -zero_point, 255 - zero_point)) + output.zero_point
typedef struct {
    rb_shape input, output;
    int32_t groups;   // divides the channels
    float least;      // length over the input's scale
    float multiplier; // 1 / output scale
    const uint8_t *input_data;
    uint8_t *output_data;
    rb_path path;
} rb_l2_norm;
void rb_l2_norm_run(void *norm, int32_t part, int32_t parts, int32_t thread);

// The products of two tensors' pixels, for each of `groups` of `inner` neighbouring channels: with n pixels in the
// factor, output pixel m, channel g * n + i is, over the k of the group,
//   a = sum of (q[m][g * inner + k] - input.zero_point) * (f[i][g * inner + k] - 128)
//   output = round_half_even(clamp((float)a * multiplier, -zero_point, 255 - zero_point)) + output.zero_point
// That is a convolution of single pixels whose weights are a tensor: any kernel of rb_conv_run computes it.
typedef struct {
    rb_shape input, factor, output; // factor.zero_point is 128; output.channels = groups * n
    int32_t groups;
    float multiplier; // input scale * factor scale / output scale
    const uint8_t *input_data;
    const uint8_t *factor_data;
    uint8_t *output_data;
    uint8_t *scratch; // rb_matrix_product_scratch_bytes bytes of this path, 64-byte aligned
    uint8_t flip;     // the path's activation flip, of all three
} rb_matrix_product;
// Working memory of a whole product on a path, in bytes, a multiple of 64, the most that any path needs, and what each
// further thread needs.
size_t rb_matrix_product_scratch_bytes(rb_path path, const rb_matrix_product *product);
size_t rb_matrix_product_most_scratch_bytes(const rb_matrix_product *product);
size_t rb_matrix_product_thread_scratch_bytes(rb_path path, const rb_matrix_product *product);
// Computes a whole product; `threads` may be NULL where parts is 1. See rb_conv_run_shared.
void rb_matrix_product_run(rb_path path, const rb_matrix_product *product, int32_t parts, const rb_threads *threads,
                           uint8_t *more_scratch, size_t scratch_bytes);

// How the head normalises its feature vector x, in contiguous heads of dimensions / heads each. The numbers stand in
// model files: never renumber.
typedef enum {
    RB_FEATURE_NONE = 0,     // n = x
    RB_FEATURE_PER_HEAD = 1, // n_k = x_k / |x_k|; a zero head contributes 0
    RB_FEATURE_CAPSULE = 2,  // n = x / (1 + |x|), over the whole vector
    RB_FEATURE_COUNT = 3
} rb_feature_norm;

// The classifier head with the TDE adjustment, float32, in one fixed order of summation (see rb_dot):
//   x = features - centre, n = x normalised, n_k times head_weights[k]
//   plain[i] = (n . rows[i]) + bias[i]
//   logits[i] = plain[i] - alpha * sum over k of (n_k . directions_k) * direction_terms[i][k]
// The rows already hold every factor and weight normalisation; direction_terms[i][k] = rows[i]_k . directions_k.
typedef struct {
    int32_t classes, dimensions, heads;
    rb_feature_norm feature_norm;
    const float *rows;            // [classes][dimensions]
    const float *bias;            // [classes] or NULL
    const float *centre;          // [dimensions] or NULL: 0
    const float *directions;      // [dimensions], unit length per head; NULL: no adjustment
    const float *direction_terms; // [classes][heads]; NULL with directions
    const float *head_weights;    // [heads]; NULL: each counts alike
    float alpha;                  // 0 is exactly the plain classifier
    const float *features;        // [dimensions]
    float *normalised;            // [dimensions], written
    float *plain;                 // [classes], written
    float *logits;                // [classes], written; may be `plain`
} rb_head;
void rb_head_run(rb_head *head);
// The same bits, in `parts` shares of the classes on threads.
void rb_head_run_shared(rb_head *head, int32_t parts, const rb_threads *threads);

// The one order of summation of the head: 8 interleaved partial sums, combined as a balanced tree.
float rb_dot(const float *a, const float *b, int32_t count);
// probabilities[i] = exp(logits[i]) / sum: own exponential, so that every processor gives the same bits. In place is
// allowed. Where a logit is not a number or +infinity, or all are -infinity, there is no answer: all are NaN.
void rb_softmax(const float *logits, float *probabilities, int32_t count);
// ln(share) - ln(other), both above 0.
float rb_log_ratio(double share, double other);
