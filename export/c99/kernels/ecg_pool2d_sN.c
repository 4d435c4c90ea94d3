/* SPDX-License-Identifier: Apache-2.0 */
#include "ecg_pool2d_sN.h"

#include "ecg_fixed.h"

/* Points from `first` up to, not including, `last` along one axis. */
struct span {
    int32_t first;
    int32_t last;
};

static struct span clip(int32_t start, int32_t kernel, int32_t size)
{
    const struct span s = {(start < 0) ? 0 : start, ((start + kernel) > size) ? size : (start + kernel)};
    return s;
}

static struct span span_y(const struct ecg_pool2d_params_sN *p, int32_t t)
{
    return clip(((t / p->out_width) * p->stride_y) - p->pad_y, p->kernel_y, p->height);
}

static struct span span_x(const struct ecg_pool2d_params_sN *p, int32_t t)
{
    return clip(((t % p->out_width) * p->stride_x) - p->pad_x, p->kernel_x, p->width);
}

void ecg_average_pool2d_sN(const struct ecg_pool2d_params_sN *p, const ecg_value *in, int32_t capacity, int32_t t,
                           ecg_value *out)
{
    const struct span ys = span_y(p, t);
    const struct span xs = span_x(p, t);
    const int32_t count = (ys.last - ys.first) * (xs.last - xs.first);
    for (int32_t i = 0; i < p->channels; ++i) {
        int32_t sum = 0;
        for (int32_t y = ys.first; y < ys.last; ++y) {
            for (int32_t x = xs.first; x < xs.last; ++x) {
                const int32_t r = (y * p->width) + x;
                sum += in[((r % capacity) * p->channels) + i];
            }
        }
        const int32_t half = count / 2;
        const int32_t mean = (sum > 0) ? ((sum + half) / count) : ((sum - half) / count);
        out[i] = (ecg_value)ecg_clamp(mean, p->low, p->high);
    }
}

void ecg_max_pool2d_sN(const struct ecg_pool2d_params_sN *p, const ecg_value *in, int32_t capacity, int32_t t,
                       ecg_value *out)
{
    const struct span ys = span_y(p, t);
    const struct span xs = span_x(p, t);
    for (int32_t i = 0; i < p->channels; ++i) {
        int32_t most = ECG_VALUE_MIN;
        for (int32_t y = ys.first; y < ys.last; ++y) {
            for (int32_t x = xs.first; x < xs.last; ++x) {
                const int32_t r = (y * p->width) + x;
                most = ecg_larger(most, in[((r % capacity) * p->channels) + i]);
            }
        }
        out[i] = (ecg_value)ecg_clamp(most, p->low, p->high);
    }
}
