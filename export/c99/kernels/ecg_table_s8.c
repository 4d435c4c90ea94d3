/* SPDX-License-Identifier: Apache-2.0 */
#include "ecg_table_s8.h"

void ecg_table_s8(const int8_t *table, const int8_t *in, int32_t n, int8_t *out)
{
    for (int32_t i = 0; i < n; ++i) {
        out[i] = table[in[i] + 128];
    }
}
