// behaviour MODEL SIGNED KEYS: what rarebit.h promises, of a model of 28 x 28 pixels and more, which is also signed
// with a key whose public one stands in KEYS. Ends with status 1 at the first promise that does not hold.
#include <pthread.h>
#include <rarebit.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WIDTH = 97, HEIGHT = 61, THREADS = 2, RUNS = 20 };

#define EXPECT(condition)                                                                                              \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            fprintf(stderr, "behaviour: line %d: %s; the last error: %s\n", __LINE__, #condition, error.text);         \
            exit(1);                                                                                                   \
        }                                                                                                              \
    } while (0)

static _Thread_local rarebit_error error;
static uint8_t rgb[HEIGHT][WIDTH][3], grey[HEIGHT][WIDTH + 7], yuyv[HEIGHT][WIDTH + 1][2];
static uint8_t luma[HEIGHT][WIDTH + 1], chroma[(HEIGHT + 1) / 2][WIDTH + 1];

static void *aligned(size_t bytes) {
    void *memory = aligned_alloc(64, (bytes + 63) / 64 * 64);
    EXPECT(memory != NULL);
    memset(memory, 0xa5, bytes); // nobody promised zeros
    return memory;
}

static void draw(void) {
    uint32_t state = 1;
    for (int y = 0; y < HEIGHT; y++) {
        for (int x = 0; x < WIDTH; x++) {
            state = state * 1664525 + 1013904223;
            const uint8_t value = (uint8_t)(128 + 60 * ((x / 16 + y / 16) % 2) + (state >> 28));
            memset(rgb[y][x], value, 3);
            grey[y][x] = value;
            luma[y][x] = yuyv[y][x][0] = (uint8_t)(16 + value * 219 / 255);
            yuyv[y][x][1] = 128;
        }
    }
    memset(chroma, 128, sizeof chroma);
}

typedef struct {
    rarebit_engine engine;
    void *arena;
} started;

static started start(rarebit_model *model, const rarebit_setup *setup) {
    size_t bytes;
    started result;
    EXPECT(rarebit_arena_bytes(model, setup, &bytes, &error) == RAREBIT_OK);
    result.arena = aligned(bytes);
    EXPECT(rarebit_start(&result.engine, model, setup, result.arena, bytes, &error) == RAREBIT_OK);
    return result;
}

static void stop(started *running) {
    rarebit_stop(&running->engine);
    rarebit_stop(&running->engine); // is left alone
    free(running->arena);
}

static rarebit_answer ask(rarebit_engine *engine, const rarebit_model *model, uint32_t format, rarebit_picture picture,
                          const rarebit_rules *rules) {
    const rarebit_geometry geometry = {.format = format, .width = WIDTH, .height = HEIGHT};
    rarebit_view view;
    rarebit_answer answer;
    size_t bytes;
    EXPECT(rarebit_view_bytes(model, &geometry, &bytes, &error) == RAREBIT_OK);
    void *workspace = aligned(bytes);
    EXPECT(rarebit_view_start(&view, model, &geometry, workspace, bytes, &error) == RAREBIT_OK);
    EXPECT(rarebit_show(engine, &view, &picture, &error) == RAREBIT_OK);
    EXPECT(rarebit_run(engine, rules, &answer, &error) == RAREBIT_OK);
    free(workspace);
    return answer;
}

static const rarebit_picture colours = {.data = {rgb}, .bytes = {sizeof rgb}};

// One grey picture in four formats: RGB and grey give the same bits, and YUV the same class.
static void take_formats(rarebit_engine *engine, const rarebit_model *model) {
    const rarebit_answer from_rgb = ask(engine, model, RAREBIT_RGB24, colours, NULL);
    const rarebit_picture rows = {.data = {grey}, .bytes = {sizeof grey}, .stride = {WIDTH + 7}};
    EXPECT(ask(engine, model, RAREBIT_GREY, rows, NULL).logits_crc == from_rgb.logits_crc);
    const rarebit_picture packed = {.data = {yuyv}, .bytes = {sizeof yuyv}};
    const rarebit_answer from_yuyv = ask(engine, model, RAREBIT_YUYV, packed, NULL);
    const rarebit_picture planes = {
        .data = {luma, chroma}, .bytes = {sizeof luma, sizeof chroma}, .stride = {WIDTH + 1, WIDTH + 1}};
    EXPECT(ask(engine, model, RAREBIT_NV12M, planes, NULL).logits_crc == from_yuyv.logits_crc);
    EXPECT(from_yuyv.classes[0].class_index == from_rgb.classes[0].class_index);
}

