/* SPDX-License-Identifier: Apache-2.0 */
/* What the kernels assume of the compiler and the machine, checked at compile time, in C99 and C++. */
#ifndef ECG_PLATFORM_H
#define ECG_PLATFORM_H

#include <limits.h>
#include <stdint.h>

/* An array type of negative size, an error, where `condition` is false. */
#define ECG_STATIC_ASSERT(name, condition) typedef char ecg_assert_##name[(condition) ? 1 : -1]

ECG_STATIC_ASSERT(char_has_8_bits, CHAR_BIT == 8);
ECG_STATIC_ASSERT(int_has_32_bits, sizeof(int) == 4u);
ECG_STATIC_ASSERT(negative_integers_are_twos_complement, (-1 & 3) == 3);
ECG_STATIC_ASSERT(right_shift_of_negatives_is_arithmetic, ((int32_t)-5 >> 1) == -3);
ECG_STATIC_ASSERT(right_shift_of_64_bit_negatives_is_arithmetic, ((int64_t)-5 >> 1) == -3);
ECG_STATIC_ASSERT(conversion_to_int32_t_wraps, (int32_t)0xFFFFFFFEu == -2);
ECG_STATIC_ASSERT(conversion_to_int8_t_wraps, (int8_t)0xFE == -2);
ECG_STATIC_ASSERT(division_truncates, (-7 / 2) == -3);

#endif
