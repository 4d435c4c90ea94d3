/* SPDX-License-Identifier: Apache-2.0 */
/* STM32F4: USART2 on PA2 (out) and PA3 (in), at the 16 MHz that the chip starts with. RM0090, chapters RCC, GPIO and
   USART. */
#include <stdint.h>

#define REGISTER(address) (*(volatile uint32_t *)(address))
#define RCC_AHB1ENR REGISTER(0x40023830u)
#define RCC_APB1ENR REGISTER(0x40023840u)
#define GPIOA_MODER REGISTER(0x40020000u)
#define GPIOA_AFRL REGISTER(0x40020020u)
#define USART2_SR REGISTER(0x40004400u) /* bit 5: a byte came in; bit 7: the next may go out */
#define USART2_DR REGISTER(0x40004404u)
#define USART2_BRR REGISTER(0x40004408u)
#define USART2_CR1 REGISTER(0x4000440Cu)

static void uart_begin(void)
{
    RCC_AHB1ENR |= 1u;                                            /* GPIOA */
    RCC_APB1ENR |= 1u << 17;                                      /* USART2 */
    (void)RCC_APB1ENR;                                            /* a clock needs two cycles */
    GPIOA_AFRL = (GPIOA_AFRL & ~(0xFFu << 8)) | 0x77u << 8;       /* alternate function 7 */
    GPIOA_MODER = (GPIOA_MODER & ~(0xFu << 4)) | 0xAu << 4;
    USART2_BRR = (16000000u + 115200u / 2) / 115200u;
    USART2_CR1 = 1u << 13 | 1u << 3 | 1u << 2; /* on, transmit, receive */
}

static void uart_put(uint8_t byte)
{
    while (!(USART2_SR & 1u << 7)) {
    }
    USART2_DR = byte;
}

static uint8_t uart_get(void)
{
    while (!(USART2_SR & 1u << 5)) {
    }
    return (uint8_t)USART2_DR;
}

#include "uart.h"
