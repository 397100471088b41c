// Camera frames and pictures to model input in one pass: convert, crop, resize, normalise, quantise.
//
// The device program and the converter call the same functions, so a model is calibrated and evaluated on exactly the
// bytes the device will compute. Per frame everything is integer arithmetic: every processor gives the same bits.
// Nothing here allocates or makes a system call, and a whole converted frame is never held: source rows stream through
// the workspace that the caller gives. JPEG frames are decoded with libjpeg-turbo, whose memory is in the workspace
// too. Only the formats of libv4lconvert are an exception: their frames become RGB24 or YUV420 as a whole, in the
// workspace, and the library takes some memory from the heap for the first of them.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <v4l_convert.h>

// The pixel formats, named as in linux/videodev2.h. What each is stands in the list of formats.c; the order here is the
// order of preference at equal frame size. Where columns, or rows, share chroma by two, and a side is odd, the last
// pair is still whole in memory.
typedef enum {
    // 4:2:2, packed: two columns in four bytes, in the order of the name.
    RB_PIXELS_YUYV,
    RB_PIXELS_UYVY,
    RB_PIXELS_YVYU,
    RB_PIXELS_VYUY,
    // 4:2:2 in a plane of Y and a plane of U V (NV61: V U) pairs.
    RB_PIXELS_NV16,
    RB_PIXELS_NV61,
    // 4:2:0: a plane of Y, then a plane of U V (NV21: V U) pairs, or two planes U, V (YVU420: V, U). M: each plane is a
    // memory of its own, where a driver has buffers of several memories.
    RB_PIXELS_NV12,
    RB_PIXELS_NV21,
    RB_PIXELS_YUV420,
    RB_PIXELS_YVU420,
    RB_PIXELS_NV12M,
    RB_PIXELS_NV21M,
    RB_PIXELS_YUV420M,
    RB_PIXELS_YVU420M,
    RB_PIXELS_RGB24, // bytes R G B
    RB_PIXELS_BGR24, // bytes B G R
    // Four bytes a pixel. V4L2 names some by a register's order: the bytes in memory stand here. X and A are ignored.
    RB_PIXELS_XBGR32, // B G R X
    RB_PIXELS_ABGR32, // B G R A
    RB_PIXELS_BGR32,  // B G R X
    RB_PIXELS_XRGB32, // X R G B
    RB_PIXELS_ARGB32, // A R G B
    RB_PIXELS_RGB32,  // X R G B
    RB_PIXELS_BGRX32, // X B G R
    RB_PIXELS_BGRA32, // A B G R
    RB_PIXELS_RGBX32, // R G B X
    RB_PIXELS_RGBA32, // R G B A
    RB_PIXELS_RGB565, // 16 bits little-endian: red in the highest five, green, blue
    // Brightness; red = green = blue.
    RB_PIXELS_GREY, // 8 bits
    RB_PIXELS_Y10,  // 16 bits little-endian, of which the lowest ten count
    RB_PIXELS_Y16,  // 16 bits little-endian
    // A JPEG picture, baseline, whole but for its end marker; what follows that is ignored, and so are zeros behind it.
    // BT.601 in full range, or brightness, or RGB.
    RB_PIXELS_MJPEG,
    RB_PIXELS_JPEG,
    // From here on the formats of libv4lconvert, in the order of rb_v4l_fourcc: Bayer mosaics and others.
    RB_PIXELS_FOREIGN,
    RB_PIXELS_FORMAT_COUNT = RB_PIXELS_FOREIGN + RB_V4L_FORMATS
} rb_pixels_format;

enum {
    RB_PIXELS_MAX_PLANES = 3,
    RB_PIXELS_MAX_SIDE = 16384, // largest width and height of a frame, of the resized picture and of the output
    RB_PIXELS_OUTPUT_STRIDE = 4 // bytes an output pixel: three channels and one zero
};

// How Y, U and V stand for colours. V4L2's other matrices are near one of these two.
typedef enum { RB_PIXELS_BT601, RB_PIXELS_BT709 } rb_pixels_matrix;

