#ifndef ECG_MATMUL_H
#define ECG_MATMUL_H

#include "ecg_value.h"

/* Products of `count` pairs of matrices, rows x depth and depth x columns, the second walked by its steps. */
struct ecg_matmul {
    int32_t count, rows, depth, columns;
    int32_t depth_step, column_step;
    int32_t zero_a, zero_b, zero_out, multiplier, shift;
};

/* window: scratch, depth. */
void ecg_matmul(const struct ecg_matmul *m, const ecg_value *a, const ecg_value *b, int16_t *window, ecg_value *out);

#endif
