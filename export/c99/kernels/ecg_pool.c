#include "ecg_pool.h"

#include "ecg_fixed.h"

void ecg_max_pool(const struct ecg_pool *p, const ecg_value *in, int32_t capacity, int32_t t, ecg_value *out)
{
    int32_t from = t * p->stride - p->pad, to = from + p->kernel;
    from = from < 0 ? 0 : from;
    to = to > p->rows ? p->rows : to;
    for (int32_t i = 0; i < p->width; ++i) {
        int32_t most = ECG_VALUE_MIN;
        for (int32_t r = from; r < to; ++r) {
            int32_t value = in[(r % capacity) * p->width + i];
            most = value > most ? value : most;
        }
        out[i] = (ecg_value)ecg_clamp(most, p->low, p->high);
    }
}
