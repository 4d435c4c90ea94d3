/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ECG_CONV_SN_H
#define ECG_CONV_SN_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A convolution over time: row t of the output is made from `kernel` taps, tap k from row
   t * stride - pad + k * dilation of the input, zeros beyond the ends. Sums fit into 32 bits, or into 64 where `wide`. */
struct ecg_conv_params_sN {
    const int8_t *weights; /* channels x kernel x width, each from -127 to 127; depthwise: kernel x channels */
    const int32_t *bias; /* channels */
    const int32_t *multipliers; /* channels: a sum is a value after * multiplier / 2^31 * 2^shift */
    const int8_t *shifts; /* channels, from -31 to 30; where sums are wide: * multiplier / 2^shift, from 1 to 46 */
    int32_t rows; /* of the whole input, > 0 */
    int32_t width; /* values of a row of the input, > 0 */
    int32_t channels; /* values of a row of the output, > 0; depthwise: a multiple of width */
    int32_t kernel; /* taps, > 0 */
    int32_t stride; /* > 0 */
    int32_t dilation; /* > 0; a transposed convolution has 1 */
    int32_t pad; /* rows of zeros in front, >= 0 */
    int32_t zero_in; /* zero point of the input, in the range of a value */
    int32_t zero_out; /* zero point of the output, in the range of a value */
    int32_t low; /* the lowest value of the output */
    int32_t high; /* the highest */
#if ECG_VALUE_BITS == 16
    int32_t wide; /* 1: sums have 64 bits, and are scaled as such; 0: 32 bits */
#endif
};

/* Row t of a convolution.
   in: capacity x width, row r of the input at r % capacity.
   capacity: rows of the ring, at least those that row t is made from, or all rows.
   t: from 0 to rows of the output - 1.
   window: scratch, kernel x width.
   out: channels. */
void ecg_conv_sN(const struct ecg_conv_params_sN *c, const ecg_value *in, int32_t capacity, int32_t t, int16_t *window,
                 ecg_value *out);

/* Row t of a transposed convolution: row r of the input adds to the rows r * stride - pad + (0 ... kernel - 1). */
void ecg_conv_transposed_sN(const struct ecg_conv_params_sN *c, const ecg_value *in, int32_t capacity, int32_t t,
                            int16_t *window, ecg_value *out);

/* Row t of a depthwise convolution: channel n of the output is made from value n * width / channels of each tap. */
void ecg_conv_depthwise_sN(const struct ecg_conv_params_sN *c, const ecg_value *in, int32_t capacity, int32_t t,
                           int16_t *window, ecg_value *out);
#if ECG_VALUE_BITS == 16

/* The same where all taps are contiguous, from `in` on: kernel x width values. */
void ecg_conv_contiguous_sN(const struct ecg_conv_params_sN *c, const ecg_value *in, ecg_value *out);
void ecg_conv_depthwise_contiguous_sN(const struct ecg_conv_params_sN *c, const ecg_value *in, ecg_value *out);
#endif

#ifdef __cplusplus
}
#endif

#endif
