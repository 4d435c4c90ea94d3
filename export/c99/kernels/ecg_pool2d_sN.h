/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ECG_POOL2D_SN_H
#define ECG_POOL2D_SN_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A pool over two axes. Point (y, x) of the output is made from the points (y * stride_y - pad_y ... + kernel_y - 1,
   x * stride_x - pad_x ... + kernel_x - 1) of the input that exist, at least one. A row is a point: point (y, x) of the
   input is row y * width + x. */
struct ecg_pool2d_params_sN {
    int32_t height; /* points of the input, > 0 */
    int32_t width; /* > 0 */
    int32_t channels; /* values of a point, > 0 */
    int32_t out_width; /* points in a line of the output, > 0 */
    int32_t kernel_y; /* > 0; kernel_y * kernel_x < 2^16 */
    int32_t kernel_x; /* > 0 */
    int32_t stride_y; /* > 0 */
    int32_t stride_x; /* > 0 */
    int32_t pad_y; /* >= 0 */
    int32_t pad_x; /* >= 0 */
    int32_t low; /* the lowest value of the output */
    int32_t high; /* the highest */
};

/* Row t of an average: the sum over the number of points, to nearest, halves away from zero.
   in: capacity x channels, row r of the input at r % capacity.
   capacity: rows of the ring, at least those that row t is made from, or all rows.
   t: from 0 to rows of the output - 1.
   out: channels. */
void ecg_average_pool2d_sN(const struct ecg_pool2d_params_sN *p, const ecg_value *in, int32_t capacity, int32_t t,
                           ecg_value *out);

/* Row t of a maximum. */
void ecg_max_pool2d_sN(const struct ecg_pool2d_params_sN *p, const ecg_value *in, int32_t capacity, int32_t t,
                       ecg_value *out);

#ifdef __cplusplus
}
#endif

#endif
