#ifndef ECG_POOL_H
#define ECG_POOL_H

#include "ecg_value.h"

struct ecg_pool {
    int32_t rows; /* of the whole input */
    int32_t width, kernel, stride, pad, low, high;
};

/* Row t of a maximum over time. in: the rows of the input, row r at r % capacity. */
void ecg_max_pool(const struct ecg_pool *p, const ecg_value *in, int32_t capacity, int32_t t, ecg_value *out);

#endif
