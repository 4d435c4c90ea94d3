#ifndef ECG_SOFTMAX_H
#define ECG_SOFTMAX_H

#include <stdint.h>

/* exponentials[d] is exp(-d * scale of the input) in 31 fractional bits; beyond `count` it counts as zero. */
struct ecg_softmax {
    const int32_t *exponentials;
    int32_t count, rows, width;
};

void ecg_softmax(const struct ecg_softmax *s, const int8_t *in, int8_t *out);

#endif