typedef enum {
    RB_PIXELS_RANGE_DEFAULT, // limited for the formats with Y, U and V; full for RGB and brightness alone
    RB_PIXELS_RANGE_LIMITED, // Y, R, G and B are 16..235, U and V 16..240
    RB_PIXELS_RANGE_FULL     // 0..255
} rb_pixels_range;

// What the values of a frame mean. All zero: BT.601 in the range usual for the format.
typedef struct {
    rb_pixels_matrix matrix; // RGB and brightness alone have none
    rb_pixels_range range;
} rb_pixels_colour;

// The V4L2 fourcc of a format; 0 for a number that is no format.
uint32_t rb_pixels_fourcc(int32_t format);
// The format with a fourcc; RB_PIXELS_FORMAT_COUNT where there is none.
rb_pixels_format rb_pixels_format_of(uint32_t fourcc);
// Whether the bytes of a frame are a compressed picture: it has no rows in memory, its stride is 0, and only
// rb_pixels_run can tell whether it is whole.
bool rb_pixels_is_compressed(int32_t format);

// One frame in memory.
typedef struct {
    const uint8_t *plane[RB_PIXELS_MAX_PLANES];
    int32_t stride[RB_PIXELS_MAX_PLANES]; // bytes from one row of the plane to the next
    size_t bytes;                         // of plane[0], where the format is compressed
} rb_pixels_frame;

// The bytes of a JPEG picture without zeros that only fill its memory up: where a picture was cut off, libjpeg would
// take them for pixels.
size_t rb_pixels_jpeg_bytes(const uint8_t *bytes, size_t count);
// Whether a warning of libjpeg, by its message code, says that pixels are missing, which libjpeg fills in.
bool rb_pixels_jpeg_lost_pixels(int message_code);

// The smallest stride of the first plane, in bytes; 0 for a number that is no format, for a compressed format, and for
// a width out of range.
int32_t rb_pixels_min_stride(int32_t format, int32_t width);
// Describes a frame whose planes lie behind each other in one buffer, as those of V4L2's single-planar formats do. A
// plane of U V pairs has the given stride too; planes of U and of V have half of it. False where the stride is too
// small, or the buffer too short to hold every pixel (the padding behind the last row may be missing). A compressed
// frame has no stride to check, and at least one byte. `data` may be NULL where only that is asked.
bool rb_pixels_frame_in(rb_pixels_format format, int32_t width, int32_t height, int32_t stride, const uint8_t *data,
                        size_t bytes, rb_pixels_frame *frame);

// One of the memories of a filled buffer, as V4L2's multi-planar interface describes it.
typedef struct {
    const uint8_t *data;
    size_t bytes_used;  // filled bytes from `data` on, those before data_offset included
    size_t data_offset; // where the pixels begin
    int32_t stride;     // bytes from one row to the next: of the first of the planes that lie in this memory
} rb_pixels_memory;

// How many memories the buffers of a format have: 1, but for the formats whose name ends in M. 0 for a number that is
// no format.
int32_t rb_pixels_memories(int32_t format);
// Describes a frame in the memories of one buffer, rb_pixels_memories of them. Refuses what rb_pixels_frame_in refuses,
// in each memory, and offsets past the filled bytes.
bool rb_pixels_frame_in_memories(rb_pixels_format format, int32_t width, int32_t height,
                                 const rb_pixels_memory *memories, int32_t count, rb_pixels_frame *frame);

// What the model sees of a frame: a region of the frame is resized, and a window of the result is the output.
typedef struct {
    int32_t left, top, width, height;      // the region, in pixels of the frame
    int32_t resized_width, resized_height; // what the region is resized to
    int32_t crop_left, crop_top;           // where the window stands in the resized region
    int32_t output_width, output_height;   // the window: without padding the model's input size, before it is turned
    // Black pixels around the window; they belong to the output.
    int32_t pad_left, pad_top, pad_right, pad_bottom;
    int32_t quarter_turns; // 0..3, clockwise: odd ones exchange the output's width and height
    bool is_mirrored;      // then left and right are exchanged
} rb_pixels_view;