// Alpha, classes, thresholds and offsets are each call's.
static void follow_rules(rarebit_engine *engine, const rarebit_model *model) {
    rarebit_description about;
    EXPECT(rarebit_describe(model, &about, &error) == RAREBIT_OK);
    rarebit_rules rules = RAREBIT_RULES;
    const rarebit_answer own = ask(engine, model, RAREBIT_RGB24, colours, &rules);
    EXPECT(own.alpha == about.alpha && own.count == 3 && own.seen == -1 && !own.is_unknown);

    rarebit_answer answer;
    rules.alpha = 0;
    EXPECT(rarebit_judge(engine, &rules, &answer, &error) == RAREBIT_OK);
    for (int32_t i = 0; i < answer.count; i++) {
        EXPECT(answer.classes[i].logit == answer.classes[i].plain_logit);
    }
    EXPECT(!about.has_adjustment || answer.logits_crc != own.logits_crc);

    rarebit_outputs outputs;
    EXPECT(rarebit_outputs_of(engine, &outputs, &error) == RAREBIT_OK);
    EXPECT(outputs.classes == about.classes && outputs.features == about.features);
    float *offsets = calloc((size_t)about.classes, sizeof *offsets);
    const int32_t last = about.classes - 1, both[] = {0, last};
    const float plain = outputs.plain_logits[last];
    offsets[last] = 1000;
    rules.offsets = offsets;
    EXPECT(rarebit_judge(engine, &rules, &answer, &error) == RAREBIT_OK);
    EXPECT(answer.classes[0].class_index == last && answer.classes[0].logit > plain + 10);
    EXPECT(outputs.plain_logits[last] == plain);
    rules.offsets = NULL;
    free(offsets);

    rules.classes = both;
    rules.class_count = 2;
    rules.threshold = 1;
    EXPECT(rarebit_judge(engine, &rules, &answer, &error) == RAREBIT_OK);
    EXPECT(answer.count == 2 && answer.is_unknown &&
           answer.classes[0].probability + answer.classes[1].probability > 0.999f);

    rules = (rarebit_rules)RAREBIT_RULES;
    rules.seen_needed = 2;
    rules.seen_window = 3;
    EXPECT(rarebit_judge(engine, &rules, &answer, &error) == RAREBIT_OK && answer.seen == -1);
    EXPECT(rarebit_judge(engine, &rules, &answer, &error) == RAREBIT_OK && answer.seen == own.classes[0].class_index);

    size_t bytes;
    EXPECT(rarebit_class_name(model, 0, &bytes) != NULL && bytes > 0);
    EXPECT(rarebit_class_name(model, about.classes, &bytes) == NULL && bytes == 0);
}

// Whoever quantises by himself gives the tensor.
static void take_tensor(rarebit_engine *engine, const rarebit_model *model) {
    size_t bytes;
    rarebit_answer answer;
    const rarebit_answer shown = ask(engine, model, RAREBIT_RGB24, colours, NULL);
    const rarebit_geometry geometry = {.format = RAREBIT_RGB24, .width = WIDTH, .height = HEIGHT};
    rarebit_view view;
    EXPECT(rarebit_view_bytes(model, &geometry, &bytes, &error) == RAREBIT_OK);
    void *workspace = aligned(bytes);
    EXPECT(rarebit_view_start(&view, model, &geometry, workspace, bytes, &error) == RAREBIT_OK);
    EXPECT(rarebit_show(engine, &view, &colours, &error) == RAREBIT_OK);
    uint8_t *input = rarebit_input(engine, &bytes), *copy = malloc(bytes);
    memcpy(copy, input, bytes);
    EXPECT(rarebit_run(engine, NULL, &answer, &error) == RAREBIT_OK);
    memcpy(rarebit_input(engine, NULL), copy, bytes);
    EXPECT(rarebit_run(engine, NULL, &answer, &error) == RAREBIT_OK && answer.logits_crc == shown.logits_crc);
    free(copy);
    free(workspace);
}

