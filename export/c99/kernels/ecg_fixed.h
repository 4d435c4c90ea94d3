/* SPDX-License-Identifier: Apache-2.0 */
/* The fixed-point arithmetic in which TensorFlow Lite's integer kernels are defined. */
#ifndef ECG_FIXED_H
#define ECG_FIXED_H

#include <stdint.h>

#include "ecg_platform.h"

/* floor(x / 2^n), n from 0 to 31. Shifts of signed integers are here alone (MISRA C:2012 rule 10.1 does not allow them;
   ecg_platform.h checks that they are arithmetic). */
static inline int32_t ecg_asr(int32_t x, int32_t n)
{
    return x >> n; /* cppcheck-suppress misra-c2012-10.1 */
}

/* floor(x / 2^n), n from 0 to 63. */
static inline int64_t ecg_asr64(int64_t x, int32_t n)
{
    return x >> n; /* cppcheck-suppress misra-c2012-10.1 */
}

/* 2^n, n from 0 to 30. */
static inline int32_t ecg_pow2(int32_t n)
{
    return (int32_t)(UINT32_C(1) << (uint32_t)n);
}

/* The lowest n bits of x, n from 0 to 31. */
static inline int32_t ecg_low_bits(int32_t x, int32_t n)
{
    return (int32_t)((uint32_t)x & ((UINT32_C(1) << (uint32_t)n) - 1u));
}

/* x limited to low ... high; low <= high. */
static inline int32_t ecg_clamp(int32_t x, int32_t low, int32_t high)
{
    return (x < low) ? low : ((x > high) ? high : x);
}

/* The larger of two values. */
static inline int32_t ecg_larger(int32_t a, int32_t b)
{
    return (a > b) ? a : b;
}

/* x / 2^shift, rounded to nearest, halves away from zero; shift from 0 to 31. */
static inline int32_t ecg_shift_right(int32_t x, int32_t shift)
{
    const int32_t mask = (int32_t)((UINT32_C(1) << (uint32_t)shift) - 1u);
    const int32_t rest = (int32_t)((uint32_t)x & (uint32_t)mask);
    const int32_t threshold = ecg_asr(mask, 1) + ((x < 0) ? 1 : 0);
    return ecg_asr(x, shift) + ((rest > threshold) ? 1 : 0);
}

/* a * b / 2^31, rounded to nearest. Not for a = b = -2^31. */
static inline int32_t ecg_multiply_high(int32_t a, int32_t b)
{
    return (int32_t)ecg_asr64(((int64_t)a * b) + 0x40000000, 31);
}

/* x * multiplier / 2^31 * 2^shift, rounded at the multiplication and again at a shift to the right; shift from -31 to
   30, and x * 2^shift fits into 32 bits. */
static inline int32_t ecg_rescale(int32_t x, int32_t multiplier, int32_t shift)
{
    const int32_t left = (shift > 0) ? shift : 0;
    const int32_t high = ecg_multiply_high((int32_t)((uint32_t)x << (uint32_t)left), multiplier);
    return ecg_shift_right(high, left - shift);
}

#endif
