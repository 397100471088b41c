// librarebit: answers of a .rbit model in a program of your own.
//
//     rarebit_model model = {0};                        // a verified file, shared by as many engines as like
//     rarebit_engine engine;                            // a model ready to run in memory of yours: one thread's
//     rarebit_view view;                                // the way from pictures of one size to the model's input
//     rarebit_answer answer;
//     rarebit_open(&model, "model.rbit", NULL);
//     rarebit_arena_bytes(&model, NULL, &bytes, NULL);
//     rarebit_start(&engine, &model, NULL, aligned_alloc(64, bytes), bytes, NULL);
//     ...
//     rarebit_show(&engine, &view, &picture, NULL);
//     rarebit_run(&engine, NULL, &answer, NULL);
//
// No function takes memory from the heap, starts a thread that was not asked for, handles a signal, writes anywhere, or
// ends the program. rarebit_open maps memory of the file's size; all else is in memory that the caller gives. The same
// model and picture give the same bits as the program `rarebit`, on every processor and with any number of threads.
//
// Threads: a model can be used by many at once, once it is open. An engine, and a view, is one thread's at a time.
//
// Errors: a function that can fail returns RAREBIT_OK or one of the codes below, and then what it was to make is not
// made. Where `error` is not NULL, it gets the code and one line: what, where, and what to do about it.
#pragma once
#include <math.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// What a program was compiled for and what it runs with agree where the two are equal; the shared library's name, too,
// changes with it.
#define RAREBIT_ABI 1
int32_t rarebit_abi(void);
// "0.1.0"
const char *rarebit_version(void);

enum {
    RAREBIT_OK = 0,
    RAREBIT_UNREADABLE = 1,   // the file is not there, or cannot be read
    RAREBIT_NO_MEMORY = 2,    // the system has none, or starts no thread
    RAREBIT_BAD_MODEL = 3,    // the bytes are no model that can be trusted
    RAREBIT_CANNOT_RUN = 4,   // the model cannot run here, or in the memory given
    RAREBIT_BAD_PICTURE = 5,  // a picture that cannot be decoded, or not be made the model's input
    RAREBIT_BAD_ARGUMENT = 6, // the caller's mistake
};

enum { RAREBIT_TEXT_BYTES = 512, RAREBIT_MOST_CLASSES = 32 };

typedef struct {
    int32_t code;
    char text[RAREBIT_TEXT_BYTES]; // one line of UTF-8, ends in zero; longer ones are cut
} rarebit_error;

// ---- Models

// What is inside is the library's. All zero before it is opened for the first time, and not moved or copied while it is
// open.
typedef struct {
    uint64_t reserved[128];
} rarebit_model;

// Reads a file into memory of its own, so that nothing that happens to the file later reaches the model, and verifies
// it. A model that is open is refused, and stays open: engines may use it.
int32_t rarebit_open(rarebit_model *model, const char *path, rarebit_error *error);
// Verifies a file's bytes, 64-byte aligned, which are used in place: they must stay, unchanged, until rarebit_close. A
// model that is open is refused here, too.
int32_t rarebit_open_memory(rarebit_model *model, const void *bytes, size_t count, rarebit_error *error);
// The same for signed models alone: one whose bytes, all of them, the owner of one of these keys has not signed is a
// RAREBIT_BAD_MODEL. `keys` is the text of a file of trusted keys, as rarebit-convert keygen writes them: a line
// "ed25519", 64 hexadecimal digits and a name for each, up to 16. With bytes of the caller's, that nothing changes them
// is the caller's to see to.
int32_t rarebit_open_trusted(rarebit_model *model, const char *path, const char *keys, size_t key_bytes,
                             rarebit_error *error);
int32_t rarebit_open_memory_trusted(rarebit_model *model, const void *bytes, size_t count, const char *keys,
                                    size_t key_bytes, rarebit_error *error);
// Gives the model's memory back. Its engines and views must have been stopped; a model that is not open is left alone.
void rarebit_close(rarebit_model *model);

typedef struct {
    int32_t classes;
    int32_t features;       // dimensions of the vector that the classifier gets
    int32_t width, height;  // of the input, pixels
    int32_t operations;     // of the plan
    int32_t has_adjustment; // 1 where alpha makes a difference
    float alpha;            // the adjustment's strength that stands in the file
    float input_scale;      // real value = scale * (byte - zero point), of the normalised picture
    int32_t input_zero_point;
    int32_t is_bgr;        // 1: the input's first channel is blue
    float mean[3], std[3]; // in the order of the input's channels
    uint32_t checksum;     // CRC-32 of the file
} rarebit_description;