#define REFUSED(call, expected, words)                                                                                 \
    do {                                                                                                               \
        EXPECT((call) == (expected));                                                                                  \
        EXPECT(error.code == (expected) && strstr(error.text, words));                                                 \
    } while (0)

static void refuse(rarebit_model *model, const char *path) {
    rarebit_model none = {0};
    rarebit_engine engine = {0};
    rarebit_view view = {0};
    rarebit_answer answer;
    size_t bytes;
    REFUSED(rarebit_open(&none, "/nowhere", &error), RAREBIT_UNREADABLE, "/nowhere: cannot be read: No such file");
    REFUSED(rarebit_open(&none, "/", &error), RAREBIT_UNREADABLE, "/: cannot be read: Is a directory");
    REFUSED(rarebit_open(&none, "/proc/self/exe", &error), RAREBIT_BAD_MODEL, "not a rarebit model");
    REFUSED(rarebit_open(NULL, path, &error), RAREBIT_BAD_ARGUMENT, "model is NULL");
    REFUSED(rarebit_open(model, path, &error), RAREBIT_BAD_ARGUMENT, "open already");
    REFUSED(rarebit_open_memory(model, rgb, sizeof rgb, &error), RAREBIT_BAD_ARGUMENT, "open already");
    REFUSED(rarebit_arena_bytes(&none, NULL, &bytes, &error), RAREBIT_BAD_ARGUMENT, "not open");
    REFUSED(rarebit_run(&engine, NULL, &answer, &error), RAREBIT_BAD_ARGUMENT, "not started");
    rarebit_close(&none);
    EXPECT(rarebit_arena_bytes(model, NULL, &bytes, &error) == RAREBIT_OK);
    char *arena = aligned(bytes + 64);
    REFUSED(rarebit_start(&engine, model, NULL, arena, bytes - 1, &error), RAREBIT_CANNOT_RUN, "bytes and was given");
    REFUSED(rarebit_start(&engine, model, NULL, arena + 4, bytes, &error), RAREBIT_CANNOT_RUN, "multiple of 64");
    const rarebit_setup strange = {.instructions = "mmx"}, crowd = {.threads = 65};
    REFUSED(rarebit_start(&engine, model, &strange, arena, bytes, &error), RAREBIT_BAD_ARGUMENT, "'mmx' is no");
    REFUSED(rarebit_start(&engine, model, &crowd, arena, bytes, &error), RAREBIT_BAD_ARGUMENT, "threads");
    EXPECT(rarebit_start(&engine, model, NULL, arena, bytes, &error) == RAREBIT_OK);

    rarebit_geometry geometry = {.format = 0, .width = WIDTH, .height = HEIGHT};
    REFUSED(rarebit_view_bytes(model, &geometry, &bytes, &error), RAREBIT_BAD_PICTURE, "pixel format");
    geometry.format = RAREBIT_RGB24;
    geometry.crop_width = WIDTH + 1;
    geometry.crop_height = 1;
    REFUSED(rarebit_view_bytes(model, &geometry, &bytes, &error), RAREBIT_BAD_PICTURE, "crop");
    geometry.crop_width = 0;
    EXPECT(rarebit_view_bytes(model, &geometry, &bytes, &error) == RAREBIT_OK);
    void *workspace = aligned(bytes);
    REFUSED(rarebit_view_start(&view, model, &geometry, workspace, bytes - 1, &error), RAREBIT_BAD_PICTURE,
            "workspace");
    EXPECT(rarebit_view_start(&view, model, &geometry, workspace, bytes, &error) == RAREBIT_OK);
    const rarebit_picture cut = {.data = {rgb}, .bytes = {sizeof rgb - 1}}, nothing = {.bytes = {sizeof rgb}};
    REFUSED(rarebit_show(&engine, &view, &cut, &error), RAREBIT_BAD_PICTURE, "too short");
    REFUSED(rarebit_show(&engine, &view, &nothing, &error), RAREBIT_BAD_ARGUMENT, "data is NULL");

    rarebit_rules rules = RAREBIT_RULES;
    const int32_t twice[] = {1, 1};
    rules.classes = twice;
    rules.class_count = 2;
    REFUSED(rarebit_run(&engine, &rules, &answer, &error), RAREBIT_BAD_ARGUMENT, "classes[1]");
    rules = (rarebit_rules)RAREBIT_RULES;
    rules.top = 33;
    REFUSED(rarebit_run(&engine, &rules, &answer, &error), RAREBIT_BAD_ARGUMENT, "top is out of range");
    rules.top = 3;
    rules.alpha = INFINITY;
    REFUSED(rarebit_run(&engine, &rules, &answer, &error), RAREBIT_BAD_ARGUMENT, "alpha is out of range");
    EXPECT(rarebit_run(&engine, NULL, &answer, NULL) == RAREBIT_OK); // nobody need take the text
    rarebit_stop(&engine);
    free(workspace);
    free(arena);
}

