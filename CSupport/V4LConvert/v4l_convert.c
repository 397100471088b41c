#include "include/v4l_convert.h"
#include <errno.h>
#include <sys/types.h>
#include <time.h> // videodev2.h needs it

#include <linux/videodev2.h>

#include <libv4l-plugin.h>
#include <libv4lconvert.h>

// Formats whose frames have a size that is known before they are read. Not here: those of compressed vendor formats,
// for the library's decoders of these trust what they read and run past its end; grey of 4 and 6 bits, which it takes
// for 8; and HSV, of which no camera is known.
typedef struct {
    uint32_t fourcc;
    uint8_t row_bits;    // of a row, for each column
    uint8_t half_rows;   // of the frame, for each line of the picture: halves
    uint8_t granularity; // both sides are multiples of it: the library rounds nothing
    bool is_yuv;         // it becomes YUV420, and else RGB24
} layout;

// clang-format off: a line each
static const layout layouts[RB_V4L_FORMATS] = {
    {V4L2_PIX_FMT_SBGGR8, 8, 2, 2, false},    {V4L2_PIX_FMT_SGBRG8, 8, 2, 2, false},
    {V4L2_PIX_FMT_SGRBG8, 8, 2, 2, false},    {V4L2_PIX_FMT_SRGGB8, 8, 2, 2, false},
    {V4L2_PIX_FMT_SBGGR10P, 10, 2, 4, false}, {V4L2_PIX_FMT_SGBRG10P, 10, 2, 4, false},
    {V4L2_PIX_FMT_SGRBG10P, 10, 2, 4, false}, {V4L2_PIX_FMT_SRGGB10P, 10, 2, 4, false},
    {V4L2_PIX_FMT_SBGGR10, 16, 2, 2, false},  {V4L2_PIX_FMT_SGBRG10, 16, 2, 2, false},
    {V4L2_PIX_FMT_SGRBG10, 16, 2, 2, false},  {V4L2_PIX_FMT_SRGGB10, 16, 2, 2, false},
    {V4L2_PIX_FMT_SBGGR16, 16, 2, 2, false},  {V4L2_PIX_FMT_SGBRG16, 16, 2, 2, false},
    {V4L2_PIX_FMT_SGRBG16, 16, 2, 2, false},  {V4L2_PIX_FMT_SRGGB16, 16, 2, 2, false},
    {V4L2_PIX_FMT_STV0680, 8, 2, 2, false},   {V4L2_PIX_FMT_Y10BPACK, 10, 2, 4, false},
    {V4L2_PIX_FMT_Y16_BE, 16, 2, 2, false},   {V4L2_PIX_FMT_M420, 8, 3, 2, true},
    {V4L2_PIX_FMT_SPCA501, 8, 3, 16, true},   {V4L2_PIX_FMT_SPCA505, 8, 3, 16, true},
    {V4L2_PIX_FMT_SPCA508, 8, 3, 16, true},   {V4L2_PIX_FMT_CIT_YYVYUY, 8, 3, 16, true},
    {V4L2_PIX_FMT_KONICA420, 8, 3, 16, true}, {V4L2_PIX_FMT_SN9C20X_I420, 8, 3, 16, true},
};
// clang-format on

enum { LEAST_SIDE = 16, GREATEST_SIDE = 16384 };

static const layout *layout_of(uint32_t fourcc) {
    for (int32_t i = 0; i < RB_V4L_FORMATS; i++) {
        if (layouts[i].fourcc == fourcc) {
            return &layouts[i];
        }
    }
    return NULL;
}

uint32_t rb_v4l_fourcc(int32_t number) {
    return number >= 0 && number < RB_V4L_FORMATS ? layouts[number].fourcc : 0;
}

static bool is_side(const layout *found, int32_t side) {
    return side >= LEAST_SIDE && side <= GREATEST_SIDE && side % found->granularity == 0;
}

