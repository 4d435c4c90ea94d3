/* Fixed-point arithmetic in which TensorFlow Lite's integer kernels are defined. */
#ifndef ECG_FIXED_H
#define ECG_FIXED_H

#include "ecg_value.h"

/* x / 2^shift, rounded to nearest, halves away from zero. */
static inline int32_t ecg_shift_right(int32_t x, int32_t shift)
{
    int32_t mask = (int32_t)((1u << shift) - 1u);
    int32_t rest = x & mask;
    return (x >> shift) + (rest > (mask >> 1) + (x < 0));
}

/* a * b / 2^31, rounded to nearest. Not for a = b = -2^31. */
static inline int32_t ecg_multiply_high(int32_t a, int32_t b)
{
    return (int32_t)(((int64_t)a * b + (1 << 30)) >> 31);
}

/* x * multiplier / 2^31 * 2^shift, rounded at the multiplication and again at a shift to the right. */
static inline int32_t ecg_rescale(int32_t x, int32_t multiplier, int32_t shift)
{
    int32_t left = shift > 0 ? shift : 0;
    int32_t high = ecg_multiply_high((int32_t)((uint32_t)x << left), multiplier);
    return ecg_shift_right(high, left - shift);
}

#if ECG_VALUE_BITS == 8

typedef int32_t ecg_sum; /* of products */

static inline int32_t ecg_rescale_sum(ecg_sum x, int32_t multiplier, int32_t shift)
{
    return ecg_rescale(x, multiplier, shift);
}

#else

typedef int64_t ecg_sum;

/* x * multiplier / 2^shift, rounded to nearest; a multiplier of 15 bits, shift > 0. */
static inline int32_t ecg_rescale_sum(ecg_sum x, int32_t multiplier, int32_t shift)
{
    return (int32_t)((x * multiplier + ((int64_t)1 << (shift - 1))) >> shift);
}

#endif

static inline int32_t ecg_clamp(int32_t x, int32_t low, int32_t high)
{
    return x < low ? low : x > high ? high : x;
}

#endif
