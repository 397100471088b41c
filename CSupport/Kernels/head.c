#include "include/kernels.h"
#include <math.h>

enum { LANES = 8 };

static float combined(const float *partial) {
    return ((partial[0] + partial[4]) + (partial[2] + partial[6])) +
           ((partial[1] + partial[5]) + (partial[3] + partial[7]));
}

float rb_dot(const float *a, const float *b, int32_t count) {
    float partial[LANES] = {0};
    const int32_t whole = count - count % LANES;
#pragma clang loop unroll_count(4)
    for (int32_t i = 0; i < whole; i += LANES) {
        for (int32_t lane = 0; lane < LANES; lane++) { // independent sums: the compiler makes a vector of them
            partial[lane] += a[i + lane] * b[i + lane];
        }
    }
    for (int32_t i = whole; i < count; i++) {
        partial[i - whole] += a[i] * b[i];
    }
    return combined(partial);
}

// Not on 32-bit ARM, whose vector unit flushes denormal numbers to zero.
#if !defined(__arm__)
enum { ROWS = 4 };
typedef float float4 __attribute__((vector_size(16), aligned(4), may_alias));

// sums[r] = rb_dot(n, rows + r * count, count), in its order, for ROWS rows: while one addition is under way, those of
// the other rows begin. A third faster than row by row, where 1000 rows of 1280 come from the third-level cache. The
// rows after these are fetched meanwhile: those of a large network come from memory, and no hardware prefetcher follows
// them from page to page.
static void dot_rows(const float *n, const float *rows, int32_t count, float *sums) {
    float4 low[ROWS] = {{0}};
    float4 high[ROWS] = {{0}};
    const int32_t whole = count - count % LANES;
    for (int32_t i = 0; i < whole; i += LANES) {
        const float4 n_low = *(const float4 *)(n + i);
        const float4 n_high = *(const float4 *)(n + i + 4);
        for (int32_t r = 0; r < ROWS; r++) {
            const float *row = rows + (size_t)r * (size_t)count + i;
            __builtin_prefetch(row + (size_t)ROWS * (size_t)count);
            low[r] += n_low * *(const float4 *)row;
            high[r] += n_high * *(const float4 *)(row + 4);
        }
    }
    for (int32_t r = 0; r < ROWS; r++) {
        const float *row = rows + (size_t)r * (size_t)count;
        float partial[LANES];
        *(float4 *)partial = low[r];
        *(float4 *)(partial + 4) = high[r];
        for (int32_t i = whole; i < count; i++) {
            partial[i - whole] += n[i] * row[i];
        }
        sums[r] = combined(partial);
    }
}
#else
enum { ROWS = 1 };

static void dot_rows(const float *n, const float *rows, int32_t count, float *sums) {
    sums[0] = rb_dot(n, rows, count);
}
#endif

static void scale(float *x, float factor, int32_t count) {
    for (int32_t i = 0; i < count; i++) {
        x[i] *= factor;
    }
}

static void normalise(const rb_head *head) {
    float *n = head->normalised;
    for (int32_t i = 0; i < head->dimensions; i++) {
        n[i] = head->centre ? head->features[i] - head->centre[i] : head->features[i];
    }
    const int32_t width = head->dimensions / head->heads;
    switch (head->feature_norm) {
    case RB_FEATURE_PER_HEAD:
        for (int32_t k = 0; k < head->heads; k++) {
            const float norm = sqrtf(rb_dot(n + k * width, n + k * width, width));
            scale(n + k * width, norm > 0.0f ? 1.0f / norm : 0.0f, width);
        }
        break;
    case RB_FEATURE_CAPSULE:
        scale(n, 1.0f / (1.0f + sqrtf(rb_dot(n, n, head->dimensions))), head->dimensions);
        break;
    case RB_FEATURE_NONE:
    case RB_FEATURE_COUNT:
        break;
    }
    for (int32_t k = 0; head->head_weights && k < head->heads; k++) {
        scale(n + k * width, head->head_weights[k], width);
    }
}

// The logits of a share of the classes, once the features are normalised.
static void run_classes(void *work, int32_t part, int32_t parts, int32_t thread) {
    (void)thread;
    const rb_head *head = work;
    const size_t dimensions = (size_t)head->dimensions;
    const int32_t begin = (int32_t)((int64_t)head->classes * part / parts);
    const int32_t end = (int32_t)((int64_t)head->classes * (part + 1) / parts);
    int32_t first = begin;
    for (; first + ROWS <= end; first += ROWS) {
        dot_rows(head->normalised, head->rows + first * dimensions, head->dimensions, head->plain + first);
    }
    for (; first < end; first++) {
        head->plain[first] = rb_dot(head->normalised, head->rows + first * dimensions, head->dimensions);
    }
    for (int32_t i = begin; i < end; i++) {
        head->plain[i] = head->bias ? head->plain[i] + head->bias[i] : head->plain[i];
        head->logits[i] = head->plain[i];
    }
    if (head->directions == NULL || head->alpha == 0.0f) {
        return;
    }
    const int32_t width = head->dimensions / head->heads;
    for (int32_t k = 0; k < head->heads; k++) {
        const float along = rb_dot(head->normalised + k * width, head->directions + k * width, width);
        const float strength = head->alpha * along;
        for (int32_t i = begin; i < end; i++) {
            head->logits[i] -= strength * head->direction_terms[(size_t)i * head->heads + k];
        }
    }
}

void rb_head_run(rb_head *head) {
    normalise(head);
    run_classes(head, 0, 1, 0);
}

void rb_head_run_shared(rb_head *head, int32_t parts, const rb_threads *threads) {
    normalise(head);
    threads->run(threads->team, parts, run_classes, head);
}

// exp(x) for x <= 0, by 2^n * exp(r), |r| <= ln 2 / 2, with the degree-6 Taylor polynomial of exp(r): relative error
// below 3e-7. ln 2 is split so that n * high is exact (Cody and Waite, "Software Manual for the Elementary Functions").
static float exp_not_positive(float x) {
    if (x < -87.0f) {
        return 0.0f; // below the smallest normal number, which some processors flush to zero
    }
    if (isnan(x)) {
        return x; // of which no integer can be made
    }
    const float n = rintf(x * 1.44269504f);
    const float r = (x - n * 0.693359375f) - n * -2.12194440e-4f;
    float p = 1.0f / 720.0f;
    p = p * r + 1.0f / 120.0f;
    p = p * r + 1.0f / 24.0f;
    p = p * r + 1.0f / 6.0f;
    p = p * r + 0.5f;
    p = p * r + 1.0f;
    p = p * r + 1.0f;
    return ldexpf(p, (int)n);
}

void rb_softmax(const float *logits, float *probabilities, int32_t count) {
    float top = logits[0];
    for (int32_t i = 1; i < count; i++) {
        top = logits[i] > top ? logits[i] : top;
    }
    float sum = 0.0f;
    for (int32_t i = 0; i < count; i++) {
        probabilities[i] = exp_not_positive(logits[i] - top);
        sum += probabilities[i];
    }
    for (int32_t i = 0; i < count; i++) {
        probabilities[i] /= sum;
    }
}

float rb_log_ratio(double share, double other) {
    return (float)(log(share) - log(other));
}
