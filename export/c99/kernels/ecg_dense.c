#include "ecg_dense.h"

#include "ecg_dot.h"
#include "ecg_fixed.h"

/* Rounded to nearest, halves away from zero. */
static int32_t scaled(int32_t sum, int32_t multiplier, int32_t shift)
{
    int64_t product = (int64_t)(sum < 0 ? -sum : sum) * multiplier;
    int32_t size = (int32_t)((product + ((int64_t)1 << (shift - 1))) >> shift);
    return sum < 0 ? -size : size;
}

void ecg_dense(const struct ecg_dense *d, const int8_t *in, int16_t *window, int8_t *out)
{
    ecg_widen(in, d->width, d->zero_in, window);
    for (int32_t channel = 0; channel < d->channels; ++channel) {
        int32_t sum = d->bias[channel] + ecg_dot(window, d->weights + channel * d->width, d->width);
        int32_t value = scaled(sum, d->multipliers[channel], d->shifts[channel]) + d->zero_out;
        out[channel] = (int8_t)ecg_clamp(value, d->low, d->high);
    }
}