int32_t rarebit_describe(const rarebit_model *model, rarebit_description *description, rarebit_error *error);
// UTF-8 without control characters, and without a zero behind it: *bytes says how long it is. NULL for a class that is
// not there. Lasts as long as the model.
const char *rarebit_class_name(const rarebit_model *model, int32_t class_index, size_t *bytes);
// The name of who signed the model, like a class's, and the 32 bytes of the Ed25519 key that it was signed with: a
// signature that is there is right, and whether its key is trusted is for the functions above to say. NULL where nobody
// signed it.
const char *rarebit_signer(const rarebit_model *model, size_t *bytes);
const uint8_t *rarebit_signer_key(const rarebit_model *model);
// How many training images the class had; -1 where the file does not say.
int64_t rarebit_class_count(const rarebit_model *model, int32_t class_index);

// ---- Engines

typedef struct {
    uint64_t reserved[320];
} rarebit_engine;

// All zero, or NULL in its place: one thread, the best instructions of this processor.
typedef struct {
    int32_t threads; // 0 and 1: the thread that calls, alone; up to 64
    // "avx512vnni", "avxvnni", "avx2", "i8mm", "dotprod", "neon", "reference"; NULL: the best
    const char *instructions;
    // 1: no other engine will be started of this model, which rarebit_open opened. Weights that the engine has packed
    // are then in memory once.
    int32_t is_only_engine;
} rarebit_setup;

// The exact size of the arena that rarebit_start needs, bytes.
int32_t rarebit_arena_bytes(const rarebit_model *model, const rarebit_setup *setup, size_t *bytes,
                            rarebit_error *error);
// Makes a model ready to run in an arena, 64-byte aligned, which is the engine's until rarebit_stop. The model must
// stay open. An engine that has threads must be stopped before it is started anew: they would go on.
int32_t rarebit_start(rarebit_engine *engine, rarebit_model *model, const rarebit_setup *setup, void *arena,
                      size_t bytes, rarebit_error *error);
// Ends the engine's threads. An engine that is not started is left alone.
void rarebit_stop(rarebit_engine *engine);
// The name of the instructions that the engine uses; NULL where it is not started.
const char *rarebit_instructions(const rarebit_engine *engine);

// ---- Pictures

// A pixel format is its V4L2 code. These are some; the library takes every format that CSupport/Pixels converts by
// itself.
#define RAREBIT_FOURCC(a, b, c, d) ((uint32_t)(a) | (uint32_t)(b) << 8 | (uint32_t)(c) << 16 | (uint32_t)(d) << 24)
#define RAREBIT_RGB24 RAREBIT_FOURCC('R', 'G', 'B', '3')
#define RAREBIT_BGR24 RAREBIT_FOURCC('B', 'G', 'R', '3')
#define RAREBIT_GREY RAREBIT_FOURCC('G', 'R', 'E', 'Y')
#define RAREBIT_YUYV RAREBIT_FOURCC('Y', 'U', 'Y', 'V')
#define RAREBIT_UYVY RAREBIT_FOURCC('U', 'Y', 'V', 'Y')
#define RAREBIT_NV12 RAREBIT_FOURCC('N', 'V', '1', '2')  // U V pairs behind the rows of Y, with the same stride
#define RAREBIT_NV12M RAREBIT_FOURCC('N', 'M', '1', '2') // in a memory of their own
#define RAREBIT_YUV420 RAREBIT_FOURCC('Y', 'U', '1', '2')
#define RAREBIT_JPEG RAREBIT_FOURCC('J', 'P', 'E', 'G')

typedef struct {
    uint32_t format;       // RAREBIT_RGB24, ...
    int32_t width, height; // 1...16384
    int32_t is_bt709;      // 1: Y, U and V by BT.709; 0: by BT.601
    int32_t range;         // 0: usual for the format; 1: limited, 16...235; 2: full, 0...255
    // The part that is shown, pixels; a width of 0: everything.
    int32_t crop_left, crop_top, crop_width, crop_height;
    int32_t quarter_turns; // 0...3, clockwise, then:
    int32_t flips_horizontally, flips_vertically;
    // Of the format Y16: what is black and white to the model. All 0: 0 and 65535; automatic: what each picture uses.
    int32_t y16_low, y16_high, y16_is_automatic;
} rarebit_geometry;

