// In the place of v4l_convert.c in librarebit: without libv4lconvert, which takes memory from the heap and whose
// licence (LGPL) would become the concern of every program that links the library. There are no formats then.
#include "include/v4l_convert.h"

uint32_t rb_v4l_fourcc(int32_t number) {
    (void)number;
    return 0;
}

int32_t rb_v4l_row_bytes(uint32_t fourcc, int32_t width) {
    (void)fourcc;
    (void)width;
    return 0;
}

int32_t rb_v4l_rows(uint32_t fourcc, int32_t height) {
    (void)fourcc;
    (void)height;
    return 0;
}

bool rb_v4l_start(void) {
    return false;
}

bool rb_v4l_gives_yuv(uint32_t fourcc) {
    (void)fourcc;
    return false;
}

bool rb_v4l_convert(uint32_t fourcc, int32_t width, int32_t height, uint8_t *frame, uint8_t *converted) {
    (void)fourcc;
    (void)width;
    (void)height;
    (void)frame;
    (void)converted;
    return false;
}
