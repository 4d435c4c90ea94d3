#include "ecg_dense.h"

#include "ecg_dot.h"
#include "ecg_fixed.h"

/* Rounded to nearest, halves away from zero. */
static int32_t scaled(const struct ecg_dense *d, int32_t sum)
{
    int64_t product = (int64_t)(sum < 0 ? -sum : sum) * d->multiplier;
    int32_t size = (int32_t)((product + ((int64_t)1 << (d->shift - 1))) >> d->shift);
    return sum < 0 ? -size : size;
}

void ecg_dense(const struct ecg_dense *d, const int8_t *in, int16_t *window, int8_t *out)
{
    ecg_widen(in, d->width, d->zero_in, window);
    for (int32_t channel = 0; channel < d->channels; ++channel) {
        int32_t sum = d->bias[channel] + ecg_dot(window, d->weights + channel * d->width, d->width);
        out[channel] = (int8_t)ecg_clamp(scaled(d, sum) + d->zero_out, d->low, d->high);
    }
}
