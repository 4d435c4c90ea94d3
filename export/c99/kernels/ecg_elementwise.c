#include "ecg_elementwise.h"

#include "ecg_fixed.h"

/* Of both terms before they are brought to one scale. */
#define ECG_LEFT_SHIFT (ECG_VALUE_BITS == 8 ? 20 : 15)

typedef int32_t operation(const struct ecg_binary *p, int32_t a, int32_t b);

static inline void walk(const struct ecg_binary *p, operation *f, const ecg_value *a, const ecg_value *b,
                        ecg_value *out)
{
    const int32_t *size = p->sizes, *sa = p->steps_a, *sb = p->steps_b;
    for (int32_t i = 0; i < size[0]; ++i) {
        for (int32_t j = 0; j < size[1]; ++j) {
            for (int32_t k = 0; k < size[2]; ++k) {
                const ecg_value *x = a + i * sa[0] + j * sa[1] + k * sa[2];
                const ecg_value *y = b + i * sb[0] + j * sb[1] + k * sb[2];
                for (int32_t l = 0; l < size[3]; ++l, x += sa[3], y += sb[3]) {
                    *out++ = (ecg_value)ecg_clamp(f(p, *x, *y), p->low, p->high);
                }
            }
        }
    }
}

static inline int32_t sum(const struct ecg_binary *p, int32_t a, int32_t b)
{
    int32_t x = ecg_rescale((a - p->zero_a) * (1 << ECG_LEFT_SHIFT), p->multiplier_a, p->shift_a);
    int32_t y = ecg_rescale((b - p->zero_b) * (1 << ECG_LEFT_SHIFT), p->multiplier_b, p->shift_b);
    return ecg_rescale(x + y, p->multiplier_out, p->shift_out) + p->zero_out;
}

static inline int32_t product(const struct ecg_binary *p, int32_t a, int32_t b)
{
    return ecg_rescale((a - p->zero_a) * (b - p->zero_b), p->multiplier_out, p->shift_out) + p->zero_out;
}

static inline int32_t larger(const struct ecg_binary *p, int32_t a, int32_t b)
{
    (void)p;
    return a > b ? a : b;
}

void ecg_add(const struct ecg_binary *p, const ecg_value *a, const ecg_value *b, ecg_value *out)
{
    walk(p, sum, a, b, out);
}

void ecg_multiply(const struct ecg_binary *p, const ecg_value *a, const ecg_value *b, ecg_value *out)
{
    walk(p, product, a, b, out);
}

void ecg_maximum(const struct ecg_binary *p, const ecg_value *a, const ecg_value *b, ecg_value *out)
{
    walk(p, larger, a, b, out);
}

#if ECG_VALUE_BITS == 16

/* x / 2 * 2^shift, rounded as ecg_rescale does. */
static inline int32_t halved(int32_t x, int32_t shift)
{
    return ecg_shift_right((x + 1) >> 1, -shift);
}

static inline int32_t sum_by_powers(const struct ecg_binary *p, int32_t a, int32_t b)
{
    return halved(a * p->multiplier_a + b * p->multiplier_b, p->shift_out);
}

static inline int32_t product_by_powers(const struct ecg_binary *p, int32_t a, int32_t b)
{
    return halved(a * b, p->shift_out);
}

void ecg_add_by_powers(const struct ecg_binary *p, const ecg_value *a, const ecg_value *b, ecg_value *out)
{
    walk(p, sum_by_powers, a, b, out);
}

void ecg_multiply_by_powers(const struct ecg_binary *p, const ecg_value *a, const ecg_value *b, ecg_value *out)
{
    walk(p, product_by_powers, a, b, out);
}

#endif

void ecg_table(const int8_t *table, const int8_t *in, int32_t n, int8_t *out)
{
    for (int32_t i = 0; i < n; ++i) {
        out[i] = table[in[i] + 128];
    }
}
