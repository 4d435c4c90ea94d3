#ifndef ECG_MATMUL_H
#define ECG_MATMUL_H

#include <stdint.h>

/* Products of `count` pairs of matrices, rows x depth and depth x columns, the second walked by its steps. */
struct ecg_matmul {
    int32_t count, rows, depth, columns;
    int32_t depth_step, column_step;
    int32_t zero_a, zero_b, zero_out, multiplier, shift;
};

/* window: scratch, depth. */
void ecg_matmul(const struct ecg_matmul *m, const int8_t *a, const int8_t *b, int16_t *window, int8_t *out);

#endif
