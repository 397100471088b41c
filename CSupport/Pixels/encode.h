// Inside Pixels only.
#pragma once
#include "mjpeg.h"

// The memory for a compressor of rb_pixels_encode_jpeg; NULL for any other one, and for decompressors.
rb_mjpeg_memory *rb_encoder_memory_of(struct jpeg_common_struct *jpeg);
