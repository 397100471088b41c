#include "tiles.h"

// What a strip's tiles have in common.
typedef struct {
    const rb_tiling *tiling;
    size_t block_bytes;
    rb_range blocks; // the part's
} tile_work;

// The tiles of a strip for the blocks [first, first + count).
static void run_blocks(const tile_work *w, const rb_strip *strip, int32_t first, int32_t count) {
    const rb_conv *conv = strip->conv;
    const rb_conv_shape *s = &conv->shape;
    const int32_t channel = first * RB_BLOCK_CHANNELS;
    const int32_t channels_left = s->output.channels - channel;
    rb_tile tile = {
        .conv = conv,
        .blocks = (const uint8_t *)conv->packed + (size_t)first * w->block_bytes,
        .block_bytes = w->block_bytes,
        .block_count = count,
        .first_channel = channel,
        .channels = channels_left < count * RB_BLOCK_CHANNELS ? channels_left : count * RB_BLOCK_CHANNELS,
        .taps = strip->taps,
        .tap_bytes = strip->tap_bytes,
        .input_offset = rb_block_first_input(s, channel),
    };
    const int32_t most = w->tiling->pixels[count - 1];
    const int32_t tiles = (strip->count + most - 1) / most;
    const int32_t pixels = strip->count / tiles, larger_tiles = strip->count % tiles;
    for (int32_t t = 0, p = 0; t < tiles; t++, p += tile.pixels) {
        tile.pixels = pixels + (t < larger_tiles);
        tile.inputs = strip->inputs + p;
        tile.residual = strip->residual + p;
        tile.output = conv->output + (size_t)(strip->first + p) * s->output.pixel_stride + channel;
        // The next blocks' weights, or the next operation's, which stand behind them: one block's with every tile.
        tile.ahead = t < count ? (size_t)(count + t) * w->block_bytes : 0;
        w->tiling->run(&tile);
    }
}

// Every tile of a strip, a few blocks of output channels after the other, so that their weights stay in the cache.
static void run_strip(const rb_strip *strip, const void *context) {
    const tile_work *w = context;
    const int32_t blocks = w->blocks.end - w->blocks.begin;
    const int32_t most = w->tiling->blocks;
    const int32_t runs = (blocks + most - 1) / most;
    for (int32_t i = 0; i < runs; i++) {
        const rb_range range = rb_share(blocks, i, runs);
        run_blocks(w, strip, w->blocks.begin + range.begin, range.end - range.begin);
    }
}

// A part is some of the output channels where the weights are what takes long to fetch, else some of the pixels.
static bool parts_are_blocks(const rb_conv *conv, int32_t blocks, const tile_work *w) {
    const rb_shape *input = &conv->shape.input;
    const uint64_t input_bytes = (uint64_t)input->height * (uint64_t)input->width * (uint64_t)input->pixel_stride;
    return conv->shape.groups == 1 && blocks >= conv->parts * w->tiling->blocks &&
           (uint64_t)blocks * w->block_bytes > input_bytes;
}

// A tile's blocks have the same input channels: with groups they are blocks of one group.
static int32_t most_blocks_of_tile(const rb_conv_shape *s, int32_t most) {
    if (s->groups == 1) {
        return most;
    }
    const int32_t group_outputs = s->output.channels / s->groups;
    const int32_t blocks = group_outputs / RB_BLOCK_CHANNELS;
    while (most > 1 && (group_outputs % RB_BLOCK_CHANNELS != 0 || blocks % most != 0)) {
        most--;
    }
    return most;
}

void rb_run_tiles(const rb_conv *conv, const rb_tiling *tiling) {
    rb_run_tiles_of_blocks(conv, tiling, (size_t)rb_block16_bytes(&conv->shape));
}

void rb_run_tiles_of_blocks(const rb_conv *conv, const rb_tiling *tiling, size_t block_bytes) {
    const rb_conv_shape *s = &conv->shape;
    rb_tiling used = *tiling;
    used.blocks = most_blocks_of_tile(s, tiling->blocks);
    tile_work w = {.tiling = &used, .block_bytes = block_bytes};
    const int32_t blocks = (s->output.channels + RB_BLOCK_CHANNELS - 1) / RB_BLOCK_CHANNELS;
    const bool by_blocks = parts_are_blocks(conv, blocks, &w);
    w.blocks = by_blocks ? rb_share(blocks, conv->part, conv->parts) : (rb_range){0, blocks};
    const int32_t pixels = s->output.height * s->output.width;
    const rb_range part = by_blocks ? (rb_range){0, pixels} : rb_share(pixels, conv->part, conv->parts);
    const int32_t widest = blocks < used.blocks ? blocks : used.blocks;
    rb_run_strips(conv, part, used.pixels[widest - 1], run_strip, &w);
}

const uint8_t *rb_residual_block(const rb_tile *tile, int32_t pixel, int32_t block, uint8_t copy[RB_BLOCK_CHANNELS]) {
    const rb_conv_shape *s = &tile->conv->shape;
    const uint8_t *residual = tile->residual[pixel];
    const int32_t begin = tile->first_channel + block * RB_BLOCK_CHANNELS - s->residual_channel_offset;
    if (begin >= 0 && begin + RB_BLOCK_CHANNELS <= s->residual.channels) {
        return residual + begin;
    }
    for (int32_t lane = 0; lane < RB_BLOCK_CHANNELS; lane++) {
        const int32_t channel = begin + lane;
        const bool exists = channel >= 0 && channel < s->residual.channels;
        copy[lane] = exists ? residual[channel] : (uint8_t)s->residual.zero_point ^ tile->conv->flip;
    }
    return copy;
}

void rb_store_block(const rb_tile *tile, int32_t pixel, int32_t block, const uint8_t values[RB_BLOCK_CHANNELS]) {
    const int32_t first = block * RB_BLOCK_CHANNELS;
    uint8_t *output = tile->output + (size_t)pixel * tile->conv->shape.output.pixel_stride + first;
    const int32_t channels = tile->channels - first;
    for (int32_t lane = 0; lane < channels && lane < RB_BLOCK_CHANNELS; lane++) {
        output[lane] = values[lane];
    }
}
