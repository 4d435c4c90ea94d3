/* SPDX-License-Identifier: Apache-2.0 */
/* MPS3 with AN547: UART0, fed by 25 MHz. Arm Cortex-M System Design Kit Technical Reference Manual (DDI 0479), "APB
   UART"; Application Note AN547, memory map. */
#include <stdint.h>

#define REGISTER(offset) (*(volatile uint32_t *)(0x49303000u + (offset)))
#define DATA REGISTER(0x00u)
#define STATE REGISTER(0x04u) /* bit 0: the byte that goes out is still waiting; bit 1: one came in */
#define CONTROL REGISTER(0x08u)
#define BAUD_DIVIDER REGISTER(0x10u)

static void uart_begin(void)
{
    BAUD_DIVIDER = 25000000u / 115200u;
    CONTROL = 3; /* transmit, receive */
}

static void uart_put(uint8_t byte)
{
    while (STATE & 1) {
    }
    DATA = byte;
}

static uint8_t uart_get(void)
{
    while (!(STATE & 2)) {
    }
    return (uint8_t)DATA;
}

#include "uart.h"
