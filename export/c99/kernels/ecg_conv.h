#ifndef ECG_CONV_H
#define ECG_CONV_H

#include "ecg_value.h"

/* A convolution over time, of `kernel` taps, each tap `width` values, to `channels` values; or a dense layer, which is
   one of one tap. */
struct ecg_conv {
    const int8_t *weights; /* channels x kernel x width */
    const int32_t *bias, *multipliers;
    const int8_t *shifts;
    int32_t rows; /* of the whole input */
    int32_t width, channels, kernel, stride, dilation, pad;
    int32_t zero_in, zero_out, low, high;
#if ECG_VALUE_BITS == 16
    int32_t wide; /* whether sums take 64 bits, and are scaled as such */
#endif
};

/* Row t of the output. in: the rows of the input, row r at r % capacity. window: scratch, kernel x width. */
void ecg_conv(const struct ecg_conv *c, const ecg_value *in, int32_t capacity, int32_t t, int16_t *window, ecg_value *out);

/* The same for a transposed convolution: row r of the input adds to the rows r * stride - pad + (0 ... kernel - 1). */
void ecg_conv_transposed(const struct ecg_conv *c, const ecg_value *in, int32_t capacity, int32_t t, int16_t *window,
                         ecg_value *out);

/* The same for a depthwise convolution: weights kernel x channels, channels a multiple of width. */
void ecg_conv_depthwise(const struct ecg_conv *c, const ecg_value *in, int32_t capacity, int32_t t, int16_t *window,
                        ecg_value *out);

#if ECG_VALUE_BITS == 16

/* The same where all taps lie one after another, from `in` on. */
void ecg_conv_here(const struct ecg_conv *c, const ecg_value *in, ecg_value *out);
void ecg_conv_depthwise_here(const struct ecg_conv *c, const ecg_value *in, ecg_value *out);

#endif

#endif
