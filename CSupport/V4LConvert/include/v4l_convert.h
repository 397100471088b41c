// Frames that CSupport/Pixels has no row function for, by way of libv4lconvert: Bayer mosaics and the like.
//
// No device is touched. The library's software white balance, gamma and flipping, which belong to one, are off, so that
// a frame gives the same bits whenever and wherever it is converted.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { RB_V4L_FORMATS = 26 };

// The fourcc of each of them, best first; 0 for a number that is none.
uint32_t rb_v4l_fourcc(int32_t number);

// How a frame without padding lies in memory: bytes of a row, and rows, of all planes together. 0 where the fourcc is
// not converted, or the side is out of range (16...16384) or none that the format has.
int32_t rb_v4l_row_bytes(uint32_t fourcc, int32_t width);
int32_t rb_v4l_rows(uint32_t fourcc, int32_t height);

// Makes the converter, once for the program. False where there is no memory for it.
bool rb_v4l_start(void);

// Whether frames become YUV420, rows without padding; else they become RGB24. (What Y, U and V mean is then the
// caller's to say: the library's own conversion to RGB takes every brightness for full range.)
bool rb_v4l_gives_yuv(uint32_t fourcc);

// Converts a frame of rb_v4l_rows rows without padding, whose bytes are changed by it, to `converted`: width * height *
// 3 bytes, half as many for YUV420. False where there is no memory. The library takes some from the heap for the first
// frame, and keeps it. One thread at a time.
bool rb_v4l_convert(uint32_t fourcc, int32_t width, int32_t height, uint8_t *frame, uint8_t *converted);
