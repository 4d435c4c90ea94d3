/* SPDX-License-Identifier: Apache-2.0 */
#include "ecg_binary_sN.h"

#include "ecg_fixed.h"

/* Of both terms of a sum before they are brought to one scale: 2^20 in 8 bits, 2^15 in 16. */
#if ECG_VALUE_BITS == 8
#define ECG_LEFT_FACTOR 1048576
#endif
#if ECG_VALUE_BITS == 16
#define ECG_LEFT_FACTOR 32768
#endif

typedef int32_t operation(const struct ecg_binary_params_sN *p, int32_t a, int32_t b);

static inline void walk(const struct ecg_binary_params_sN *p, operation *f, const ecg_value *a, const ecg_value *b,
                        ecg_value *out)
{
    const int32_t *size = p->sizes;
    const int32_t *sa = p->steps_a;
    const int32_t *sb = p->steps_b;
    ecg_value *to = out;
    for (int32_t i = 0; i < size[0]; ++i) {
        for (int32_t j = 0; j < size[1]; ++j) {
            for (int32_t k = 0; k < size[2]; ++k) {
                const ecg_value *x = a + ((i * sa[0]) + (j * sa[1]) + (k * sa[2]));
                const ecg_value *y = b + ((i * sb[0]) + (j * sb[1]) + (k * sb[2]));
                for (int32_t l = 0; l < size[3]; ++l) {
                    *to = (ecg_value)ecg_clamp(f(p, *x, *y), p->low, p->high);
                    ++to;
                    x += sa[3];
                    y += sb[3];
                }
            }
        }
    }
}

static inline int32_t add(const struct ecg_binary_params_sN *p, int32_t a, int32_t b)
{
    const int32_t x = ecg_rescale((a - p->zero_a) * ECG_LEFT_FACTOR, p->multiplier_a, p->shift_a);
    const int32_t y = ecg_rescale((b - p->zero_b) * ECG_LEFT_FACTOR, p->multiplier_b, p->shift_b);
    return ecg_rescale(x + y, p->multiplier_out, p->shift_out) + p->zero_out;
}

static inline int32_t multiply(const struct ecg_binary_params_sN *p, int32_t a, int32_t b)
{
    return ecg_rescale((a - p->zero_a) * (b - p->zero_b), p->multiplier_out, p->shift_out) + p->zero_out;
}

static inline int32_t maximum(const struct ecg_binary_params_sN *p, int32_t a, int32_t b)
{
    (void)p;
    return ecg_larger(a, b);
}

static inline int32_t minimum(const struct ecg_binary_params_sN *p, int32_t a, int32_t b)
{
    (void)p;
    return (a < b) ? a : b;
}

void ecg_add_sN(const struct ecg_binary_params_sN *p, const ecg_value *a, const ecg_value *b, ecg_value *out)
{
    walk(p, add, a, b, out);
}

void ecg_multiply_sN(const struct ecg_binary_params_sN *p, const ecg_value *a, const ecg_value *b, ecg_value *out)
{
    walk(p, multiply, a, b, out);
}

void ecg_maximum_sN(const struct ecg_binary_params_sN *p, const ecg_value *a, const ecg_value *b, ecg_value *out)
{
    walk(p, maximum, a, b, out);
}

void ecg_minimum_sN(const struct ecg_binary_params_sN *p, const ecg_value *a, const ecg_value *b, ecg_value *out)
{
    walk(p, minimum, a, b, out);
}
#if ECG_VALUE_BITS == 8

static inline int32_t squared_difference(const struct ecg_binary_params_sN *p, int32_t a, int32_t b)
{
    const int32_t x = ecg_rescale((a - p->zero_a) * 128, p->multiplier_a, p->shift_a);
    const int32_t y = ecg_rescale((b - p->zero_b) * 128, p->multiplier_b, p->shift_b);
    return ecg_rescale((x - y) * (x - y), p->multiplier_out, p->shift_out) + p->zero_out;
}

static inline int32_t prelu(const struct ecg_binary_params_sN *p, int32_t a, int32_t b)
{
    const int32_t x = a - p->zero_a;
    int32_t y;
    if (x >= 0) {
        y = ecg_rescale(x, p->multiplier_a, p->shift_a);
    } else {
        y = ecg_rescale(x * (b - p->zero_b), p->multiplier_out, p->shift_out);
    }
    return y + p->zero_out;
}

void ecg_squared_difference_sN(const struct ecg_binary_params_sN *p, const ecg_value *a, const ecg_value *b,
                               ecg_value *out)
{
    walk(p, squared_difference, a, b, out);
}

void ecg_prelu_sN(const struct ecg_binary_params_sN *p, const ecg_value *a, const ecg_value *b, ecg_value *out)
{
    walk(p, prelu, a, b, out);
}
#endif
#if ECG_VALUE_BITS == 16

/* x / 2 * 2^shift, rounded as ecg_rescale does. */
static inline int32_t halve(int32_t x, int32_t shift)
{
    return ecg_shift_right(ecg_asr(x + 1, 1), -shift);
}

static inline int32_t add_by_powers(const struct ecg_binary_params_sN *p, int32_t a, int32_t b)
{
    return halve((a * p->multiplier_a) + (b * p->multiplier_b), p->shift_out);
}

static inline int32_t multiply_by_powers(const struct ecg_binary_params_sN *p, int32_t a, int32_t b)
{
    return halve(a * b, p->shift_out);
}

void ecg_add_by_powers_sN(const struct ecg_binary_params_sN *p, const ecg_value *a, const ecg_value *b, ecg_value *out)
{
    walk(p, add_by_powers, a, b, out);
}

void ecg_multiply_by_powers_sN(const struct ecg_binary_params_sN *p, const ecg_value *a, const ecg_value *b,
                               ecg_value *out)
{
    walk(p, multiply_by_powers, a, b, out);
}
#endif
