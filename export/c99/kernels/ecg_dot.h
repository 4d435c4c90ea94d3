/* Dot products of widened activations with 8-bit weights: what convolutions, dense layers and LSTMs spend their time on.

   Where the core has the DSP instructions (Armv7E-M, Armv8-M with DSP), two products are taken at a time; sums of
   integers do not depend on their order, so both forms give the same bits. */
#ifndef ECG_DOT_H
#define ECG_DOT_H

#include <stdint.h>
#include <string.h>

#if defined(__ARM_FEATURE_DSP) && !defined(ECG_PORTABLE)
#include <arm_acle.h>
#define ECG_DSP 1
#endif

/* n values of `in` less their zero point, as 16 bits. */
static inline void ecg_widen(const int8_t *in, int32_t n, int32_t zero, int16_t *out)
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

/* The bytes 1 and 3 of x as two 16-bit numbers; the intrinsics have only that of the bytes 0 and 2. */
static inline int32_t ecg_odd_bytes(int32_t x)
{
    int32_t result;
    __asm__("sxtb16 %0, %1, ror #8" : "=r"(result) : "r"(x));
    return result;
}

/* Adds four products of x (even and odd places apart) with four weights. */
static inline int32_t ecg_multiply4(int32_t even, int32_t odd, const int8_t *weights, int32_t sum)
{
    int32_t w = ecg_load(weights);
    sum = __smlad(even, __sxtb16(w), sum);
    return __smlad(odd, ecg_odd_bytes(w), sum);
}

#endif

/* sums[r] += x . row r of four rows of n weights, each `stride` after the one before. */
static inline void ecg_dot4(const int16_t *x, const int8_t *weights, int32_t n, int32_t stride, int32_t *sums)
{
    const int8_t *w0 = weights, *w1 = w0 + stride, *w2 = w1 + stride, *w3 = w2 + stride;
    int32_t s0 = sums[0], s1 = sums[1], s2 = sums[2], s3 = sums[3];
    int32_t i = 0;
#ifdef ECG_DSP
    for (; i + 4 <= n; i += 4) {
        int32_t first = ecg_load(x + i), second = ecg_load(x + i + 2);
        int32_t even = (int32_t)(((uint32_t)first & 0xffffu) | ((uint32_t)second << 16));
        int32_t odd = (int32_t)(((uint32_t)first >> 16) | ((uint32_t)second & 0xffff0000u));
        s0 = ecg_multiply4(even, odd, w0 + i, s0);
        s1 = ecg_multiply4(even, odd, w1 + i, s1);
        s2 = ecg_multiply4(even, odd, w2 + i, s2);
        s3 = ecg_multiply4(even, odd, w3 + i, s3);
    }
#endif
    for (; i < n; ++i) {
        int32_t value = x[i];
        s0 += value * w0[i];
        s1 += value * w1[i];
        s2 += value * w2[i];
        s3 += value * w3[i];
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
    int32_t i = 0;
#ifdef ECG_DSP
    for (; i + 4 <= n; i += 4) {
        int32_t first = ecg_load(x + i), second = ecg_load(x + i + 2);
        int32_t even = (int32_t)(((uint32_t)first & 0xffffu) | ((uint32_t)second << 16));
        int32_t odd = (int32_t)(((uint32_t)first >> 16) | ((uint32_t)second & 0xffff0000u));
        sum = ecg_multiply4(even, odd, weights + i, sum);
    }
#endif
    for (; i < n; ++i) {
        sum += x[i] * weights[i];
    }
    return sum;
}

#endif
