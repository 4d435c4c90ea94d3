/* SPDX-License-Identifier: Apache-2.0 */
/* nRF52840: UART0 on P0.06 (out) and P0.08 (in), which the development kit's debugger takes to USB. nRF52840 Product
   Specification, chapter UART. */
#include <stdint.h>

#define REGISTER(offset) (*(volatile uint32_t *)(0x40002000u + (offset)))
#define TASKS_STARTRX REGISTER(0x000u)
#define TASKS_STARTTX REGISTER(0x008u)
#define EVENTS_RXDRDY REGISTER(0x108u)
#define EVENTS_TXDRDY REGISTER(0x11Cu)
#define ENABLE REGISTER(0x500u)
#define PSEL_TXD REGISTER(0x50Cu)
#define PSEL_RXD REGISTER(0x514u)
#define RXD REGISTER(0x518u)
#define TXD REGISTER(0x51Cu)
#define BAUDRATE REGISTER(0x524u)
#define P0_OUTSET REGISTER(0x50000508u - 0x40002000u)
#define P0_DIRSET REGISTER(0x50000518u - 0x40002000u)

static void uart_begin(void)
{
    P0_OUTSET = 1u << 6; /* high and an output also while the UART is off */
    P0_DIRSET = 1u << 6;
    PSEL_TXD = 6;
    PSEL_RXD = 8;
    BAUDRATE = 0x01D7E000u; /* 115200 */
    ENABLE = 4;
    TASKS_STARTTX = 1;
    TASKS_STARTRX = 1;
}

static void uart_put(uint8_t byte)
{
    EVENTS_TXDRDY = 0;
    TXD = byte;
    while (!EVENTS_TXDRDY) {
    }
}

static uint8_t uart_get(void)
{
    while (!EVENTS_RXDRDY) {
    }
    EVENTS_RXDRDY = 0;
    return (uint8_t)RXD;
}

#include "uart.h"
