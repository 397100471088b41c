// Bytes through a table, by the path's own instructions.
#pragma once
#include "conv.h"

// output[i] = table[input[i]], where output may be input.
typedef void (*rb_lookup_bytes)(const uint8_t table[256], const uint8_t *input, uint8_t *output, size_t count);
// The fastest of an available path.
rb_lookup_bytes rb_lookup_bytes_of(rb_path path);

void rb_lookup_bytes__plain(const uint8_t table[256], const uint8_t *input, uint8_t *output, size_t count);
