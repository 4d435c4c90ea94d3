#include "ecg_sigmoid.h"

/* The sigmoid of |x|, which has `bits` bits between two points, in as many more bits than these have. */
static int32_t line(const uint16_t *points, int32_t x, int32_t bits, int32_t beyond)
{
    int32_t size = x < 0 ? -x : x, at = size >> bits;
    if (at >= 255) {
        return beyond;
    }
    int32_t step = points[at + 1] - points[at];
    return (points[at] << bits) + (size & ((1 << bits) - 1)) * step;
}

static int32_t scaled(const struct ecg_sigmoid *s, int32_t x)
{
    return (x * s->multiplier + ((1 << s->shift) >> 1)) >> s->shift;
}

void ecg_sigmoid(const struct ecg_sigmoid *s, const ecg_value *in, int32_t n, ecg_value *out)
{
    for (int32_t i = 0; i < n; ++i) {
        int32_t x = scaled(s, in[i]), y = line(s->points, x, 9, INT16_MAX << 10);
        out[i] = (ecg_value)((x < 0 ? (1 << 25) - y + (1 << 9) - 1 : y + (1 << 9)) >> 10);
    }
}

void ecg_tanh(const struct ecg_sigmoid *s, const ecg_value *in, int32_t n, ecg_value *out)
{
    for (int32_t i = 0; i < n; ++i) {
        int32_t x = scaled(s, in[i]), y = line(s->points, x, 8, UINT16_MAX << 8) - (1 << 23);
        out[i] = (ecg_value)((x < 0 ? (1 << 7) - 1 - y : y + (1 << 7)) >> 8);
    }
}
