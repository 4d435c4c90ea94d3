/* SPDX-License-Identifier: Apache-2.0 */
#include "ecg_sigmoid_s16.h"

#include "ecg_fixed.h"

/* The sigmoid of |x|, which has `bits` bits between two points, in as many more bits than these have; `beyond` after
   the last point. */
static int32_t interpolate(const uint16_t *points, int32_t x, int32_t bits, int32_t beyond)
{
    const int32_t size = (x < 0) ? -x : x;
    const int32_t at = ecg_asr(size, bits);
    int32_t result = beyond;
    if (at < 255) {
        const int32_t step = points[at + 1] - points[at];
        result = (points[at] * ecg_pow2(bits)) + (ecg_low_bits(size, bits) * step);
    }
    return result;
}

static int32_t scale_input(const struct ecg_sigmoid_params_s16 *s, int32_t x)
{
    return ecg_asr((x * s->multiplier) + (ecg_pow2(s->shift) / 2), s->shift);
}

void ecg_sigmoid_s16(const struct ecg_sigmoid_params_s16 *s, const int16_t *in, int32_t n, int16_t *out)
{
    for (int32_t i = 0; i < n; ++i) {
        const int32_t x = scale_input(s, in[i]);
        const int32_t y = interpolate(s->points, x, 9, INT16_MAX * 1024);
        out[i] = (int16_t)ecg_asr((x < 0) ? (0x2000000 - y + 511) : (y + 512), 10);
    }
}

void ecg_tanh_s16(const struct ecg_sigmoid_params_s16 *s, const int16_t *in, int32_t n, int16_t *out)
{
    for (int32_t i = 0; i < n; ++i) {
        const int32_t x = scale_input(s, in[i]);
        const int32_t y = interpolate(s->points, x, 8, UINT16_MAX * 256) - 0x800000;
        out[i] = (int16_t)ecg_asr((x < 0) ? (127 - y) : (y + 128), 8);
    }
}
