/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ECG_MAX_POOL_SN_H
#define ECG_MAX_POOL_SN_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A maximum over time: row t of the output from the rows t * stride - pad + (0 ... kernel - 1) that there are. */
struct ecg_max_pool_params_sN {
    int32_t rows; /* of the whole input, > 0 */
    int32_t width; /* values of a row, > 0 */
    int32_t kernel; /* rows of a window, > 0 */
    int32_t stride; /* > 0 */
    int32_t pad; /* rows in front that do not count, from 0 to kernel - 1 */
    int32_t low; /* the lowest value of the output */
    int32_t high; /* the highest */
};

/* in: capacity x width, row r of the input at r % capacity. capacity: rows of the ring, at least kernel, or all rows.
   t: from 0 to rows of the output - 1. out: width. */
void ecg_max_pool_sN(const struct ecg_max_pool_params_sN *p, const ecg_value *in, int32_t capacity, int32_t t,
                     ecg_value *out);

#ifdef __cplusplus
}
#endif

#endif
