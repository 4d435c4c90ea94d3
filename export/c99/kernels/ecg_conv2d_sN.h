/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ECG_CONV2D_SN_H
#define ECG_CONV2D_SN_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A convolution over two axes, in groups of channels. Point (y, x) of the output is made from the points
   (y * stride_y - pad_y + i * dilation_y, x * stride_x - pad_x + j * dilation_x) of the input, zeros beyond its edges. A
   row is a point: point (y, x) of the input is row y * width + x. Sums fit into 32 bits, or into 64 where `wide`. */
struct ecg_conv2d_params_sN {
    const int8_t *weights; /* channels x kernel_y x kernel_x x depth / groups, each from -127 to 127 */
    const int32_t *bias; /* channels */
    const int32_t *multipliers; /* channels: a sum is a value after * multiplier / 2^31 * 2^shift */
    const int8_t *shifts; /* channels, from -31 to 30; where sums are wide: * multiplier / 2^shift, from 1 to 46 */
    int32_t height; /* points of the input, > 0 */
    int32_t width; /* > 0 */
    int32_t depth; /* values of a point of the input, > 0, a multiple of groups */
    int32_t out_width; /* points in a line of the output, > 0 */
    int32_t channels; /* values of a point of the output, > 0, a multiple of groups */
    int32_t groups; /* > 0 */
    int32_t kernel_y; /* taps, > 0 */
    int32_t kernel_x; /* > 0 */
    int32_t stride_y; /* > 0 */
    int32_t stride_x; /* > 0 */
    int32_t dilation_y; /* > 0; a transposed convolution has 1 */
    int32_t dilation_x; /* > 0 */
    int32_t pad_y; /* lines of zeros in front, >= 0 */
    int32_t pad_x; /* >= 0 */
    int32_t zero_in; /* zero point of the input, in the range of a value */
    int32_t zero_out; /* zero point of the output, in the range of a value */
    int32_t low; /* the lowest value of the output */
    int32_t high; /* the highest */
#if ECG_VALUE_BITS == 16
    int32_t wide; /* 1: sums have 64 bits, and are scaled as such; 0: 32 bits */
#endif
};

/* Row t of a convolution.
   in: capacity x depth, row r of the input at r % capacity.
   capacity: rows of the ring, at least those that row t is made from, or all rows.
   t: from 0 to rows of the output - 1.
   window: scratch, kernel_y x kernel_x x depth / groups.
   out: channels. */
void ecg_conv2d_sN(const struct ecg_conv2d_params_sN *c, const ecg_value *in, int32_t capacity, int32_t t,
                   int16_t *window, ecg_value *out);

/* Row t of a transposed convolution: point (y, x) of the input adds to the points from
   (y * stride_y - pad_y, x * stride_x - pad_x) on. */
void ecg_conv2d_transposed_sN(const struct ecg_conv2d_params_sN *c, const ecg_value *in, int32_t capacity, int32_t t,
                              int16_t *window, ecg_value *out);

#ifdef __cplusplus
}
#endif

#endif