// How a picture of any shape becomes an input of one shape. The numbers stand in model files: never renumber.
typedef enum {
    RB_PIXELS_CROP = 0,   // what does not fit is cut off
    RB_PIXELS_SQUASH = 1, // the shape is given up
    RB_PIXELS_PAD = 2     // what is missing is black
} rb_pixels_fit;

// The view of a model whose input description says `fit` and `resize`, which is at least the larger of the output's
// sides. RB_PIXELS_CROP, the shorter side to `resize`, then a centre crop:
// - Where resize is the larger of the output's sides, nothing but the aspect ratio is cropped, and that in the
//   frame: the largest centred region of the output's shape is resized to the output. The centre square of a camera
//   frame fills a square input, with the same scale along both axes.
// - Otherwise the whole frame is resized, the longer side rounded down, and the crop's odd margins are halved to even,
//   as torchvision's Resize and CenterCrop do.
// RB_PIXELS_SQUASH: the whole frame is resized to the output's shape, its larger side `resize`, then the centre is
// cropped as above; torchvision's Resize((h, w)) where `resize` is the larger of the output's sides.
// RB_PIXELS_PAD: the whole frame is resized to fit into the output, the other side rounded to the nearest, to even at a
// tie, and padded as much on both sides, an odd margin's half rounded likewise: Pillow's ImageOps.pad. `resize` is the
// larger of the output's sides.
rb_pixels_view rb_pixels_model_view(int32_t width, int32_t height, rb_pixels_fit fit, int32_t resize,
                                    int32_t output_width, int32_t output_height);

// Which values of 16-bit brightness (RB_PIXELS_Y16) are black and white. Cameras of heat and of depth use a small part
// of the range.
typedef enum {
    RB_PIXELS_LEVELS_WHOLE, // 0 and 65535: the highest eight bits count
    RB_PIXELS_LEVELS_FIXED, // low and high
    // Those of each frame by itself: what a thousandth of the pixels that are seen is darker than, and what a
    // thousandth is brighter than; at least 64 apart.
    RB_PIXELS_LEVELS_AUTOMATIC
} rb_pixels_levels_kind;

typedef struct {
    rb_pixels_levels_kind kind;
    uint16_t low, high; // of RB_PIXELS_LEVELS_FIXED, low < high
} rb_pixels_levels;

// How a channel value p (0..255) becomes the model's uint8 input, in float32, each operation rounded, in this order:
//   q = clamp(round_half_even(((p / 255 - mean[c]) / std[c]) / scale) + zero_point, 0, 255)
// (for RGB and brightness of limited range, clamp((p - 16) / 219, 0, 1) takes the place of p / 255)
// where c counts in the model's channel order. With mean 0, std 1, scale 1/255 and zero point 0, q is p.
typedef struct {
    bool bgr; // the model's first channel is blue
    float mean[3], std[3];
    float scale;
    int32_t zero_point; // 0..255
} rb_pixels_quantisation;

// From one source geometry to one model input. A plan points into its workspace; its fields are read-only outside.
typedef struct {
    rb_pixels_format format;
    rb_pixels_colour colour;
    rb_pixels_view view;
    bool bgr;
    int32_t first_column; // the frame's column at which converted rows start: even, so that chroma pairs are whole
    int32_t columns;      // converted columns
    int32_t row_stride;   // values a channel in a converted row: columns, rounded up
    int32_t open_rows;    // output rows that can be accumulating at one time
    int32_t frame_width, frame_height;
    int32_t horizontal_taps, vertical_taps; // weights an output column, an output row
    // Bytes: to where the window's first pixel goes in the output, and from there to its neighbours'.
    ptrdiff_t output_begin, output_column_step, output_row_step;
    ptrdiff_t padded_pixels;     // of the whole output where the window is not all of it; else 0
    uint8_t *lookup;             // [3][256], by channel of the model
    int32_t *horizontal_first;   // [output_width]: the first converted column that contributes
    int16_t *horizontal_weights; // [output_width][horizontal_taps], ends in zeros
    int32_t *vertical_first;     // [output_height]: the first row of the frame that contributes
    int32_t *vertical_count;     // [output_height]: how many do
    int16_t *vertical_weights;   // [output_height][vertical_taps]
    uint8_t *row;                // [3][row_stride]: one converted row, red, green, blue
    int16_t *filtered;           // [3][row_stride], then horizontal_taps: one vertically filtered row
    int32_t *accumulators;       // [open_rows][3][row_stride]
    void *jpeg;                  // the decoder of a compressed format; else NULL
    uint8_t *foreign;            // of a format of libv4lconvert: the frame without padding; else NULL
    uint8_t *converted;          // and as RGB24 or YUV420
    rb_pixels_levels levels;
    uint32_t
        *value_counts; // of 16-bit brightness, for its automatic levels: how many pixels have each value; else NULL
} rb_pixels_plan;

