/* SPDX-License-Identifier: Apache-2.0 */
#include "ecg_matmul_sN.h"

#include "ecg_fixed.h"
#include "ecg_sums_sN.h"

static void multiply_column(const struct ecg_matmul_params_sN *m, const ecg_value *a, const ecg_value *b,
                            int16_t *window, ecg_value *out)
{
    int32_t offset = 0; /* of every row, for the zero point of a */
    for (int32_t k = 0; k < m->depth; ++k) {
        window[k] = (int16_t)(b[k * m->depth_step] - m->zero_b);
        offset -= m->zero_a * window[k];
    }
    for (int32_t row = 0; row < m->rows; ++row) {
        const ecg_sum sum = offset + ecg_product_sN(window, a + (row * m->depth), m->depth);
        const int32_t value = ecg_rescale_sum_sN(sum, m->multiplier, m->shift) + m->zero_out;
        out[row * m->columns] = (ecg_value)ecg_clamp(value, ECG_VALUE_MIN, ECG_VALUE_MAX);
    }
}

void ecg_matmul_sN(const struct ecg_matmul_params_sN *m, const ecg_value *a, const ecg_value *b, int16_t *window,
                   ecg_value *out)
{
    for (int32_t i = 0; i < m->count; ++i) {
        const ecg_value *first = a + (i * m->rows * m->depth);
        const ecg_value *second = b + (i * m->depth * m->columns);
        ecg_value *to = out + (i * m->rows * m->columns);
        for (int32_t column = 0; column < m->columns; ++column) {
            multiply_column(m, first, second + (column * m->column_step), window, to + column);
        }
    }
}