typedef struct {
    uint64_t reserved[96];
} rarebit_view;

// The size of the workspace that rarebit_view_start needs, bytes.
int32_t rarebit_view_bytes(const rarebit_model *model, const rarebit_geometry *geometry, size_t *bytes,
                           rarebit_error *error);
// Prepares for pictures of one format and size. `workspace`, 64-byte aligned, is the view's as long as it is used. The
// view serves every engine of the model, one at a time. It holds nothing else, and may be prepared anew.
int32_t rarebit_view_start(rarebit_view *view, const rarebit_model *model, const rarebit_geometry *geometry,
                           void *workspace, size_t bytes, rarebit_error *error);

// A picture in memory, of a view's format and size. Rows that lie behind each other in one memory, those of all planes,
// need only the first of each; the formats whose name ends in M have a memory a plane.
typedef struct {
    const void *data[3];
    size_t bytes[3];   // of that memory: a picture that would reach beyond it is refused
    int32_t stride[3]; // bytes from one row to the next, of the first plane in that memory; 0: rows without gaps
} rarebit_picture;

// Makes a picture the engine's input: cropped, resized and quantised as the model's pictures were in training.
int32_t rarebit_show(rarebit_engine *engine, rarebit_view *view, const rarebit_picture *picture, rarebit_error *error);
// The input itself, for those who quantise their own: uint8 [height][width][4], the fourth value 0. A run leaves other
// things there. NULL where the engine is not started.
uint8_t *rarebit_input(rarebit_engine *engine, size_t *bytes);

// ---- Answers

// What is asked of one picture. RAREBIT_RULES, or NULL in its place: the model's alpha, all classes, the best three.
typedef struct {
    float alpha;            // the adjustment's strength; 0: the plain classifier; NAN: the model's own
    float threshold;        // 0...1: an answer whose best probability is below it is unknown
    const int32_t *classes; // those that count, in ascending order; NULL: all
    size_t class_count;
    // float32 [classes of the model], or NULL: added, times the model's temperature, to the adjusted logits. With
    // ln(expected share) - ln(share in training) for each class, the answer is that for another mix of classes.
    const float *offsets;
    int32_t top; // how many classes the answer lists, 1...32
    // What pictures in a row say together, as `rarebit run` has it; starts anew where these, alpha or the classes
    // change.
    float smoothing;                  // the weight of the past, 0..<1
    int32_t seen_needed, seen_window; // a class is seen in so many of so many pictures, up to 64; 0: not asked
    uint64_t time_ns;                 // when the picture was taken; a long gap starts anew
} rarebit_rules;
#define RAREBIT_RULES                                                                                                  \
    { NAN, 0, NULL, 0, NULL, 3, 0, 0, 0, 0 }

typedef struct {
    int32_t class_index;
    float probability;       // of the classes that count, the mean over pictures where there is smoothing
    float frame_probability; // of this picture
    float plain_probability; // without the adjustment
    float logit, plain_logit;
} rarebit_class;

typedef struct {
    float alpha;
    int32_t is_unknown;  // 1: the best is below the threshold
    int32_t seen;        // the class that this picture confirmed; -1: none
    uint32_t logits_crc; // CRC-32 of all adjusted logits, as `rarebit classify --json` prints it
    int32_t count;       // of `classes`, the best first
    rarebit_class classes[RAREBIT_MOST_CLASSES];
} rarebit_answer;

// Runs the network on the input and judges its logits. The input is used up: show a picture before each run.
int32_t rarebit_run(rarebit_engine *engine, const rarebit_rules *rules, rarebit_answer *answer, rarebit_error *error);
// Judges the last run's features again, by other rules: alpha costs no second run of the network.
int32_t rarebit_judge(rarebit_engine *engine, const rarebit_rules *rules, rarebit_answer *answer, rarebit_error *error);

// float32, of the last run, in the arena: they last until the next.
typedef struct {
    int32_t classes, features;
    const float *plain_logits;   // [classes]
    const float *logits;         // [classes], adjusted, with the offsets
    const float *probabilities;  // [classes], softmax of `logits` over the temperature, of all classes
    const float *feature_vector; // [features]
} rarebit_outputs;

int32_t rarebit_outputs_of(const rarebit_engine *engine, rarebit_outputs *outputs, rarebit_error *error);

#ifdef __cplusplus
}
#endif