// The exact size of the workspace, in bytes, a multiple of 64; 0 where the format is none, a size is out of range, the
// region is not inside the frame, or the window not inside the resized region. The colour makes no difference.
size_t rb_pixels_workspace_bytes(rb_pixels_format format, int32_t frame_width, int32_t frame_height,
                                 const rb_pixels_view *view);
// Computes the tables once for a geometry. workspace: rb_pixels_workspace_bytes bytes, 64-byte aligned, owned by the
// plan as long as it is used. False, with nothing written, where rb_pixels_workspace_bytes is 0 or the quantisation has
// a std or scale that is not a positive finite number, a mean that is not finite, or a zero point outside 0..255, or
// where the colour is none.
bool rb_pixels_configure(rb_pixels_plan *plan, rb_pixels_format format, int32_t frame_width, int32_t frame_height,
                         rb_pixels_colour colour, const rb_pixels_view *view,
                         const rb_pixels_quantisation *quantisation, void *workspace);
// Sets the levels of a configured plan, which are whole at first; they matter to RB_PIXELS_Y16 alone. False, with
// nothing changed, for a fixed range that is empty.
bool rb_pixels_set_levels(rb_pixels_plan *plan, rb_pixels_levels levels);
// The least and the largest 16-bit value of the pixels that are seen of a frame; false for formats other than
// RB_PIXELS_Y16.
bool rb_pixels_used_levels(const rb_pixels_plan *plan, const rb_pixels_frame *frame, uint16_t *low, uint16_t *high);
// Writes the model's input: output[output_height][output_width][4], with the padding around it, turned and mirrored as
// the view says, channels in the model's order, fourth byte 0. The frame has the format and size given to
// rb_pixels_configure.
//
// Resizing is the antialiased triangle filter of Pillow's BILINEAR and torchvision's antialias=True: half-pixel
// centres, support of one output pixel when shrinking and of one source pixel when enlarging, weights normalised at
// the edges; equal sizes are the exact identity. Pillow rounds to 8 bits after its horizontal pass, then once more.
// Here the vertical pass comes first and keeps 7 fractional bits, so only the end rounds: results differ from Pillow's
// by at most one level.
//
// False where the frame cannot be decoded, which only compressed ones can fail at: then the output holds anything.
bool rb_pixels_run(const rb_pixels_plan *plan, const rb_pixels_frame *frame, uint8_t *output);

// What a JPEG frame says of itself, whatever its camera agreed to.
typedef struct {
    int32_t width, height; // 0 where it has no header, or one of a kind that is not decoded
    bool lacks_end;        // the bytes ended before the end marker
} rb_pixels_jpeg_header;

// Of the frame that rb_pixels_run converted or refused last; all zero where the plan is none for JPEG. A frame is
// converted where it lacks nothing but its end marker, and refused where its size is not the one configured.
rb_pixels_jpeg_header rb_pixels_last_header(const rb_pixels_plan *plan);

// All that encoding pictures of a width takes, in bytes.
size_t rb_pixels_encoder_bytes(int32_t width);
// Writes a picture of rb_pixels_run, [height][width][4] with red first and nothing but the pixels' own values, as a
// JPEG file of libjpeg's quality 1...100: how many bytes; 0 where it does not fit. workspace:
// rb_pixels_encoder_bytes(width) bytes, 64-byte aligned.
size_t rb_pixels_encode_jpeg(const uint8_t *pixels, int32_t width, int32_t height, int32_t quality, void *workspace,
                             uint8_t *jpeg, size_t capacity);
