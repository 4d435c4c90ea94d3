#include "ecg_softmax.h"

#include "ecg_fixed.h"

#define ECG_SUM_BITS 12 /* integer bits of the sum of exponentials, each at most 1 */

static int32_t leading_zeros(uint32_t x)
{
    int32_t n = 0;
    for (; n < 32 && !(x & 0x80000000u); x <<= 1) {
        ++n;
    }
    return n;
}

/* x * 2^shift, saturated */
static int32_t shift_left(int32_t x, int32_t shift)
{
    int32_t limit = (1 << (31 - shift)) - 1;
    return x > limit ? INT32_MAX : x < -limit ? INT32_MIN : x * (1 << shift);
}

/* 1 / (1 + a) for a in [0, 1), 31 fractional bits: Newton's iteration on half the denominator, in 29. */
static int32_t reciprocal(int32_t a)
{
    int32_t half = (int32_t)(((int64_t)a + INT32_MAX + 1) / 2);
    int32_t x = 1515870810 + ecg_multiply_high(half, -1010580540); /* 48/17 - 32/17 half */
    for (int32_t i = 0; i < 3; ++i) {
        int32_t rest = (1 << 29) - ecg_multiply_high(half, x);
        x += shift_left(ecg_multiply_high(x, rest), 2);
    }
    return shift_left(x, 1);
}

void ecg_softmax(const struct ecg_softmax *s, const int8_t *in, int8_t *out)
{
    for (int32_t r = 0; r < s->rows; ++r, in += s->width, out += s->width) {
        int32_t most = INT8_MIN, sum = 0;
        for (int32_t i = 0; i < s->width; ++i) {
            most = in[i] > most ? in[i] : most;
        }
        for (int32_t i = 0; i < s->width; ++i) {
            int32_t below = most - in[i];
            sum += below < s->count ? ecg_shift_right(s->exponentials[below], ECG_SUM_BITS) : 0;
        }
        int32_t zeros = leading_zeros((uint32_t)sum);
        int32_t scale = reciprocal((int32_t)(((uint32_t)sum << zeros) - 0x80000000u));
        int32_t shift = ECG_SUM_BITS - zeros + 31 - 8;
        for (int32_t i = 0; i < s->width; ++i) {
            int32_t below = most - in[i], value = INT8_MIN;
            if (below < s->count) {
                value += ecg_shift_right(ecg_multiply_high(scale, s->exponentials[below]), shift);
            }
            out[i] = (int8_t)ecg_clamp(value, INT8_MIN, INT8_MAX);
        }
    }
}
