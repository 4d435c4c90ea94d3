#include "ecg_matmul.h"

#include "ecg_dot.h"
#include "ecg_fixed.h"

void ecg_matmul(const struct ecg_matmul *m, const ecg_value *a, const ecg_value *b, int16_t *window, ecg_value *out)
{
    for (int32_t i = 0; i < m->count; ++i) {
        for (int32_t column = 0; column < m->columns; ++column) {
            int32_t offset = 0; /* of every row, for the zero point of a */
            for (int32_t k = 0; k < m->depth; ++k) {
                window[k] = (int16_t)(b[k * m->depth_step + column * m->column_step] - m->zero_b);
                offset -= m->zero_a * window[k];
            }
            for (int32_t row = 0; row < m->rows; ++row) {
                ecg_sum sum = offset + ecg_product(window, a + row * m->depth, m->depth);
                int32_t value = ecg_rescale_sum(sum, m->multiplier, m->shift) + m->zero_out;
                out[row * m->columns + column] = (ecg_value)ecg_clamp(value, ECG_VALUE_MIN, ECG_VALUE_MAX);
            }
        }
        a += m->rows * m->depth;
        b += m->depth * m->columns;
        out += m->rows * m->columns;
    }
}
