/* SPDX-License-Identifier: Apache-2.0 */
/* The softmax of LiteRT's reference kernel for 16 bits, which looks its functions up in tables. */
#include "ecg_softmax_s16.h"

#include "ecg_fixed.h"

/* Between the two of 513 points around x, from 0 to 65535. */
static int32_t interpolate(const int16_t *points, int32_t x)
{
    const int32_t at = ecg_asr(x, 7);
    const int32_t from = points[at];
    const int32_t to = points[at + 1];
    return from + ecg_asr(((to - from) * ecg_low_bits(x, 7)) + 64, 7);
}

/* exp(-difference), 15 fractional bits; not below exp(-10). */
static int32_t exponential(const struct ecg_softmax_params_s16 *s, int32_t difference)
{
    const int32_t scaled = ecg_rescale(-difference, s->multiplier, s->shift);
    return interpolate(s->exponentials, ecg_clamp(scaled + 0xFFFF, 0, 0xFFFF));
}

/* 1 / sum in 15 fractional bits, times a power of two: the sum, itself of 15, is between 2^(bits - 1) and 2^bits. */
static int32_t reciprocal(const int16_t *points, int32_t sum, int32_t *bits)
{
    int32_t length = 0;
    while (ecg_asr(sum, length) != 0) {
        ++length;
    }
    *bits = length;
    /* How far the sum is beyond that power of two, in 1 / 2^16 of it. */
    const int64_t normal = (int64_t)sum * ((int64_t)1 + INT32_MAX);
    const int32_t rounded = (int32_t)ecg_asr64(ecg_asr64(normal, length) + 0x2000, 14);
    return interpolate(points, ecg_clamp(rounded - 0x10000, 0, UINT16_MAX));
}

static void softmax_row(const struct ecg_softmax_params_s16 *s, const int16_t *in, int16_t *out)
{
    int32_t most = INT16_MIN;
    int32_t sum = 0;
    int32_t bits;
    for (int32_t i = 0; i < s->width; ++i) {
        most = ecg_larger(most, in[i]);
    }
    for (int32_t i = 0; i < s->width; ++i) {
        out[i] = (int16_t)exponential(s, most - in[i]);
        sum += out[i];
    }
    const int32_t scale = reciprocal(s->reciprocals, sum, &bits);
    const int32_t shift = bits - 1;
    const int32_t half = ecg_pow2(shift - 1);
    for (int32_t i = 0; i < s->width; ++i) {
        const int32_t value = ecg_asr((out[i] * scale) + half, shift);
        out[i] = (int16_t)ecg_clamp(value, 0, INT16_MAX);
    }
}

void ecg_softmax_s16(const struct ecg_softmax_params_s16 *s, const int16_t *in, int16_t *out)
{
    for (int32_t r = 0; r < s->rows; ++r) {
        softmax_row(s, in + (r * s->width), out + (r * s->width));
    }
}
