/* SPDX-License-Identifier: Apache-2.0 */
/* A causal QRS detector for one lead of 128 samples a second, in integers; firmware_bench/front_end/qrs_detector.py has
   the same arithmetic and explains it. */
#ifndef ECG_QRS_H
#define ECG_QRS_H

#include <stdint.h>
#include <string.h>

#include "ecg_fixed.h"

#define ECG_QRS_COUNT_BITS 10 /* 1 mV is 1,024 counts */
#define ECG_QRS_LONGEST_AGE 320 /* samples: no R peak is reported later */

#define ECG_QRS_SIGNAL 64 /* samples that are kept, a power of two */
#define ECG_QRS_QUEUE 16 /* peaks that wait: one in REFRACTORY samples of LEARNING */
#define ECG_QRS_LEARNING 256 /* samples that the first threshold is made of, 2 s */
#define ECG_QRS_SMOOTHING 6 /* samples whose slopes are summed */
#define ECG_QRS_REFRACTORY 26 /* samples without a larger peak, 200 ms */
#define ECG_QRS_CENTRE 34 /* age of a complex when its peak is known: REFRACTORY and the delay of the filters */
#define ECG_QRS_REACH 9 /* samples on either side of it in which the R peak is looked for */
#define ECG_QRS_CURVATURE 5 /* samples on either side of an R peak that its height is measured against */
#define ECG_QRS_T_WAVE 40 /* samples after an R peak in which a low peak is a T wave, 310 ms */
#define ECG_QRS_NO_T_WAVE 46 /* samples after an R peak from which on a missed one is looked for, 360 ms */
#define ECG_QRS_LONGEST_RR 192 /* samples of an RR interval, 1.5 s; longer ones count as this */
#define ECG_QRS_USUAL_RR 100
#define ECG_QRS_LONGEST_SINCE 1024 /* samples without an R peak after which the levels are learnt anew, 8 s */
#define ECG_QRS_SMALLEST 2000 /* height of a complex of about 70 uV */

/* A peak of the slope: its height, and the number of the sample that is its R peak. */
struct ecg_qrs_peak {
    int32_t height;
    uint32_t sample;
};

/* A detector of one lead. */
struct ecg_qrs {
    int16_t signal[ECG_QRS_SIGNAL];
    int32_t differences[8];
    int32_t slopes[8];
    struct ecg_qrs_peak queue[ECG_QRS_QUEUE];
    struct ecg_qrs_peak missed; /* the highest peak below the threshold since the last R peak; height 0: none */
    int32_t intervals[8]; /* the last RR intervals */
    uint32_t count; /* samples so far, modulo 2^32 */
    uint32_t first; /* of the queue */
    uint32_t waiting; /* peaks in it */
    uint32_t beats; /* modulo 8 */
    int32_t envelope; /* the sum of the last slopes */
    int32_t highest; /* of the envelope since it began to rise; 0: it did not yet */
    int32_t age; /* samples since then */
    int32_t learning; /* samples until there is a threshold */
    int32_t since; /* samples since the last R peak, at most ECG_QRS_LONGEST_SINCE */
    int32_t search; /* samples until a missed R peak is looked for */
    int32_t last; /* height of the last complex */
    int32_t complex_level; /* usual height of a complex */
    int32_t noise_level; /* and of what is none */
};

/* Begin a recording. */
static inline void ecg_qrs_start(struct ecg_qrs *qrs)
{
    (void)memset(qrs, 0, sizeof *qrs);
    qrs->learning = ECG_QRS_LEARNING;
    qrs->since = ECG_QRS_LONGEST_SINCE;
    for (uint32_t n = 0u; n < 8u; ++n) {
        qrs->intervals[n] = ECG_QRS_USUAL_RR;
    }
}

/* A value of the front end, 2^20 for 1 mV, as a count. */
static inline int16_t ecg_qrs_to_count(int32_t value)
{
    return (int16_t)ecg_clamp(ecg_asr(value, 20 - ECG_QRS_COUNT_BITS), -32767, 32767);
}

static inline int32_t ecg_qrs_size(int32_t x)
{
    return (x < 0) ? -x : x;
}

