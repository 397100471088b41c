// Random convolutions and heads on everything that this processor can execute, and the choice among all operations.
#include "fuzz.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

// What a path makes of a convolution, shared among threads as the engine shares it.
static const char *fault_on_path(rb_fuzz *f, rb_conv conv, rb_path path, int32_t parts) {
    const rb_conv_shape *s = &conv.shape;
    const size_t bytes = rb_tensor_bytes(&s->output, s->output.channels);
    const size_t scratch_bytes = rb_conv_scratch_bytes(path, s);
    conv.scratch = rb_guarded_place(&f->regions.scratch, scratch_bytes, f->at_front);
    uint8_t *more_scratch =
        rb_guarded_place(&f->regions.more_scratch, scratch_bytes * (RB_MOST_THREADS - 1), f->at_front);
    void *packed = rb_guarded_place(&f->regions.packed, rb_conv_packed_bytes(path, s), f->at_front);
    conv.parts = parts;
    for (conv.part = 0; conv.part < parts; conv.part++) {
        const int32_t channels = rb_conv_pack(path, &conv, packed);
        if (channels > s->output.channels || (conv.part == parts - 1 && channels < s->output.channels)) {
            return "says that another number of channels is packed";
        }
    }
    conv.packed = packed;
    conv.output = rb_guarded_place(&f->regions.output, bytes, f->at_front);
    memset(conv.output, 0xA5, bytes);
    rb_conv_run_shared(path, &conv, parts, f->threads, more_scratch, scratch_bytes);
    const uint8_t *expected = rb_guarded_place(&f->regions.expected, bytes, f->at_front);
    return memcmp(conv.output, expected, bytes) == 0 ? NULL : "differs on threads";
}

// One shape by every kernel, and by one path on threads.
static const char *fault_of_shape(rb_fuzz *f, rb_conv_shape s, char *text, size_t room) {
    rb_random *random = &f->random;
    rb_describe_conv(text, room, &s);
    const size_t used = strlen(text);
    rb_conv conv = rb_case_conv(random, &s, &f->regions, f->at_front);
    bool known = false;
    const char *fault = NULL;
    for (int32_t i = 0; i < rb_conv_kernel_count && fault == NULL; i++) {
        const rb_conv_kernel *kernel = &rb_conv_kernels[i];
        if (!rb_kernel_available(i) || !kernel->layout->supports(&s)) {
            continue;
        }
        const uint8_t flip = rb_path_activation_flip(kernel->path);
        if (!known || flip != conv.flip) {
            conv.flip = flip;
            rb_expect(conv, &f->regions, f->at_front);
            known = true;
        }
        snprintf(text + used, room - used, " by %s", kernel->name);
        fault = rb_compare_kernel(kernel, conv, &f->regions, f->at_front);
    }
    // One path a case, for handing work to threads takes longer than most cases.
    const rb_path path = (rb_path)rb_random_in(random, 0, RB_PATH_COUNT - 1);
    if (fault == NULL && f->threads != NULL && rb_path_available(path) && rb_path_activation_flip(path) == conv.flip) {
        const int32_t parts = rb_random_in(random, 1, 2 * RB_MOST_THREADS);
        snprintf(text + used, room - used, " on %s in %d shares", rb_path_name((int32_t)path), parts);
        fault = fault_on_path(f, conv, path, parts);
    }
    return fault;
}

const char *rb_fuzz_convolution(rb_fuzz *f, char *text, size_t room) {
    const rb_conv_shape s = rb_random_in(&f->random, 0, 3) != 0
                                ? rb_wild_conv_shape(&f->random)
                                : rb_case_shape(&f->random, rb_random_in(&f->random, 0, 1 << 20));
    return fault_of_shape(f, s, text, room);
}

// A float of any kind: ordinary, huge, not a number.
static float wild_float(rb_random *random, int32_t kind) {
    const uint32_t bits = rb_random_bits(random);
    float any;
    memcpy(&any, &bits, sizeof any);
    return kind == 0 ? any : kind == 1 && bits % 8 == 0 ? ldexpf(1.0f, 100) : rb_random_float(random, 3);
}

static float *floats(rb_fuzz *f, const rb_guarded *region, int32_t count, int32_t kind) {
    float *values = rb_guarded_place(region, (size_t)count * sizeof(float), f->at_front);
    for (int32_t i = 0; i < count; i++) {
        values[i] = wild_float(&f->random, kind);
    }
    return values;
}

// Probabilities in 0...1 that sum to 1 where all logits have an answer, else no numbers at all.
static const char *fault_of_softmax(const float *logits, const float *probabilities, int32_t count) {
    double sum = 0;
    bool has_answer = true, any = false, in_range = true, none = true;
    for (int32_t i = 0; i < count; i++) {
        has_answer &= !isnan(logits[i]) && logits[i] != INFINITY;
        any |= logits[i] > -INFINITY;
        in_range &= probabilities[i] >= 0.0f && probabilities[i] <= 1.0f;
        none &= isnan(probabilities[i]);
        sum += probabilities[i];
    }
    if (!has_answer || !any) {
        return none ? NULL : "makes probabilities of what is no number";
    }
    return in_range && fabs(sum - 1.0) < 1e-3 ? NULL : "has probabilities that do not sum to 1";
}

