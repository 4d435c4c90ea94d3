#include "ecg_conv.h"

#include <string.h>

#include "ecg_dot.h"
#include "ecg_fixed.h"

/* Row r of the input, widened; zeros where there is no such row. */
static void tap(const struct ecg_conv *c, const ecg_value *in, int32_t capacity, int32_t r, int16_t *out)
{
    if (r < 0 || r >= c->rows) {
        memset(out, 0, (size_t)c->width * sizeof *out);
    } else {
        ecg_widen(in + (r % capacity) * c->width, c->width, c->zero_in, out);
    }
}

static void taps(const struct ecg_conv *c, const ecg_value *in, int32_t capacity, int32_t t, int16_t *window)
{
    for (int32_t k = 0; k < c->kernel; ++k) {
        tap(c, in, capacity, t * c->stride - c->pad + k * c->dilation, window + k * c->width);
    }
}

static ecg_value requantised(const struct ecg_conv *c, ecg_sum sum, int32_t channel)
{
    int32_t multiplier = c->multipliers[channel], shift = c->shifts[channel];
#if ECG_VALUE_BITS == 16
    int32_t value = c->wide ? ecg_rescale_sum(sum, multiplier, shift) : ecg_rescale((int32_t)sum, multiplier, shift);
#else
    int32_t value = ecg_rescale_sum(sum, multiplier, shift);
#endif
    return (ecg_value)ecg_clamp(value + c->zero_out, c->low, c->high);
}

static void channels(const struct ecg_conv *c, const int16_t *window, ecg_value *out)
{
    int32_t n = c->kernel * c->width, channel = 0;
    const int8_t *weights = c->weights;
    for (; channel + 4 <= c->channels; channel += 4, weights += 4 * n) {
        ecg_sum sums[4];
        ecg_sum4(window, weights, n, c->bias + channel, sums);
        for (int32_t i = 0; i < 4; ++i) {
            out[channel + i] = requantised(c, sums[i], channel + i);
        }
    }
    for (; channel < c->channels; ++channel, weights += n) {
        out[channel] = requantised(c, c->bias[channel] + ecg_sum1(window, weights, n), channel);
    }
}

/* As `channels`, of a depthwise convolution. */
static void depths(const struct ecg_conv *c, const int16_t *window, ecg_value *out)
{
    int32_t copies = c->channels / c->width;
    for (int32_t channel = 0; channel < c->channels; ++channel) {
        ecg_sum sum = c->bias[channel];
        for (int32_t k = 0; k < c->kernel; ++k) {
            sum += window[k * c->width + channel / copies] * c->weights[k * c->channels + channel];
        }
        out[channel] = requantised(c, sum, channel);
    }
}

void ecg_conv(const struct ecg_conv *c, const ecg_value *in, int32_t capacity, int32_t t, int16_t *window, ecg_value *out)
{
    taps(c, in, capacity, t, window);
    channels(c, window, out);
}

void ecg_conv_transposed(const struct ecg_conv *c, const ecg_value *in, int32_t capacity, int32_t t, int16_t *window,
                         ecg_value *out)
{
    for (int32_t k = 0; k < c->kernel; ++k) {
        int32_t from = t + c->pad - k;
        int32_t r = from >= 0 && from % c->stride == 0 ? from / c->stride : -1;
        tap(c, in, capacity, r, window + k * c->width);
    }
    channels(c, window, out);
}

void ecg_conv_depthwise(const struct ecg_conv *c, const ecg_value *in, int32_t capacity, int32_t t, int16_t *window,
                        ecg_value *out)
{
    taps(c, in, capacity, t, window);
    depths(c, window, out);
}

#if ECG_VALUE_BITS == 16

void ecg_conv_here(const struct ecg_conv *c, const ecg_value *in, ecg_value *out)
{
    channels(c, in, out);
}

void ecg_conv_depthwise_here(const struct ecg_conv *c, const ecg_value *in, ecg_value *out)
{
    depths(c, in, out);
}

#endif
