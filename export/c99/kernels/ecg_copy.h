#ifndef ECG_COPY_H
#define ECG_COPY_H

#include "ecg_value.h"

/* Values moved unchanged: transposed, reversed, sliced, padded or joined, by where they start and how they step. */
struct ecg_copy {
    int32_t sizes[5], from_steps[5], to_steps[5];
    int32_t from, to;
};

void ecg_copy(const struct ecg_copy *c, const ecg_value *in, ecg_value *out);

#endif
