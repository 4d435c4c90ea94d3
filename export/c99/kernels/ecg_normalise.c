#include "ecg_normalise.h"

#include "ecg_fixed.h"

/* x * 8 in the arithmetic of 28 fractional bits, saturated */
static int32_t times8(int32_t x)
{
    int32_t limit = (1 << 28) - 1;
    return x > limit ? INT32_MAX : x < -limit ? INT32_MIN : x * 8;
}

static int32_t times64(int32_t x)
{
    int32_t limit = (1 << 25) - 1;
    return x > limit ? INT32_MAX : x < -limit ? INT32_MIN : x * 64;
}

/* 1 / sqrt(x) as multiplier * 2^shift / 2^31, by five steps of Newton's iteration from 1. */
static void inverse_root(int32_t x, int32_t *multiplier, int32_t *shift)
{
    *multiplier = INT32_MAX;
    *shift = 0;
    if (x <= 1) {
        return;
    }
    int32_t right = 11;
    for (; x >= 1 << 29; x /= 4) {
        ++right;
    }
    for (; x < 1 << 27; x *= 4) {
        --right;
    }
    int32_t value = x >> 1, half = ecg_shift_right(value, 1), root = 1 << 28;
    for (int32_t i = 0; i < 5; ++i) {
        int32_t cube = times64(ecg_multiply_high(ecg_multiply_high(root, root), root));
        int32_t next = ecg_multiply_high((1 << 28) + (1 << 27), root) - ecg_multiply_high(half, cube);
        root = times8(next);
    }
    root = ecg_multiply_high(root, 1518500250); /* sqrt(1/2) */
    if (right < 0) {
        root *= 1 << -right;
        right = 0;
    }
    *multiplier = root;
    *shift = -right;
}

void ecg_normalise(const int8_t *in, int32_t n, int32_t zero_in, int8_t *out)
{
    int32_t sum = 0, multiplier, shift;
    for (int32_t i = 0; i < n; ++i) {
        sum += (in[i] - zero_in) * (in[i] - zero_in);
    }
    inverse_root(sum, &multiplier, &shift);
    for (int32_t i = 0; i < n; ++i) {
        int32_t value = ecg_rescale(in[i] - zero_in, multiplier, shift + 7);
        out[i] = (int8_t)ecg_clamp(value, INT8_MIN, INT8_MAX);
    }
}
