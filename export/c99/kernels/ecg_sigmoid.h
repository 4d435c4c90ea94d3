#ifndef ECG_SIGMOID_H
#define ECG_SIGMOID_H

#include "ecg_value.h"

/* Sigmoid and tanh of 16-bit values, by lines between 256 points of the sigmoid in 1 / 2^16. An input x stands for
   x * multiplier / 2^shift steps, 512 from point to point; the outputs are in 1 / 2^15. in and out may be the same. */
struct ecg_sigmoid {
    const uint16_t *points;
    int32_t multiplier, shift;
};

void ecg_sigmoid(const struct ecg_sigmoid *s, const ecg_value *in, int32_t n, ecg_value *out);
void ecg_tanh(const struct ecg_sigmoid *s, const ecg_value *in, int32_t n, ecg_value *out);

#endif