int32_t rb_v4l_row_bytes(uint32_t fourcc, int32_t width) {
    const layout *found = layout_of(fourcc);
    return found && is_side(found, width) ? width * found->row_bits / 8 : 0;
}

int32_t rb_v4l_rows(uint32_t fourcc, int32_t height) {
    const layout *found = layout_of(fourcc);
    return found && is_side(found, height) ? height * found->half_rows / 2 : 0;
}

bool rb_v4l_gives_yuv(uint32_t fourcc) {
    const layout *found = layout_of(fourcc);
    return found && found->is_yuv;
}

// The static library's decoder of JL2005BCD compresses JPEG on its way, and libjpeg's compressor is 120 KB of program.
// That format is not in the list: with this in its place, both stay out.
int v4lconvert_decode_jl2005bcd(struct v4lconvert_data *data, const unsigned char *frame, int bytes,
                                unsigned char *mosaic, int width, int height);
int v4lconvert_decode_jl2005bcd(struct v4lconvert_data *data, const unsigned char *frame, int bytes,
                                unsigned char *mosaic, int width, int height) {
    (void)data;
    (void)frame;
    (void)bytes;
    (void)mosaic;
    (void)width;
    (void)height;
    return -1;
}

// The library asks its device what that is and offers. There is none: one unknown format, and no answer to all else,
// keep it from adding processing of its own.
static void *open_nothing(int descriptor) {
    (void)descriptor;
    return NULL;
}

static void close_nothing(void *device) {
    (void)device;
}

static int answer(void *device, int descriptor, unsigned long request, void *argument) {
    (void)device;
    (void)descriptor;
    struct v4l2_fmtdesc *format = argument;
    if (request == VIDIOC_ENUM_FMT && format->index == 0) {
        format->pixelformat = 0;
        return 0;
    }
    errno = ENOTTY;
    return -1;
}

static struct v4lconvert_data *converter(void) {
    static const struct libv4l_dev_ops no_device = {.init = open_nothing, .close = close_nothing, .ioctl = answer};
    static struct v4lconvert_data *only;
    if (!only) {
        only = v4lconvert_create_with_dev_ops(-1, NULL, &no_device);
    }
    return only;
}

bool rb_v4l_start(void) {
    return converter() != NULL;
}

static struct v4l2_format format_of(uint32_t fourcc, int32_t width, int32_t height, int32_t row_bytes, size_t bytes) {
    struct v4l2_format format = {.type = V4L2_BUF_TYPE_VIDEO_CAPTURE};
    format.fmt.pix.width = (uint32_t)width;
    format.fmt.pix.height = (uint32_t)height;
    format.fmt.pix.pixelformat = fourcc;
    format.fmt.pix.field = V4L2_FIELD_NONE;
    format.fmt.pix.bytesperline = (uint32_t)row_bytes;
    format.fmt.pix.sizeimage = (uint32_t)bytes;
    return format;
}

bool rb_v4l_convert(uint32_t fourcc, int32_t width, int32_t height, uint8_t *frame, uint8_t *converted) {
    const int32_t row_bytes = rb_v4l_row_bytes(fourcc, width), rows = rb_v4l_rows(fourcc, height);
    struct v4lconvert_data *data = converter();
    if (row_bytes == 0 || rows == 0 || !data) {
        return false;
    }
    const size_t frame_bytes = (size_t)row_bytes * (size_t)rows, pixels = (size_t)width * (size_t)height;
    const bool is_yuv = rb_v4l_gives_yuv(fourcc);
    const uint32_t target = is_yuv ? V4L2_PIX_FMT_YUV420 : V4L2_PIX_FMT_RGB24;
    const size_t bytes = is_yuv ? pixels * 3 / 2 : pixels * 3;
    const struct v4l2_format from = format_of(fourcc, width, height, row_bytes, frame_bytes);
    const struct v4l2_format to = format_of(target, width, height, is_yuv ? width : 3 * width, bytes);
    return v4lconvert_convert(data, &from, &to, frame, (int)frame_bytes, converted, (int)bytes) == (int)bytes;
}
