#include "workspace.h"

/*@ assigns \nothing;
  ensures \result == \max(a, b); */
static int32_t larger(int32_t a, int32_t b) {
    return a > b ? a : b;
}

/*@ assigns \nothing;
  ensures \result == \min(a, b); */
static int32_t smaller(int32_t a, int32_t b) {
    return a < b ? a : b;
}

// The input channels that the groups of one block cover: from the first, a multiple of 4, to past the last.
/*@ requires \valid_read(s) && is_verified(s) && 0 <= output < s->output.channels;
  assigns \nothing;
  ensures 0 <= \result.begin < \result.end <= s->input.channels && \result.begin % 4 == 0; */
static rb_range covered_inputs(const rb_conv_shape *s, int32_t output) {
    const int32_t group_inputs = s->input.channels / s->groups;
    const int32_t group_outputs = s->output.channels / s->groups;
    const int32_t last_output = smaller(output + RB_BLOCK_CHANNELS, s->output.channels) - 1;
    //@ assert group_inputs * s->groups == s->input.channels && group_outputs * s->groups == s->output.channels;
    //@ ghost quotient_grows(s->groups, s->input.channels, s->groups);
    //@ ghost quotient_grows(s->groups, s->output.channels, s->groups);
    //@ ghost quotient_below(last_output, group_outputs, s->groups);
    //@ ghost quotient_grows(output, last_output, group_outputs);
    const int32_t first_group = output / group_outputs, groups_end = last_output / group_outputs + 1;
    //@ ghost product_grows(0, first_group, group_inputs);
    //@ ghost product_grows(first_group + 1, groups_end, group_inputs);
    //@ ghost product_grows(groups_end, s->groups, group_inputs);
    return (rb_range){first_group * group_inputs / 4 * 4, groups_end * group_inputs};
}

int32_t rb_block_inputs(const rb_conv_shape *s) {
    if (s->groups == 1) {
        return rb_rounded_inputs(s);
    }
    int32_t most = 0;
    /*@ loop invariant 0 <= o && o % RB_BLOCK_CHANNELS == 0;
      loop invariant 0 <= most <= fours(s->input.channels) && most % 4 == 0 && (o > 0 ==> most >= 4);
      loop assigns o, most;
      loop variant s->output.channels + RB_BLOCK_CHANNELS - o; */
    for (int32_t o = 0; o < s->output.channels; o += RB_BLOCK_CHANNELS) {
        const rb_range covered = covered_inputs(s, o);
        most = larger(most, (covered.end - covered.begin + 3) / 4 * 4);
    }
    return most;
}

int32_t rb_block_first_input(const rb_conv_shape *s, int32_t output) {
    if (s->groups == 1) {
        return 0;
    }
    const int32_t begin = covered_inputs(s, output).begin, end = rb_rounded_inputs(s);
    // Blocks far from the end need not be told how many inputs the largest has, for which all are looked at.
    const int32_t group_inputs = s->input.channels / s->groups;
    const int32_t group_outputs = s->output.channels / s->groups;
    //@ ghost quotient_grows(s->groups, s->input.channels, s->groups);
    //@ ghost quotient_grows(s->groups, s->output.channels, s->groups);
    //@ ghost quotient_below(s->input.channels, s->groups, 65536);
    //@ ghost quotient_below(RB_BLOCK_CHANNELS - 2, group_outputs, RB_BLOCK_CHANNELS - 1);
    const int32_t groups = (RB_BLOCK_CHANNELS - 2) / group_outputs + 2;
    //@ ghost product_within(groups, group_inputs, RB_BLOCK_CHANNELS, 65535);
    if (begin + groups * group_inputs + 6 <= end) {
        return begin;
    }
    // Not so near the end that block_inputs channels from here would not exist.
    return smaller(begin, end - rb_block_inputs(s));
}

// The copies that taps of whole rows need, or 0 rows where taps should not be rows.
/*@ requires \valid_read(s) && is_verified(s);
  assigns \nothing;
  ensures \result.rows != 0 ==> \result.taps == s->kernel_height && 4 <= \result.tap_bytes <= 65536;
  ensures \result.rows != 0 ==> s->input.pixel_stride == fours(s->input.channels) <= RB_ROW_TAP_CHANNELS;
  ensures \result.rows != 0 ==> \result.tap_bytes == s->kernel_width * s->input.pixel_stride;
  ensures \result.rows != 0 ==> 1 <= \result.rows && 1 <= \result.row_bytes;
  ensures \result.rows != 0 ==>
      \result.row_bytes == ((s->output.width - 1) * s->stride_x + s->kernel_width) * s->input.pixel_stride;
  ensures \result.rows != 0 ==> \result.copies_bytes == \result.rows * \result.row_bytes;
  ensures 0 <= \result.rows && 0 <= \result.row_bytes <= RB_ROW_COPIES_BYTES;
  ensures 0 <= \result.copies_bytes <= RB_ROW_COPIES_BYTES; */
