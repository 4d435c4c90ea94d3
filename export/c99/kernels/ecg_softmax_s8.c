/* SPDX-License-Identifier: Apache-2.0 */
#include "ecg_softmax_s8.h"

#include "ecg_fixed.h"

#define ECG_SUM_BITS 12 /* integer bits of the sum of exponentials, each at most 1 */

static int32_t leading_zeros(uint32_t x)
{
    uint32_t rest = x;
    int32_t n = 0;
    while ((n < 32) && ((rest & 0x80000000u) == 0u)) {
        rest <<= 1u;
        ++n;
    }
    return n;
}

/* x * 2^shift, saturated; shift from 0 to 30 */
static int32_t shift_left(int32_t x, int32_t shift)
{
    const int32_t limit = ecg_asr(INT32_MAX, shift);
    int32_t result;
    if (x > limit) {
        result = INT32_MAX;
    } else if (x < -limit) {
        result = INT32_MIN;
    } else {
        result = x * ecg_pow2(shift);
    }
    return result;
}

/* 1 / (1 + a) for a in [0, 1), 31 fractional bits: Newton's iteration on half the denominator, in 29. */
static int32_t reciprocal(int32_t a)
{
    const int32_t half = (int32_t)(((int64_t)a + INT32_MAX + 1) / 2);
    int32_t x = 1515870810 + ecg_multiply_high(half, -1010580540); /* 48/17 - 32/17 half */
    for (int32_t i = 0; i < 3; ++i) {
        const int32_t rest = 0x20000000 - ecg_multiply_high(half, x);
        x += shift_left(ecg_multiply_high(x, rest), 2);
    }
    return shift_left(x, 1);
}

static void softmax_row(const struct ecg_softmax_params_s8 *s, const int8_t *in, int8_t *out)
{
    int32_t most = INT8_MIN;
    int32_t sum = 0;
    for (int32_t i = 0; i < s->width; ++i) {
        most = ecg_larger(most, in[i]);
    }
    for (int32_t i = 0; i < s->width; ++i) {
        const int32_t below = most - in[i];
        if (below < s->count) {
            sum += ecg_shift_right(s->exponentials[below], ECG_SUM_BITS);
        }
    }
    const int32_t zeros = leading_zeros((uint32_t)sum);
    const int32_t scale = reciprocal((int32_t)(((uint32_t)sum << (uint32_t)zeros) - 0x80000000u));
    const int32_t shift = ECG_SUM_BITS - zeros + 31 - 8;
    for (int32_t i = 0; i < s->width; ++i) {
        const int32_t below = most - in[i];
        int32_t value = INT8_MIN;
        if (below < s->count) {
            value += ecg_shift_right(ecg_multiply_high(scale, s->exponentials[below]), shift);
        }
        out[i] = (int8_t)ecg_clamp(value, INT8_MIN, INT8_MAX);
    }
}

void ecg_softmax_s8(const struct ecg_softmax_params_s8 *s, const int8_t *in, int8_t *out)
{
    for (int32_t r = 0; r < s->rows; ++r) {
        softmax_row(s, in + (r * s->width), out + (r * s->width));
    }
}
