/* SPDX-License-Identifier: Apache-2.0 */
/* Sums of products with weights of 8 bits, for one type of values. */
#ifndef ECG_SUMS_SN_H
#define ECG_SUMS_SN_H

#include <string.h>

#include "ecg_dot.h"
#include "ecg_fixed.h"

/* out[i] = in[i] - zero, n values; zero: of the value type, 0 in 16 bits. */
static inline void ecg_widen_sN(const ecg_value *in, int32_t n, int32_t zero, int16_t *out)
{
    for (int32_t i = 0; i < n; ++i) {
        out[i] = (int16_t)(in[i] - zero);
    }
}

#if ECG_VALUE_BITS == 8

/* A sum of products as a value less its zero point: ecg_rescale. */
static inline int32_t ecg_rescale_sum_sN(ecg_sum x, int32_t multiplier, int32_t shift)
{
    return ecg_rescale(x, multiplier, shift);
}

/* sums[r] = bias[r] + x . row r of four rows of n weights, one row after another. */
static inline void ecg_sum4_sN(const int16_t *x, const int8_t *weights, int32_t n, const int32_t *bias, ecg_sum *sums)
{
    (void)memcpy(sums, bias, 4u * sizeof *sums);
    ecg_dot4(x, weights, n, n, sums);
}

/* x . weights, n products. */
static inline ecg_sum ecg_sum1_sN(const int16_t *x, const int8_t *weights, int32_t n)
{
    return ecg_dot(x, weights, n);
}

/* x . y, n products; y: values. */
static inline ecg_sum ecg_product_sN(const int16_t *x, const ecg_value *y, int32_t n)
{
    return ecg_dot(x, y, n);
}

#endif
#if ECG_VALUE_BITS == 16

/* A sum of products as a value: x * multiplier / 2^shift, rounded to nearest; a multiplier of 15 bits, shift from 1 to
   62. */
static inline int32_t ecg_rescale_sum_sN(ecg_sum x, int32_t multiplier, int32_t shift)
{
    const int64_t half = (int64_t)(UINT64_C(1) << (uint32_t)(shift - 1));
    return (int32_t)ecg_asr64((x * multiplier) + half, shift);
}

#define ECG_CHUNK 512 /* products of 16 bits by 8, none of them -128, of which 32 bits hold the sum */

/* sums[r] = bias[r] + x . row r of four rows of n weights, one row after another. */
static inline void ecg_sum4_sN(const int16_t *x, const int8_t *weights, int32_t n, const int32_t *bias, ecg_sum *sums)
{
    for (int32_t i = 0; i < 4; ++i) {
        sums[i] = bias[i];
    }
    for (int32_t done = 0; done < n; done += ECG_CHUNK) {
        const int32_t rest = n - done;
        int32_t part[4] = {0, 0, 0, 0};
        ecg_dot4(x + done, weights + done, (rest < ECG_CHUNK) ? rest : ECG_CHUNK, n, part);
        for (int32_t i = 0; i < 4; ++i) {
            sums[i] += part[i];
        }
    }
}

/* x . weights, n products. */
static inline ecg_sum ecg_sum1_sN(const int16_t *x, const int8_t *weights, int32_t n)
{
    ecg_sum sum = 0;
    for (int32_t done = 0; done < n; done += ECG_CHUNK) {
        const int32_t rest = n - done;
        sum += ecg_dot(x + done, weights + done, (rest < ECG_CHUNK) ? rest : ECG_CHUNK);
    }
    return sum;
}

/* x . y, n products; y: values. */
static inline ecg_sum ecg_product_sN(const int16_t *x, const ecg_value *y, int32_t n)
{
    ecg_sum sum = 0;
    for (int32_t i = 0; i < n; ++i) {
        sum += x[i] * y[i];
    }
    return sum;
}

#endif

#endif
