/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ECG_L2_NORMALIZE_S8_H
#define ECG_L2_NORMALIZE_S8_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Values divided by the root of the sum of their squares, in 1/128.
   in: n values, from 1 to 32767 of them. zero_in: their zero point, from -128 to 127. out: n values; it may be in. */
void ecg_l2_normalize_s8(const int8_t *in, int32_t n, int32_t zero_in, int8_t *out);

#ifdef __cplusplus
}
#endif

#endif
