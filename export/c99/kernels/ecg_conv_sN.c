/* SPDX-License-Identifier: Apache-2.0 */
#include "ecg_conv_sN.h"

#include <string.h>

#include "ecg_fixed.h"
#include "ecg_sums_sN.h"

/* Row r of the input, widened; zeros where there is no such row. */
static void read_row(const struct ecg_conv_params_sN *c, const ecg_value *in, int32_t capacity, int32_t r, int16_t *out)
{
    if ((r < 0) || (r >= c->rows)) {
        (void)memset(out, 0, (size_t)c->width * sizeof *out);
    } else {
        ecg_widen_sN(in + ((r % capacity) * c->width), c->width, c->zero_in, out);
    }
}

static void read_taps(const struct ecg_conv_params_sN *c, const ecg_value *in, int32_t capacity, int32_t t,
                      int16_t *window)
{
    for (int32_t k = 0; k < c->kernel; ++k) {
        const int32_t r = (t * c->stride) - c->pad + (k * c->dilation);
        read_row(c, in, capacity, r, window + (k * c->width));
    }
}

static ecg_value requantize(const struct ecg_conv_params_sN *c, ecg_sum sum, int32_t channel)
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
    return (ecg_value)ecg_clamp(value + c->zero_out, c->low, c->high);
}

static void compute_channels(const struct ecg_conv_params_sN *c, const int16_t *window, ecg_value *out)
{
    const int32_t n = c->kernel * c->width;
    const int8_t *weights = c->weights;
    int32_t channel = 0;
    while ((channel + 4) <= c->channels) {
        ecg_sum sums[4];
        ecg_sum4_sN(window, weights, n, c->bias + channel, sums);
        for (int32_t i = 0; i < 4; ++i) {
            out[channel + i] = requantize(c, sums[i], channel + i);
        }
        channel += 4;
        weights += 4 * n;
    }
    while (channel < c->channels) {
        out[channel] = requantize(c, c->bias[channel] + ecg_sum1_sN(window, weights, n), channel);
        ++channel;
        weights += n;
    }
}

static void compute_depthwise(const struct ecg_conv_params_sN *c, const int16_t *window, ecg_value *out)
{
    const int32_t copies = c->channels / c->width;
    for (int32_t channel = 0; channel < c->channels; ++channel) {
        ecg_sum sum = c->bias[channel];
        for (int32_t k = 0; k < c->kernel; ++k) {
            sum += window[(k * c->width) + (channel / copies)] * c->weights[(k * c->channels) + channel];
        }
        out[channel] = requantize(c, sum, channel);
    }
}

void ecg_conv_sN(const struct ecg_conv_params_sN *c, const ecg_value *in, int32_t capacity, int32_t t, int16_t *window,
                 ecg_value *out)
{
    read_taps(c, in, capacity, t, window);
    compute_channels(c, window, out);
}

void ecg_conv_transposed_sN(const struct ecg_conv_params_sN *c, const ecg_value *in, int32_t capacity, int32_t t,
                            int16_t *window, ecg_value *out)
{
    for (int32_t k = 0; k < c->kernel; ++k) {
        const int32_t from = t + c->pad - k;
        const int32_t r = ((from >= 0) && ((from % c->stride) == 0)) ? (from / c->stride) : -1;
        read_row(c, in, capacity, r, window + (k * c->width));
    }
    compute_channels(c, window, out);
}

void ecg_conv_depthwise_sN(const struct ecg_conv_params_sN *c, const ecg_value *in, int32_t capacity, int32_t t,
                           int16_t *window, ecg_value *out)
{
    read_taps(c, in, capacity, t, window);
    compute_depthwise(c, window, out);
}
#if ECG_VALUE_BITS == 16

void ecg_conv_contiguous_sN(const struct ecg_conv_params_sN *c, const ecg_value *in, ecg_value *out)
{
    compute_channels(c, in, out);
}

void ecg_conv_depthwise_contiguous_sN(const struct ecg_conv_params_sN *c, const ecg_value *in, ecg_value *out)
{
    compute_depthwise(c, in, out);
}
#endif
