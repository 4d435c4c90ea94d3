/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ECG_SOFTMAX_S16_H
#define ECG_SOFTMAX_S16_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The softmax of rows of 16-bit values, in 1 / 2^15 with zero point 0. */
struct ecg_softmax_params_s16 {
    const int16_t *exponentials; /* 513: exp(-10), ..., exp(0) in equal steps of the exponent, 15 fractional bits */
    const int16_t *reciprocals; /* 513: 1 / (1 + n / 512) for n = 0, 1, ..., 15 fractional bits */
    int32_t multiplier; /* a difference of two values is one of 65535 in 10 after * multiplier / 2^31 * 2^shift; >= 0 */
    int32_t shift; /* from -31 to 14 */
    int32_t rows; /* > 0 */
    int32_t width; /* values of a row, from 1 to 65535 */
};

/* in: rows x width. out: rows x width; it may be in. */
void ecg_softmax_s16(const struct ecg_softmax_params_s16 *s, const int16_t *in, int16_t *out);

#ifdef __cplusplus
}
#endif

#endif