static uint8_t *contents(const char *path, size_t *count) {
    FILE *file = fopen(path, "rb");
    EXPECT(file && fseek(file, 0, SEEK_END) == 0);
    *count = (size_t)ftell(file);
    rewind(file);
    uint8_t *bytes = aligned(*count);
    EXPECT(fread(bytes, 1, *count, file) == *count);
    fclose(file);
    return bytes;
}

// A file's bytes in the program's own memory; one changed bit is found.
static void open_memory(const char *path, uint32_t expected) {
    size_t count;
    uint8_t *bytes = contents(path, &count);
    rarebit_model model = {0};
    EXPECT(rarebit_open_memory(&model, bytes, count, &error) == RAREBIT_OK);
    const rarebit_setup greedy = {.is_only_engine = 1};
    rarebit_engine engine;
    REFUSED(rarebit_start(&engine, &model, &greedy, bytes, count, &error), RAREBIT_BAD_ARGUMENT, "is_only_engine");
    started running = start(&model, NULL);
    EXPECT(ask(&running.engine, &model, RAREBIT_RGB24, colours, NULL).logits_crc == expected);
    stop(&running);
    rarebit_close(&model);
    bytes[count / 2] ^= 1;
    REFUSED(rarebit_open_memory(&model, bytes, count, &error), RAREBIT_BAD_MODEL, "damaged");
    REFUSED(rarebit_open_memory(&model, bytes + 1, count - 1, &error), RAREBIT_BAD_ARGUMENT, "multiple of 64");
    free(bytes);
}

typedef struct {
    pthread_t thread;
    rarebit_model *model;
    uint32_t expected;
} worker;

static void *work(void *given) {
    worker *self = given;
    started running = start(self->model, NULL);
    for (int i = 0; i < RUNS; i++) {
        EXPECT(ask(&running.engine, self->model, RAREBIT_RGB24, colours, NULL).logits_crc == self->expected);
    }
    stop(&running);
    return NULL;
}

