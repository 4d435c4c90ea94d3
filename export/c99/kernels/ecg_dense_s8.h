/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ECG_DENSE_S8_H
#define ECG_DENSE_S8_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A dense layer: `channels` values from `width`. */
struct ecg_dense_params_s8 {
    const int8_t *weights; /* channels x width, each from -127 to 127 */
    const int32_t *bias; /* channels */
    const int32_t *multipliers; /* channels, >= 0: a sum is a value after * multiplier / 2^shift, rounded once */
    const int8_t *shifts; /* channels, from 1 to 62 */
    int32_t width; /* values of the input, > 0 */
    int32_t channels; /* values of the output, > 0 */
    int32_t zero_in; /* zero point of the input, from -128 to 127 */
    int32_t zero_out; /* zero point of the output, from -128 to 127 */
    int32_t low; /* the lowest value of the output, from -128 */
    int32_t high; /* the highest, to 127 */
};

/* in: width. window: scratch, width. out: channels. */
void ecg_dense_s8(const struct ecg_dense_params_s8 *d, const int8_t *in, int16_t *window, int8_t *out);

#ifdef __cplusplus
}
#endif

#endif
