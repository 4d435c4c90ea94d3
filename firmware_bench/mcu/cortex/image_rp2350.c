/* SPDX-License-Identifier: Apache-2.0 */
/* What the RP2350's boot ROM looks for behind the vectors: the smallest definition of an Arm image. RP2350 datasheet,
   5.9.5.1. */
#include <stdint.h>

__attribute__((section(".vectors.image"), used)) static const uint32_t image[] = {
    0xFFFFDED3u, 0x10210142u, 0x000001FFu, 0x00000000u, 0xAB123579u,
};