// Engines of one model in threads of their own give the reference's bits.
static void work_together(rarebit_model *model, uint32_t expected) {
    worker workers[THREADS];
    for (int i = 0; i < THREADS; i++) {
        workers[i] = (worker){.model = model, .expected = expected};
        EXPECT(pthread_create(&workers[i].thread, NULL, work, &workers[i]) == 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(workers[i].thread, NULL);
    }
}

// Whether the signer is told, and everything that is not signed by one of the keys refused.
static void trust(const char *unsigned_path, const char *signed_path, const char *key_path) {
    size_t count, bytes, name_bytes;
    uint8_t *file = contents(signed_path, &bytes);
    char *keys = (char *)contents(key_path, &count);
    rarebit_model model = {0};
    EXPECT(rarebit_open_trusted(&model, signed_path, keys, count, &error) == RAREBIT_OK);
    const char *name = rarebit_signer(&model, &name_bytes);
    EXPECT(name && name_bytes == 7 && memcmp(name, "the lab", 7) == 0);
    EXPECT(memcmp(rarebit_signer_key(&model), file + bytes - 160, 32) == 0);
    rarebit_close(&model);
    EXPECT(rarebit_signer(&model, &name_bytes) == NULL && name_bytes == 0 && rarebit_signer_key(&model) == NULL);
    EXPECT(rarebit_open_memory_trusted(&model, file, bytes, keys, count, &error) == RAREBIT_OK);
    rarebit_close(&model);
    EXPECT(rarebit_open(&model, unsigned_path, &error) == RAREBIT_OK);
    EXPECT(rarebit_signer(&model, NULL) == NULL);
    rarebit_close(&model);

    REFUSED(rarebit_open_trusted(&model, unsigned_path, keys, count, &error), RAREBIT_BAD_MODEL, "is not signed");
    REFUSED(rarebit_open_trusted(&model, signed_path, NULL, 0, &error), RAREBIT_BAD_ARGUMENT, "keys is NULL");
    REFUSED(rarebit_open_trusted(&model, signed_path, keys, 0, &error), RAREBIT_BAD_ARGUMENT, "holds no key");
    REFUSED(rarebit_open_trusted(&model, signed_path, keys, 60, &error), RAREBIT_BAD_ARGUMENT, "line 1 is no key");
    keys[8] = keys[8] == '0' ? '1' : '0';
    REFUSED(rarebit_open_trusted(&model, signed_path, keys, count, &error), RAREBIT_BAD_MODEL, "none of those trusted");
    file[bytes - 60] ^= 1;
    REFUSED(rarebit_open_memory(&model, file, bytes, &error), RAREBIT_BAD_MODEL, "signature");
    free(file);
    free(keys);
}

int main(int count, char **arguments) {
    if (count != 4) {
        fprintf(stderr, "usage: behaviour MODEL SIGNED KEYS\n");
        return 2;
    }
    draw();
    EXPECT(rarebit_abi() == RAREBIT_ABI && strlen(rarebit_version()) > 0);
    rarebit_model model = {0};
    EXPECT(rarebit_open(&model, arguments[1], &error) == RAREBIT_OK);

    const rarebit_setup plain = {.instructions = "reference"}, shared = {.threads = 3};
    started reference = start(&model, &plain), best = start(&model, NULL), team = start(&model, &shared);
    EXPECT(strcmp(rarebit_instructions(&reference.engine), "reference") == 0);
    const uint32_t expected = ask(&reference.engine, &model, RAREBIT_RGB24, colours, NULL).logits_crc;
    EXPECT(ask(&best.engine, &model, RAREBIT_RGB24, colours, NULL).logits_crc == expected);
    EXPECT(ask(&team.engine, &model, RAREBIT_RGB24, colours, NULL).logits_crc == expected);
    take_formats(&best.engine, &model);
    follow_rules(&best.engine, &model);
    take_tensor(&best.engine, &model);
    refuse(&model, arguments[1]);
    open_memory(arguments[1], expected);
    trust(arguments[1], arguments[2], arguments[3]);
    stop(&reference);
    stop(&team);
    work_together(&model, expected);
    stop(&best);

    // An engine that has the model for itself takes the weights out of it.
    const rarebit_setup only = {.is_only_engine = 1};
    started alone = start(&model, &only);
    EXPECT(ask(&alone.engine, &model, RAREBIT_RGB24, colours, NULL).logits_crc == expected);
    REFUSED(rarebit_start(&best.engine, &model, NULL, alone.arena, 0, &error), RAREBIT_BAD_ARGUMENT, "given back");
    stop(&alone);
    rarebit_close(&model);
    rarebit_close(&model);
    printf("behaviour: as rarebit.h says, logits %08x\n", expected);
}
