// Camera frames and pictures to model input in one pass: convert, crop, resize, normalise, quantise.
//
// The device program and the converter call the same functions, so a model is calibrated and evaluated on exactly the
// bytes the device will compute. Per frame everything is integer arithmetic: every processor gives the same bits.
// Nothing here allocates or makes a system call, and a whole converted frame is never held: source rows stream through
// the workspace that the caller gives.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// The list of pixel formats stands in formats.c; its order is the order of preference at equal frame size.
typedef enum {
    RB_PIXELS_YUYV = 0,  // 4:2:2 packed, Y0 U Y1 V, BT.601 limited range
    RB_PIXELS_NV12 = 1,  // 4:2:0, a plane of Y, then a plane of U V pairs, BT.601 limited range
    RB_PIXELS_RGB24 = 2, // R G B
    RB_PIXELS_GREY = 3,  // 8-bit brightness, full range; red = green = blue
    RB_PIXELS_FORMAT_COUNT = 4
} rb_pixels_format;

enum {
    RB_PIXELS_MAX_PLANES = 2,
    RB_PIXELS_MAX_SIDE = 16384, // largest width and height of a frame, of the resized picture and of the output
    RB_PIXELS_OUTPUT_STRIDE = 4 // bytes an output pixel: three channels and one zero
};

// The V4L2 fourcc of a format; 0 for a number that is no format.
uint32_t rb_pixels_fourcc(int32_t format);
// The format with a fourcc; RB_PIXELS_FORMAT_COUNT where there is none.
rb_pixels_format rb_pixels_format_of(uint32_t fourcc);

// One frame in memory. Chroma is shared by pairs of columns (and of rows, in NV12): where a side is odd, the last
// pair is still whole in memory, as its size is rounded up.
typedef struct {
    const uint8_t *plane[RB_PIXELS_MAX_PLANES];
    int32_t stride[RB_PIXELS_MAX_PLANES]; // bytes from one row of the plane to the next
} rb_pixels_frame;

// The smallest stride of the first plane, in bytes; 0 for a number that is no format or a width out of range.
int32_t rb_pixels_min_stride(int32_t format, int32_t width);
// Describes a frame whose planes lie behind each other in one buffer, as V4L2's single-planar formats do; every plane
// has the given stride. False where the stride is too small, or the buffer too short to hold every pixel.
bool rb_pixels_frame_in(rb_pixels_format format, int32_t width, int32_t height, int32_t stride, const uint8_t *data,
                        size_t bytes, rb_pixels_frame *frame);

// What the model sees of a frame: a region of the frame is resized, and a window of the result is the output.
typedef struct {
    int32_t left, top, width, height;      // the region, in pixels of the frame
    int32_t resized_width, resized_height; // what the region is resized to
    int32_t crop_left, crop_top;           // where the window stands in the resized region
    int32_t output_width, output_height;   // the window: the model's input size
} rb_pixels_view;

// The view of a model whose input description says "shorter side to `shorter_side`, then a centre crop":
// - Where shorter_side is the larger of the output's sides, nothing but the aspect ratio is cropped, and that in the
//   frame: the largest centred region of the output's shape is resized to the output. The centre square of a camera
//   frame fills a square input, with the same scale along both axes.
// - Otherwise the whole frame is resized, the longer side rounded down, and the crop's odd margins are halved to even,
//   as torchvision's Resize and CenterCrop do.
rb_pixels_view rb_pixels_model_view(int32_t width, int32_t height, int32_t shorter_side, int32_t output_width,
                                    int32_t output_height);

// How a channel value p (0..255) becomes the model's uint8 input, in float32, each operation rounded, in this order:
//   q = clamp(round_half_even(((p / 255 - mean[c]) / std[c]) / scale) + zero_point, 0, 255)
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
    rb_pixels_view view;
    bool bgr;
    int32_t first_column; // the frame's column at which converted rows start: even, so that chroma pairs are whole
    int32_t columns;      // converted columns
    int32_t row_stride;   // values a channel in a converted row: columns, rounded up
    int32_t open_rows;    // output rows that can be accumulating at one time
    int32_t horizontal_taps, vertical_taps; // weights an output column, an output row
    uint8_t *lookup;                        // [3][256], by channel of the model
    int32_t *horizontal_first;              // [output_width]: the first converted column that contributes
    int16_t *horizontal_weights;            // [output_width][horizontal_taps], ends in zeros
    int32_t *vertical_first;                // [output_height]: the first row of the frame that contributes
    int32_t *vertical_count;                // [output_height]: how many do
    int16_t *vertical_weights;              // [output_height][vertical_taps]
    uint8_t *row;                           // [3][row_stride]: one converted row, red, green, blue
    int16_t *filtered;                      // [3][row_stride], then horizontal_taps: one vertically filtered row
    int32_t *accumulators;                  // [open_rows][3][row_stride]
} rb_pixels_plan;

// The exact size of the workspace, in bytes, a multiple of 64; 0 where the format is none, a size is out of range, the
// region is not inside the frame, or the window not inside the resized region.
size_t rb_pixels_workspace_bytes(rb_pixels_format format, int32_t frame_width, int32_t frame_height,
                                 const rb_pixels_view *view);
// Computes the tables once for a geometry. workspace: rb_pixels_workspace_bytes bytes, 64-byte aligned, owned by the
// plan as long as it is used. False, with nothing written, where rb_pixels_workspace_bytes is 0 or the quantisation has
// a std or scale that is not a positive finite number, a mean that is not finite, or a zero point outside 0..255.
bool rb_pixels_configure(rb_pixels_plan *plan, rb_pixels_format format, int32_t frame_width, int32_t frame_height,
                         const rb_pixels_view *view, const rb_pixels_quantisation *quantisation, void *workspace);
// Writes the model's input: output[output_height][output_width][4], channels in the model's order, fourth byte 0.
// The frame has the format and size given to rb_pixels_configure.
//
// Resizing is the antialiased triangle filter of Pillow's BILINEAR and torchvision's antialias=True: half-pixel
// centres, support of one output pixel when shrinking and of one source pixel when enlarging, weights normalised at
// the edges; equal sizes are the exact identity. Pillow rounds to 8 bits after its horizontal pass, then once more.
// Here the vertical pass comes first and keeps 7 fractional bits, so only the end rounds: results differ from Pillow's
// by at most one level.
void rb_pixels_run(const rb_pixels_plan *plan, const rb_pixels_frame *frame, uint8_t *output);
