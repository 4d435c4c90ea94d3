/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ECG_SOFTMAX_S8_H
#define ECG_SOFTMAX_S8_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The softmax of rows of 8-bit values, in 1/256 with zero point -128. */
struct ecg_softmax_params_s8 {
    const int32_t *exponentials; /* count: exp(-d * scale of the input) for d = 0, 1, ..., 31 fractional bits */
    int32_t count; /* from 1 to 256; differences from the largest value beyond it count as zero */
    int32_t rows; /* > 0 */
    int32_t width; /* values of a row, from 1 to 4096 */
};

/* in: rows x width. out: rows x width; it may be in. */
void ecg_softmax_s8(const struct ecg_softmax_params_s8 *s, const int8_t *in, int8_t *out);

#ifdef __cplusplus
}
#endif

#endif
