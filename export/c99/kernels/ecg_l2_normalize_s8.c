/* SPDX-License-Identifier: Apache-2.0 */
#include "ecg_l2_normalize_s8.h"

#include "ecg_fixed.h"

/* x * 2^shift in the arithmetic of 28 fractional bits, saturated */
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

/* 1 / sqrt(x) as multiplier * 2^shift / 2^31, by five steps of Newton's iteration from 1. */
static void inverse_root(int32_t x, int32_t *multiplier, int32_t *shift)
{
    int32_t right = 11;
    int32_t normal = x;
    if (x <= 1) {
        *multiplier = INT32_MAX;
        *shift = 0;
        return;
    }
    while (normal >= 0x20000000) {
        normal /= 4;
        ++right;
    }
    while (normal < 0x8000000) {
        normal *= 4;
        --right;
    }
    const int32_t half = ecg_shift_right(ecg_asr(normal, 1), 1);
    int32_t root = 0x10000000;
    for (int32_t i = 0; i < 5; ++i) {
        const int32_t cube = shift_left(ecg_multiply_high(ecg_multiply_high(root, root), root), 6);
        const int32_t next = ecg_multiply_high(0x18000000, root) - ecg_multiply_high(half, cube);
        root = shift_left(next, 3);
    }
    root = ecg_multiply_high(root, 1518500250); /* sqrt(1/2) */
    if (right < 0) {
        root *= ecg_pow2(-right);
        right = 0;
    }
    *multiplier = root;
    *shift = -right;
}

void ecg_l2_normalize_s8(const int8_t *in, int32_t n, int32_t zero_in, int8_t *out)
{
    int32_t sum = 0;
    int32_t multiplier;
    int32_t shift;
    for (int32_t i = 0; i < n; ++i) {
        sum += (in[i] - zero_in) * (in[i] - zero_in);
    }
    inverse_root(sum, &multiplier, &shift);
    for (int32_t i = 0; i < n; ++i) {
        const int32_t value = ecg_rescale(in[i] - zero_in, multiplier, shift + 7);
        out[i] = (int8_t)ecg_clamp(value, INT8_MIN, INT8_MAX);
    }
}
