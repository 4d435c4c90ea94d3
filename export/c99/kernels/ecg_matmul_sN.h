/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ECG_MATMUL_SN_H
#define ECG_MATMUL_SN_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Products of `count` pairs of matrices, rows x depth and depth x columns. */
struct ecg_matmul_params_sN {
    int32_t count; /* of pairs, > 0 */
    int32_t rows; /* > 0 */
    int32_t depth; /* > 0 */
    int32_t columns; /* > 0 */
    int32_t depth_step; /* values of the second matrix from one of its rows to the next: columns, or 1 if transposed */
    int32_t column_step; /* from one of its columns to the next: 1, or depth if transposed */
    int32_t zero_a; /* zero point of the first matrix, in the range of a value */
    int32_t zero_b; /* zero point of the second */
    int32_t zero_out; /* zero point of the output */
    int32_t multiplier; /* a sum is a value after ecg_rescale_sum */
    int32_t shift; /* from -31 to 30; in 16 bits from 1 to 46 */
};

/* a: count x rows x depth. b: count x depth x columns. window: scratch, depth. out: count x rows x columns. */
void ecg_matmul_sN(const struct ecg_matmul_params_sN *m, const ecg_value *a, const ecg_value *b, int16_t *window,
                   ecg_value *out);

#ifdef __cplusplus
}
#endif

#endif
