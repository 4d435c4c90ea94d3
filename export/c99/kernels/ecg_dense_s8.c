/* SPDX-License-Identifier: Apache-2.0 */
#include "ecg_dense_s8.h"

#include "ecg_fixed.h"
#include "ecg_sums_s8.h"

/* sum * multiplier / 2^shift, rounded to nearest, halves away from zero. */
static int32_t scale_sum(int32_t sum, int32_t multiplier, int32_t shift)
{
    const int64_t product = (int64_t)((sum < 0) ? -sum : sum) * multiplier;
    const int64_t half = (int64_t)(UINT64_C(1) << (uint32_t)(shift - 1));
    const int32_t size = (int32_t)ecg_asr64(product + half, shift);
    return (sum < 0) ? -size : size;
}

void ecg_dense_s8(const struct ecg_dense_params_s8 *d, const int8_t *in, int16_t *window, int8_t *out)
{
    ecg_widen_s8(in, d->width, d->zero_in, window);
    for (int32_t channel = 0; channel < d->channels; ++channel) {
        const int32_t sum = d->bias[channel] + ecg_dot(window, d->weights + (channel * d->width), d->width);
        const int32_t value = scale_sum(sum, d->multipliers[channel], d->shifts[channel]) + d->zero_out;
        out[channel] = (int8_t)ecg_clamp(value, d->low, d->high);
    }
}