/* The sample that came `age` samples before the newest. */
static inline int32_t ecg_qrs_at(const struct ecg_qrs *qrs, uint32_t age)
{
    return qrs->signal[(qrs->count - age) % ECG_QRS_SIGNAL];
}

/* Take the sample into the envelope of the slope. */
static inline void ecg_qrs_filter(struct ecg_qrs *qrs)
{
    const uint32_t now = qrs->count;
    int32_t difference = 0;
    for (uint32_t age = 0u; age < 4u; ++age) {
        difference += ecg_qrs_at(qrs, age) - ecg_qrs_at(qrs, age + 4u);
    }
    qrs->differences[now % 8u] = difference;
    const int32_t slope = ecg_qrs_size(qrs->differences[(now - 2u) % 8u])
        + ecg_qrs_size(difference - qrs->differences[(now - 4u) % 8u]);
    qrs->envelope += slope - qrs->slopes[(now - ECG_QRS_SMOOTHING) % 8u];
    qrs->slopes[now % 8u] = slope;
}

/* The number of the sample that stands out most around the centre of a complex. */
static inline uint32_t ecg_qrs_locate(const struct ecg_qrs *qrs)
{
    uint32_t best = 0u;
    int32_t highest = -1;
    for (uint32_t age = ECG_QRS_CENTRE - ECG_QRS_REACH; age <= (ECG_QRS_CENTRE + ECG_QRS_REACH); ++age) {
        const int32_t around = ecg_qrs_at(qrs, age - ECG_QRS_CURVATURE) + ecg_qrs_at(qrs, age + ECG_QRS_CURVATURE);
        const int32_t height = ecg_qrs_size((2 * ecg_qrs_at(qrs, age)) - around);
        if (height > highest) {
            highest = height;
            best = age;
        }
    }
    return qrs->count - best;
}

/* Put a peak of the envelope into the queue when no larger one came for 200 ms. */
static inline void ecg_qrs_find_peak(struct ecg_qrs *qrs, int32_t before)
{
    if ((qrs->envelope > qrs->highest) && (qrs->envelope > before)) {
        qrs->highest = qrs->envelope;
        qrs->age = 0;
    } else if (qrs->highest > 0) {
        qrs->age++;
        if (qrs->age == ECG_QRS_REFRACTORY) {
            struct ecg_qrs_peak *peak = &qrs->queue[(qrs->first + qrs->waiting) % ECG_QRS_QUEUE];
            peak->height = qrs->highest;
            peak->sample = ecg_qrs_locate(qrs);
            qrs->waiting++;
            qrs->highest = 0;
        }
    } else {
        /* it still falls */
    }
}

/* One and a half RR intervals, of the mean of the last eight. */
static inline int32_t ecg_qrs_expected(const struct ecg_qrs *qrs)
{
    int32_t sum = 0;
    for (uint32_t n = 0u; n < 8u; ++n) {
        sum += qrs->intervals[n];
    }
    return ecg_asr(3 * ecg_asr(sum, 3), 1);
}

/* Set the levels from the peaks of two seconds. */
static inline void ecg_qrs_learn(struct ecg_qrs *qrs)
{
    int32_t highest = 0;
    for (uint32_t n = 0u; n < qrs->waiting; ++n) {
        highest = ecg_larger(highest, qrs->queue[(qrs->first + n) % ECG_QRS_QUEUE].height);
    }
    qrs->complex_level = ecg_larger(ecg_asr(highest * 3, 2), ECG_QRS_SMALLEST);
    qrs->noise_level = ecg_asr(qrs->complex_level, 3);
    qrs->search = ecg_qrs_expected(qrs);
}

static inline int32_t ecg_qrs_threshold(const struct ecg_qrs *qrs)
{
    return qrs->noise_level + ecg_asr(3 * (qrs->complex_level - qrs->noise_level), 3);
}

/* Take a peak as a complex. */
static inline int32_t ecg_qrs_accept(struct ecg_qrs *qrs, struct ecg_qrs_peak peak)
{
    const int32_t age = (int32_t)(qrs->count - peak.sample);
    const int32_t bounded = ecg_clamp(peak.height, 0, 3 * qrs->complex_level); /* an artefact may be far larger */
    if (qrs->last > 0) {
        qrs->intervals[qrs->beats % 8u] = ecg_clamp(qrs->since - age, 0, ECG_QRS_LONGEST_RR);
        qrs->beats++;
    }
    qrs->since = age;
    qrs->search = ecg_qrs_expected(qrs) + ECG_QRS_CENTRE - age;
    qrs->last = peak.height;
    qrs->complex_level += ecg_asr(bounded - qrs->complex_level, 2);
    qrs->missed.height = 0;
    return age;
}

