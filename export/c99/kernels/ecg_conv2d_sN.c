/* SPDX-License-Identifier: Apache-2.0 */
#include "ecg_conv2d_sN.h"

#include <string.h>

#include "ecg_fixed.h"
#include "ecg_sums_sN.h"

/* The values of one group of point (y, x), widened; zeros where there is no such point. */
static void read_point(const struct ecg_conv2d_params_sN *c, const ecg_value *in, int32_t capacity, int32_t y,
                       int32_t x, int32_t group, int16_t *out)
{
    const int32_t n = c->depth / c->groups;
    if ((y < 0) || (y >= c->height) || (x < 0) || (x >= c->width)) {
        (void)memset(out, 0, (size_t)n * sizeof *out);
    } else {
        const int32_t r = (y * c->width) + x;
        ecg_widen_sN(in + (((r % capacity) * c->depth) + (group * n)), n, c->zero_in, out);
    }
}

/* Where a transposed convolution takes a tap from; -1: from nowhere. */
static int32_t source(int32_t place, int32_t stride)
{
    return ((place >= 0) && ((place % stride) == 0)) ? (place / stride) : -1;
}

static int32_t requantize(const struct ecg_conv2d_params_sN *c, ecg_sum sum, int32_t channel)
{
    const int32_t multiplier = c->multipliers[channel];
    const int32_t shift = c->shifts[channel];
#if ECG_VALUE_BITS == 16
    int32_t value;
    if (c->wide != 0) {
        value = ecg_rescale_sum_sN(sum, multiplier, shift);
    } else {
        value = ecg_rescale((int32_t)sum, multiplier, shift);
    }
#endif
#if ECG_VALUE_BITS == 8
    const int32_t value = ecg_rescale_sum_sN(sum, multiplier, shift);
#endif
    return ecg_clamp(value + c->zero_out, c->low, c->high);
}

/* The channels of one group. */
static void compute_group(const struct ecg_conv2d_params_sN *c, const int16_t *window, int32_t group, ecg_value *out)
{
    const int32_t n = c->kernel_y * c->kernel_x * (c->depth / c->groups);
    const int32_t count = c->channels / c->groups;
    for (int32_t channel = group * count; channel < ((group + 1) * count); ++channel) {
        const ecg_sum sum = c->bias[channel] + ecg_sum1_sN(window, c->weights + (channel * n), n);
        out[channel] = (ecg_value)requantize(c, sum, channel);
    }
}

void ecg_conv2d_sN(const struct ecg_conv2d_params_sN *c, const ecg_value *in, int32_t capacity, int32_t t,
                   int16_t *window, ecg_value *out)
{
    const int32_t y = ((t / c->out_width) * c->stride_y) - c->pad_y;
    const int32_t x = ((t % c->out_width) * c->stride_x) - c->pad_x;
    for (int32_t group = 0; group < c->groups; ++group) {
        int16_t *to = window;
        for (int32_t i = 0; i < c->kernel_y; ++i) {
            for (int32_t j = 0; j < c->kernel_x; ++j) {
                read_point(c, in, capacity, y + (i * c->dilation_y), x + (j * c->dilation_x), group, to);
                to += c->depth / c->groups;
            }
        }
        compute_group(c, window, group, out);
    }
}

void ecg_conv2d_transposed_sN(const struct ecg_conv2d_params_sN *c, const ecg_value *in, int32_t capacity, int32_t t,
                              int16_t *window, ecg_value *out)
{
    const int32_t y = (t / c->out_width) + c->pad_y;
    const int32_t x = (t % c->out_width) + c->pad_x;
    for (int32_t group = 0; group < c->groups; ++group) {
        int16_t *to = window;
        for (int32_t i = 0; i < c->kernel_y; ++i) {
            for (int32_t j = 0; j < c->kernel_x; ++j) {
                const int32_t from_y = source(y - i, c->stride_y);
                read_point(c, in, capacity, from_y, source(x - j, c->stride_x), group, to);
                to += c->depth / c->groups;
            }
        }
        compute_group(c, window, group, out);
    }
}
