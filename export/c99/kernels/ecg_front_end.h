/* SPDX-License-Identifier: Apache-2.0 */
/* The signal path before a network, one sample of a sensor at a time: missing samples held, resampling, counts to the
   model's unit, filters, running scale. Values
   behind the resampling have 20 fractional bits: 1 mV is 2^20. */
#ifndef ECG_FRONT_END_H
#define ECG_FRONT_END_H

#include <stdint.h>

#include "ecg_platform.h"

#define ECG_MISSING (-32768) /* the count of a sample that was not taken */

/* A second-order section: y = (b0 x + b1 x1 + b2 x2 - a1 y1 - a2 y2) / 2^29, x1 and y1 one sample ago. */
struct ecg_front_end_section {
    int32_t b0; /* 2^29 for 1.0, within -2^30 ... 2^30 */
    int32_t b1;
    int32_t b2;
    int32_t minus_a1;
    int32_t minus_a2;
    int32_t passes_constant;                /* 1: a constant passes unchanged; 0: it becomes 0 */
};

struct ecg_front_end {
    const int16_t *phases;      /* up rows of taps coefficients, that of the oldest sample first, 2^14 for 1.0 */
    const int32_t *multipliers; /* of each lead, 31 bits, from counts with 14 fractional bits to the model's unit */
    const int32_t *shifts;      /* of each lead, 14 to 62 */
    const int32_t *baselines;   /* of each lead, counts of 0 */
    const struct ecg_front_end_section *sections;
    int32_t leads;
    int32_t up; /* the result has up samples where the sensor has down */
    int32_t down;
    int32_t half_length; /* samples of the sensor by which the result is late */
    int32_t taps;
    int32_t section_count;
    int32_t block;  /* samples of a running scale's block; 0: no scale */
    int32_t memory; /* blocks that it remembers */
};

/* The last values of a section. */
struct ecg_section_state {
    int32_t x1;
    int32_t x2;
    int32_t y1;
    int32_t y2;
    int32_t remainder;
};

/* A running scale: the sum of this block, the mean power of those before, and the factor that follows from it. */
struct ecg_scale_state {
    int64_t total;
    int64_t power;
    int32_t factor;
    int32_t count;
    int32_t blocks;
};

/* What a front end remembers. The arrays are the caller's. */
struct ecg_front_end_state {
    int16_t *history;                   /* leads rows of 2 taps values */
    struct ecg_section_state *sections; /* leads rows of section_count */
    struct ecg_scale_state *scales;     /* one of each lead, where there is a running scale */
    int32_t position;                   /* of the newest sample in the history */
    int32_t lag;                        /* the next result is there when this is below 0 */
    int32_t is_started; /* whether a sample, and a result, was there before */
    int32_t is_settled;
};

/* The scale of a window, one lead of values: its mean, and the factor 2^16 / standard deviation. */
struct ecg_window_scale {
    int32_t mean;
    int32_t factor;
};

#endif
