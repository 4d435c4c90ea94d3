/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ECG_TABLE_S8_H
#define ECG_TABLE_S8_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A unary function of 8-bit values as a look-up table.
   table: 256 results, the first of -128. in: n values. out: n values; it may be in. */
void ecg_table_s8(const int8_t *table, const int8_t *in, int32_t n, int8_t *out);

#ifdef __cplusplus
}
#endif

#endif