/* Take the first peak of the queue as a complex, a T wave or noise. */
static inline int32_t ecg_qrs_judge(struct ecg_qrs *qrs)
{
    const struct ecg_qrs_peak peak = qrs->queue[qrs->first];
    const int32_t interval = qrs->since - (int32_t)(qrs->count - peak.sample);
    int32_t age = 0;
    qrs->first = (qrs->first + 1u) % ECG_QRS_QUEUE;
    qrs->waiting--;
    if (interval >= ECG_QRS_REFRACTORY) {
        const int32_t lowest = (interval < ECG_QRS_T_WAVE) ? ecg_asr(9 * qrs->last, 4) : ECG_QRS_SMALLEST;
        if (peak.height > ecg_larger(lowest, ecg_larger(ecg_qrs_threshold(qrs), ECG_QRS_SMALLEST))) {
            age = ecg_qrs_accept(qrs, peak);
        } else {
            const int32_t bounded = ecg_clamp(peak.height, 0, qrs->complex_level);
            qrs->noise_level += ecg_asr(bounded - qrs->noise_level, 3);
            if ((interval >= ECG_QRS_NO_T_WAVE) && (peak.height > qrs->missed.height)) {
                qrs->missed = peak;
            }
        }
    }
    return age;
}

/* After one and a half RR intervals without an R peak: take the missed peak if it is high enough, otherwise lower the
   levels, for the signal may have become smaller; learn them anew after 8 s. */
static inline int32_t ecg_qrs_search_back(struct ecg_qrs *qrs)
{
    int32_t age = 0;
    const int32_t lowest = ecg_larger(ecg_asr(9 * ecg_qrs_threshold(qrs), 4), ECG_QRS_SMALLEST);
    if ((int32_t)(qrs->count - qrs->missed.sample) > ECG_QRS_LONGEST_AGE) {
        qrs->missed.height = 0;
    }
    if (qrs->missed.height > lowest) {
        age = ecg_qrs_accept(qrs, qrs->missed);
    } else if (qrs->since == ECG_QRS_LONGEST_SINCE) {
        qrs->learning = ECG_QRS_LEARNING;
    } else {
        qrs->complex_level = ecg_larger(qrs->complex_level - ecg_asr(qrs->complex_level, 4), ECG_QRS_SMALLEST);
        qrs->noise_level -= ecg_asr(qrs->noise_level, 4);
        qrs->search = ecg_asr(ecg_qrs_expected(qrs), 1);
    }
    return age;
}

/* Take a sample of 128 a second, 1,024 for 1 mV. Returns the age of an R peak that is now certain, in samples before this
   one, 1 to ECG_QRS_LONGEST_AGE; 0: there is none. */
static inline int32_t ecg_qrs_push(struct ecg_qrs *qrs, int16_t sample)
{
    const int32_t before = qrs->envelope;
    int32_t age = 0;
    if ((qrs->count == 0u) && (qrs->learning > 0)) { /* the first sample stands for all before it */
        for (uint32_t n = 0u; n < ECG_QRS_SIGNAL; ++n) {
            qrs->signal[n] = sample;
        }
    }
    qrs->count++;
    qrs->since = ecg_clamp(qrs->since + 1, 0, ECG_QRS_LONGEST_SINCE);
    qrs->signal[qrs->count % ECG_QRS_SIGNAL] = sample;
    ecg_qrs_filter(qrs);
    ecg_qrs_find_peak(qrs, before);
    if (qrs->learning > 0) {
        qrs->learning--;
        if (qrs->learning == 0) {
            ecg_qrs_learn(qrs);
        }
    } else {
        qrs->search--;
        if (qrs->waiting > 0u) {
            age = ecg_qrs_judge(qrs);
        }
        if ((age == 0) && (qrs->search <= 0)) {
            age = ecg_qrs_search_back(qrs);
        }
    }
    return age;
}

#endif
