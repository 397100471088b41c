#include "float_kernels.h"
#include <math.h>

double rb_histogram_squared_error(const double *values, const double *counts, size_t bins, double scale,
                                  int zero_point) {
    double sum = 0;
    for (size_t i = 0; i < bins; i++) {
        double steps = fmin(fmax(rint(values[i] / scale), -zero_point), 255 - zero_point);
        double error = values[i] - steps * scale;
        sum += counts[i] * error * error;
    }
    return sum;
}

double rb_histogram_divergence(const double *values, const double *counts, size_t bins, double scale, int zero_point) {
    double below = 0, inside = 0, above = 0;
    size_t begin = 0, end = bins;
    while (begin < bins && rint(values[begin] / scale) < -zero_point) {
        below += counts[begin++];
    }
    while (end > begin && rint(values[end - 1] / scale) > 255 - zero_point) {
        above += counts[--end];
    }
    if (begin == end) {
        return INFINITY;
    }
    for (size_t i = begin; i < end; i++) {
        inside += counts[i];
    }
    double total = below + inside + above;
    double divergence = 0;
    for (size_t i = begin; i < end;) {
        // The bins of one byte.
        double step = rint(values[i] / scale), sum = 0;
        size_t next = i;
        while (next < end && rint(values[next] / scale) == step) {
            sum += counts[next++];
        }
        double q = fmax(sum / (double)(next - i), 1) / inside;
        for (; i < next; i++) {
            double p = counts[i] + (i == begin ? below : 0) + (i + 1 == end ? above : 0);
            divergence += p / total * log(p / total / q);
        }
    }
    return divergence;
}
