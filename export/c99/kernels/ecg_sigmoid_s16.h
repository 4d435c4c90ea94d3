/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ECG_SIGMOID_S16_H
#define ECG_SIGMOID_S16_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Sigmoid and tanh of 16-bit values, by linear interpolation between points. */
struct ecg_sigmoid_params_s16 {
    const uint16_t *points; /* 256: the sigmoid at 0, 1/24, 2/24, ... in 1 / 2^16 */
    int32_t multiplier; /* x * multiplier / 2^shift are steps, 512 from point to point; from 16384 to 32767 */
    int32_t shift; /* from 0 to 30 */
};

/* in: n values. out: n values in 1 / 2^15; it may be in. */
void ecg_sigmoid_s16(const struct ecg_sigmoid_params_s16 *s, const int16_t *in, int32_t n, int16_t *out);
void ecg_tanh_s16(const struct ecg_sigmoid_params_s16 *s, const int16_t *in, int32_t n, int16_t *out);

#ifdef __cplusplus
}
#endif

#endif
