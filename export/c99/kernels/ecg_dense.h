#ifndef ECG_DENSE_H
#define ECG_DENSE_H

#include <stdint.h>

/* A dense layer: `channels` values from `width`. Sums are scaled by multiplier / 2^shift and rounded once. */
struct ecg_dense {
    const int8_t *weights; /* channels x width */
    const int32_t *bias, *multipliers;
    const int8_t *shifts;
    int32_t width, channels;
    int32_t zero_in, zero_out, low, high;
};

/* window: scratch, width. */
void ecg_dense(const struct ecg_dense *d, const int8_t *in, int16_t *window, int8_t *out);

#endif