// Bit for bit, but for numbers that are none: which of two such a sum keeps is the processor's affair.
static bool same_floats(const float *a, const float *b, int32_t count) {
    bool same = true;
    for (int32_t i = 0; i < count; i++) {
        same &= memcmp(&a[i], &b[i], sizeof *a) == 0 || (isnan(a[i]) && isnan(b[i]));
    }
    return same;
}

const char *rb_fuzz_head(rb_fuzz *f, char *text, size_t room) {
    rb_random *random = &f->random;
    const int32_t classes = rb_random_size(random, 200), heads = rb_random_size(random, 4);
    const int32_t dimensions = heads * rb_random_size(random, 100), kind = rb_random_in(random, 0, 3);
    const int32_t parts = rb_random_in(random, 1, RB_MOST_THREADS);
    const rb_regions *r = &f->regions;
    float *plain = rb_guarded_place(&r->packed, (size_t)classes * sizeof(float), f->at_front);
    float *logits = rb_guarded_place(&r->output, (size_t)classes * sizeof(float), f->at_front);
    rb_head head = {
        .classes = classes,
        .dimensions = dimensions,
        .heads = heads,
        .feature_norm = (rb_feature_norm)rb_random_in(random, 0, RB_FEATURE_COUNT - 1),
        .rows = floats(f, &r->weights, classes * dimensions, kind),
        .bias = floats(f, &r->bias, classes, kind),
        .directions = floats(f, &r->residual, dimensions, kind),
        .direction_terms = floats(f, &r->multiplier, classes * heads, kind),
        .alpha = (float)rb_random_in(random, 0, 2),
        .features = floats(f, &r->input, dimensions, kind),
        .normalised = rb_guarded_place(&r->scratch, (size_t)dimensions * sizeof(float), f->at_front),
        .plain = plain,
        .logits = logits,
    };
    snprintf(text, room, "head of %d classes, %d dimensions, %d heads, norm %d, numbers of kind %d, in %d shares",
             classes, dimensions, heads, (int)head.feature_norm, kind, parts);
    rb_head_run(&head);
    const size_t bytes = (size_t)classes * sizeof(float);
    float *expected = rb_guarded_place(&r->expected, bytes, f->at_front);
    memcpy(expected, logits, bytes);
    if (f->threads != NULL) {
        memset(logits, 0, bytes);
        rb_head_run_shared(&head, parts, f->threads);
        if (!same_floats(logits, expected, classes)) {
            return "differs in shares";
        }
    }
    rb_softmax(logits, plain, classes);
    return fault_of_softmax(logits, plain, classes);
}

static rb_fuzz fuzz;

void rb_fuzz_begin(const rb_threads *threads) {
    fuzz.regions = rb_make_regions();
    fuzz.threads = threads;
}

void rb_fuzz_end(void) {
    rb_free_regions(&fuzz.regions);
}

static void begin_case(uint64_t state) {
    fuzz.random.state = state;
    for (int32_t i = 0; i < 4; i++) { // neighbouring states give alike first numbers
        rb_random_bits(&fuzz.random);
    }
    fuzz.at_front = rb_random_in(&fuzz.random, 0, 3) == 0;
    // Another architecture's path is plain C here, with activations as that one keeps them.
    do {
        fuzz.path = (rb_path)rb_random_in(&fuzz.random, 0, RB_PATH_COUNT - 1);
    } while (!rb_path_available(fuzz.path) && rb_path_is_built(fuzz.path));
    fuzz.flip = rb_path_activation_flip(fuzz.path);
}

static bool end_case(rb_fuzz_report *report, const char *fault) {
    snprintf(report->fault, sizeof report->fault, "%s", fault == NULL ? "" : fault);
    return fault == NULL;
}

bool rb_fuzz_case(uint64_t seed, uint64_t number, rb_fuzz_report *report) {
    static const char *(*const others[])(rb_fuzz *, char *, size_t) = {
        rb_fuzz_max_pool,       rb_fuzz_average_pool, rb_fuzz_global_average_pool, rb_fuzz_lookup,     rb_fuzz_multiply,
        rb_fuzz_rearrange,      rb_fuzz_resample,     rb_fuzz_group_softmax,       rb_fuzz_layer_norm, rb_fuzz_l2_norm,
        rb_fuzz_matrix_product, rb_fuzz_head,
    };
    const uint64_t other_count = sizeof others / sizeof others[0];
    begin_case(seed ^ (0x9E3779B97F4A7C15u * (number + 1)));
    // Every fourth case is one of the operations that have a single implementation.
    const bool is_convolution = number % 4 != 3;
    const char *fault = is_convolution
                            ? rb_fuzz_convolution(&fuzz, report->operation, sizeof report->operation)
                            : others[number / 4 % other_count](&fuzz, report->operation, sizeof report->operation);
    return end_case(report, fault);
}

bool rb_fuzz_shape(const rb_conv_shape *shape, uint64_t seed, rb_fuzz_report *report) {
    begin_case(seed);
    return end_case(report, fault_of_shape(&fuzz, *shape, report->operation, sizeof report->operation));
}
