/* SPDX-License-Identifier: Apache-2.0 */
/* Dot products of 16-bit activations (8-bit ones are widened) with 8-bit weights: what convolutions, dense layers and
   LSTMs spend their time on.

   Where the core has the DSP instructions (Armv7E-M, Armv8-M with DSP), two products are taken at a time; sums of
   integers do not depend on their order, so both forms give the same bits. -DECG_PORTABLE leaves them out. */
#ifndef ECG_DOT_H
#define ECG_DOT_H

#include <string.h>

#include "ecg_platform.h"

#if defined(__ARM_FEATURE_DSP) && !defined(ECG_PORTABLE)
#include <arm_acle.h>
#define ECG_DSP 1
#endif

#ifdef ECG_DSP

/* Four bytes from any address. */
static inline int32_t ecg_load(const void *at)
{
    int32_t word;
    (void)memcpy(&word, at, sizeof word);
    return word;
}

/* Instructions that the compiler has no intrinsics for, or does not find: bytes 1 and 3 as two 16-bit numbers, the low
   halves of two words, the high halves of two words. */
static inline int32_t ecg_odd_bytes(int32_t x)
{
    int32_t result;
    __asm__("sxtb16 %0, %1, ror #8" : "=r"(result) : "r"(x));
    return result;
}

static inline int32_t ecg_low_halves(int32_t first, int32_t second)
{
    int32_t result;
    __asm__("pkhbt %0, %1, %2, lsl #16" : "=r"(result) : "r"(first), "r"(second));
    return result;
}

static inline int32_t ecg_high_halves(int32_t first, int32_t second)
{
    int32_t result;
    __asm__("pkhtb %0, %1, %2, asr #16" : "=r"(result) : "r"(second), "r"(first));
    return result;
}

/* sum + four products of x (even and odd places apart) with four weights. */
static inline int32_t ecg_multiply4(int32_t even, int32_t odd, const int8_t *weights, int32_t sum)
{
    const int32_t w = ecg_load(weights);
    int32_t result = __smlad(even, __sxtb16(w), sum);
    result = __smlad(odd, ecg_odd_bytes(w), result);
    /* Else the compiler loads the weights of all four rows ahead, and runs out of registers. */
    __asm__ volatile("" : "+r"(result) : : "memory");
    return result;
}

#endif

/* sums[r] += x . row r of four rows of n weights, each `stride` after the one before. The sums fit into 32 bits. */
static inline void ecg_dot4(const int16_t *x, const int8_t *weights, int32_t n, int32_t stride, int32_t *sums)
{
    int32_t s0 = sums[0];
    int32_t s1 = sums[1];
    int32_t s2 = sums[2];
    int32_t s3 = sums[3];
    const int32_t second = stride;
    const int32_t third = 2 * stride;
    const int32_t fourth = 3 * stride;
    const int16_t *end = x + n;
#ifdef ECG_DSP
    const int16_t *last = x + (int32_t)((uint32_t)n & ~UINT32_C(3));
    while (x != last) {
        const int32_t low = ecg_load(x);
        const int32_t high = ecg_load(x + 2);
        const int32_t even = ecg_low_halves(low, high);
        const int32_t odd = ecg_high_halves(low, high);
        s0 = ecg_multiply4(even, odd, weights, s0);
        s1 = ecg_multiply4(even, odd, weights + second, s1);
        s2 = ecg_multiply4(even, odd, weights + third, s2);
        s3 = ecg_multiply4(even, odd, weights + fourth, s3);
        x += 4;
        weights += 4;
    }
#endif
    while (x != end) {
        const int32_t value = *x;
        s0 += value * weights[0];
        s1 += value * weights[second];
        s2 += value * weights[third];
        s3 += value * weights[fourth];
        ++x;
        ++weights;
    }
    sums[0] = s0;
    sums[1] = s1;
    sums[2] = s2;
    sums[3] = s3;
}

/* x . weights, n products. The sum fits into 32 bits. */
static inline int32_t ecg_dot(const int16_t *x, const int8_t *weights, int32_t n)
{
    int32_t sum = 0;
    const int16_t *end = x + n;
#ifdef ECG_DSP
    const int16_t *last = x + (int32_t)((uint32_t)n & ~UINT32_C(3));
    while (x != last) {
        const int32_t low = ecg_load(x);
        const int32_t high = ecg_load(x + 2);
        sum = ecg_multiply4(ecg_low_halves(low, high), ecg_high_halves(low, high), weights, sum);
        x += 4;
        weights += 4;
    }
#endif
    while (x != end) {
        sum += *x * *weights;
        ++x;
        ++weights;
    }
    return sum;
}

#endif
