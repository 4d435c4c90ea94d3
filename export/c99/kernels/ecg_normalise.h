#ifndef ECG_NORMALISE_H
#define ECG_NORMALISE_H

#include <stdint.h>

/* n values divided by the root of the sum of their squares, in 1/128. */
void ecg_normalise(const int8_t *in, int32_t n, int32_t zero_in, int8_t *out);

#endif