static rb_window row_window_of(const rb_conv_shape *s) {
    const int32_t inputs = rb_rounded_inputs(s);
    const int32_t last_column = s->output.width - 1, stride_x = s->stride_x;
    //@ ghost product_within(last_column, stride_x, 65534, 255);
    const int32_t columns = last_column * stride_x + s->kernel_width;
    //@ ghost product_within(columns, inputs, 16711425, 65536);
    //@ ghost product_grows(1, columns, inputs);
    const int64_t row_bytes = (int64_t)columns * inputs;
    const int32_t more_rows = smaller((RB_STRIP_PIXELS - 2) / s->output.width + 1, s->output.height - 1);
    const int32_t last_tap = s->kernel_height - 1, stride_y = s->stride_y, dilation_y = s->dilation_y;
    //@ ghost product_within(more_rows, stride_y, 63, 255);
    //@ ghost product_within(last_tap, dilation_y, 254, 255);
    const int32_t rows = more_rows * stride_y + last_tap * dilation_y + 1;
    if (s->groups != 1 || s->dilation_x != 1 || s->kernel_width == 1 || s->input.pixel_stride != inputs ||
        inputs > RB_ROW_TAP_CHANNELS || row_bytes > RB_ROW_COPIES_BYTES) {
        return (rb_window){.rows = 0};
    }
    const int32_t bytes = (int32_t)row_bytes, kernel_width = s->kernel_width;
    //@ ghost product_within(bytes, rows, RB_ROW_COPIES_BYTES, 80836);
    //@ ghost product_grows(1, bytes, rows);
    const int64_t copies_bytes = (int64_t)bytes * rows;
    if (copies_bytes > RB_ROW_COPIES_BYTES) {
        return (rb_window){.rows = 0};
    }
    //@ ghost product_within(kernel_width, inputs, 255, RB_ROW_TAP_CHANNELS);
    return (rb_window){s->kernel_height, kernel_width * inputs, rows, bytes, (int32_t)copies_bytes};
}

rb_window rb_window_of(const rb_conv_shape *s) {
    const rb_window rows = row_window_of(s);
    return rows.rows > 0 ? rows : (rb_window){s->kernel_height * s->kernel_width, rb_block_inputs(s), 0, 0, 0};
}

rb_tiles_workspace rb_tiles_workspace_of(const rb_conv_shape *s) {
    const rb_window w = rb_window_of(s);
    const size_t table = ((size_t)w.taps + 1) * RB_TABLE_PIXELS * RB_ADDRESS_BYTES;
    const size_t copies = table + rb_round_up((size_t)larger(w.tap_bytes, rb_rounded_inputs(s)), 64);
    const size_t past_end = (size_t)RB_ROW_TILE_PIXELS * (size_t)rb_rounded_inputs(s);
    const size_t copies_bytes = w.rows > 0 ? (size_t)w.copies_bytes + (size_t)w.row_bytes + past_end : 0;
    return (rb_tiles_workspace){w, table, copies, copies + rb_round_up(copies_bytes, 64)};
}

rb_runs_workspace rb_runs_workspace_of(const rb_conv_shape *s) {
    const size_t taps = (size_t)s->kernel_height * (size_t)s->kernel_width;
    const size_t outside = rb_round_up(taps * RB_ADDRESS_BYTES, 64);
    return (rb_runs_workspace){outside, outside + rb_round_up((size_t)rb_rounded_inputs(s), 64)};
}

rb_depthwise_rows_workspace rb_depthwise_rows_workspace_of(const rb_conv_shape *s) {
    const size_t pixel = rb_round_up((size_t)s->input.channels, 64);
    return (rb_depthwise_rows_workspace){pixel, 2 * pixel};
}

rb_winograd_workspace rb_winograd_workspace_of(const rb_conv_shape *s, int32_t side) {
    const size_t channels = rb_round_up((size_t)s->input.channels, 8);
    const size_t values = (size_t)(side + 2) * (size_t)(side + 2) * RB_WINOGRAD_TOGETHER;
    const size_t inputs = rb_round_up(channels, 64);
    const size_t products = inputs + rb_round_up(values * channels * sizeof(int16_t), 64);
    return (rb_winograd_workspace){inputs, products, products + values * RB_BLOCK_CHANNELS * sizeof(int32_t)};
}

rb_product_workspace rb_product_workspace_of(rb_path path, const rb_matrix_product *product) {
    const rb_conv_shape shape = rb_matrix_product_shape(product);
    const size_t outputs = (size_t)shape.output.channels, inner = (size_t)(shape.input.channels / shape.groups);
    const size_t bias = rb_round_up(outputs * inner, 64);
    const size_t multiplier = bias + rb_round_up(outputs * sizeof(int32_t), 64);
    const size_t packed = multiplier + rb_round_up(outputs * sizeof(float), 64);
    const size_t scratch = packed + rb_conv_packed_bytes(path, &shape);
    return (rb_product_workspace){bias, multiplier, packed, scratch, scratch + rb_conv_scratch_bytes(path, &shape)};
}

size_t rb_workspace_tiles(const rb_conv_shape *shape) {
    return rb_tiles_workspace_of(shape).end;
}

size_t rb_workspace_copied_rows(const rb_conv_shape *shape) {
    return rb_tiles_workspace_of(shape).end;
}

size_t rb_workspace_runs(const rb_conv_shape *shape) {
    return rb_runs_workspace_of(shape).end;
}

size_t rb_workspace_depthwise_rows(const rb_conv_shape *shape) {
    return rb_depthwise_rows_workspace_of(shape).end;
}

size_t rb_workspace_winograd4(const rb_conv_shape *shape) {
    return rb_winograd_workspace_of(shape, 4).end;
}

size_t rb_workspace_winograd2(const rb_conv_shape *shape) {
    return rb_winograd_workspace_of(shape, 2).end;
}

size_t rb_workspace_none(const rb_conv_shape *shape) {
    (void)shape;
    return 0;
}
