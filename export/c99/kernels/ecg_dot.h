/* Dot products of 16-bit activations (8-bit ones are widened) with 8-bit weights: what convolutions, dense layers and
   LSTMs spend their time on.

   Where the core has the DSP instructions (Armv7E-M, Armv8-M with DSP), two products are taken at a time; sums of
   integers do not depend on their order, so both forms give the same bits. */
#ifndef ECG_DOT_H
#define ECG_DOT_H

#include <string.h>

#include "ecg_fixed.h"

#if defined(__ARM_FEATURE_DSP) && !defined(ECG_PORTABLE)
#include <arm_acle.h>
#define ECG_DSP 1
#endif

/* n values of `in` less their zero point, as 16 bits. */
static inline void ecg_widen(const ecg_value *in, int32_t n, int32_t zero, int16_t *out)
{
    for (int32_t i = 0; i < n; ++i) {
        out[i] = (int16_t)(in[i] - zero);
    }
}

#ifdef ECG_DSP

static inline int32_t ecg_load(const void *at)
{
    int32_t word;
    memcpy(&word, at, sizeof word);
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

/* Adds four products of x (even and odd places apart) with four weights. */
static inline int32_t ecg_multiply4(int32_t even, int32_t odd, const int8_t *weights, int32_t sum)
{
    int32_t w = ecg_load(weights);
    sum = __smlad(even, __sxtb16(w), sum);
    sum = __smlad(odd, ecg_odd_bytes(w), sum);
    /* Else the compiler loads the weights of all four rows ahead, and runs out of registers. */
    __asm__ volatile("" : "+r"(sum) : : "memory");
    return sum;
}

#endif

/* sums[r] += x . row r of four rows of n weights, each `stride` after the one before. */
static inline void ecg_dot4(const int16_t *x, const int8_t *weights, int32_t n, int32_t stride, int32_t *sums)
{
    int32_t s0 = sums[0], s1 = sums[1], s2 = sums[2], s3 = sums[3];
    const int32_t second = stride, third = 2 * stride, fourth = 3 * stride;
    const int16_t *end = x + n;
#ifdef ECG_DSP
    for (const int16_t *last = x + (n & ~3); x != last; x += 4, weights += 4) {
        int32_t low = ecg_load(x), high = ecg_load(x + 2);
        int32_t even = ecg_low_halves(low, high), odd = ecg_high_halves(low, high);
        s0 = ecg_multiply4(even, odd, weights, s0);
        s1 = ecg_multiply4(even, odd, weights + second, s1);
        s2 = ecg_multiply4(even, odd, weights + third, s2);
        s3 = ecg_multiply4(even, odd, weights + fourth, s3);
    }
#endif
    for (; x != end; ++x, ++weights) {
        int32_t value = *x;
        s0 += value * weights[0];
        s1 += value * weights[second];
        s2 += value * weights[third];
        s3 += value * weights[fourth];
    }
    sums[0] = s0;
    sums[1] = s1;
    sums[2] = s2;
    sums[3] = s3;
}

/* x . weights */
static inline int32_t ecg_dot(const int16_t *x, const int8_t *weights, int32_t n)
{
    int32_t sum = 0;
    const int16_t *end = x + n;
#ifdef ECG_DSP
    for (const int16_t *last = x + (n & ~3); x != last; x += 4, weights += 4) {
        int32_t low = ecg_load(x), high = ecg_load(x + 2);
        sum = ecg_multiply4(ecg_low_halves(low, high), ecg_high_halves(low, high), weights, sum);
    }
#endif
    for (; x != end; ++x, ++weights) {
        sum += *x * *weights;
    }
    return sum;
}

#if ECG_VALUE_BITS == 8

/* sums[r] = bias[r] + x . row r of four rows of n weights */
static inline void ecg_sum4(const int16_t *x, const int8_t *weights, int32_t n, const int32_t *bias, ecg_sum *sums)
{
    memcpy(sums, bias, 4 * sizeof *sums);
    ecg_dot4(x, weights, n, n, sums);
}

static inline ecg_sum ecg_sum1(const int16_t *x, const int8_t *weights, int32_t n)
{
    return ecg_dot(x, weights, n);
}

static inline ecg_sum ecg_product(const int16_t *x, const ecg_value *y, int32_t n)
{
    return ecg_dot(x, y, n);
}

#else

#define ECG_CHUNK 512 /* products of 16 bits by 8, none of them -128, of which 32 bits hold the sum */

static inline void ecg_sum4(const int16_t *x, const int8_t *weights, int32_t n, const int32_t *bias, ecg_sum *sums)
{
    const int32_t stride = n;
    for (int32_t i = 0; i < 4; ++i) {
        sums[i] = bias[i];
    }
    for (; n > 0; n -= ECG_CHUNK, x += ECG_CHUNK, weights += ECG_CHUNK) {
        int32_t part[4] = {0, 0, 0, 0};
        ecg_dot4(x, weights, n < ECG_CHUNK ? n : ECG_CHUNK, stride, part);
        for (int32_t i = 0; i < 4; ++i) {
            sums[i] += part[i];
        }
    }
}

static inline ecg_sum ecg_sum1(const int16_t *x, const int8_t *weights, int32_t n)
{
    ecg_sum sum = 0;
    for (; n > 0; n -= ECG_CHUNK, x += ECG_CHUNK, weights += ECG_CHUNK) {
        sum += ecg_dot(x, weights, n < ECG_CHUNK ? n : ECG_CHUNK);
    }
    return sum;
}

/* x . y, both activations */
static inline ecg_sum ecg_product(const int16_t *x, const ecg_value *y, int32_t n)
{
    ecg_sum sum = 0;
    for (int32_t i = 0; i < n; ++i) {
        sum += x[i] * y[i];
    }
    return sum;
}

#endif

#endif
