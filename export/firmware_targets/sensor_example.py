"""An example that reads a sensor: an ADC, or the front ends MAX30003 and ADS1292R by SPI.

Registers and frames are those of the data sheets: Analog Devices, "MAX30003", 19-100050, and Texas Instruments,
"ADS1291, ADS1292, ADS1292R", SBAS502C. Neither was tried on hardware.
"""

MAX30003 = """/* SPDX-License-Identifier: Apache-2.0 */
/* MAX30003, one lead, 256 samples a second, gain 20: 655 counts in 1 mV. By its data sheet; not tried on hardware.
   SPI mode 0, at most 12 MHz. A frame is a byte, the register times 2 plus 1 to read, and 24 bits, high byte first. */
#ifndef MAX30003_H
#define MAX30003_H

#include <stdint.h>

enum max30003_register {
    MAX30003_STATUS = 0x01,
    MAX30003_EN_INT = 0x02,
    MAX30003_MNGR_INT = 0x04,
    MAX30003_SW_RST = 0x08,
    MAX30003_SYNCH = 0x09,
    MAX30003_FIFO_RST = 0x0A,
    MAX30003_INFO = 0x0F,
    MAX30003_CNFG_GEN = 0x10,
    MAX30003_CNFG_CAL = 0x12,
    MAX30003_CNFG_EMUX = 0x14,
    MAX30003_CNFG_ECG = 0x15,
    MAX30003_ECG_FIFO = 0x21
};

/* Sends a byte and returns the one that came meanwhile. is_last: chip select goes up behind it. */
typedef uint8_t (*max30003_transfer)(uint8_t sent, int is_last);

static inline void max30003_write(max30003_transfer transfer, uint8_t number, uint32_t value)
{
    (void)transfer((uint8_t)(number * 2u), 0);
    (void)transfer((uint8_t)(value >> 16), 0);
    (void)transfer((uint8_t)(value >> 8), 0);
    (void)transfer((uint8_t)value, 1);
}

static inline uint32_t max30003_read(max30003_transfer transfer, uint8_t number)
{
    uint32_t value;
    (void)transfer((uint8_t)((number * 2u) + 1u), 0);
    value = (uint32_t)transfer(0, 0) << 16;
    value |= (uint32_t)transfer(0, 0) << 8;
    return value | transfer(0, 1);
}

static inline void max30003_start(max30003_transfer transfer)
{
    max30003_write(transfer, MAX30003_SW_RST, 0);
    max30003_write(transfer, MAX30003_CNFG_GEN, 0x080017u);  /* ECG on, 100 Mohm of bias at both inputs */
    max30003_write(transfer, MAX30003_CNFG_CAL, 0x000000u);  /* no calibration signal */
    max30003_write(transfer, MAX30003_CNFG_EMUX, 0x000000u); /* inputs connected */
    max30003_write(transfer, MAX30003_CNFG_ECG, 0x405000u);  /* 256/s, gain 20, 0.5 to 40 Hz */
    max30003_write(transfer, MAX30003_MNGR_INT, 0x000000u);  /* an interrupt for each sample */
    max30003_write(transfer, MAX30003_EN_INT, 0x800003u);    /* of the FIFO, at INTB */
    max30003_write(transfer, MAX30003_SYNCH, 0);
}

/* Take a sample; returns 0 where the FIFO has none. An overflow empties the FIFO. */
static inline int max30003_sample(max30003_transfer transfer, int16_t *count)
{
    const uint32_t word = max30003_read(transfer, MAX30003_ECG_FIFO);
    const uint32_t tag = (word >> 3) & 7u;
    const int32_t high = (int32_t)(word >> 8); /* the highest 16 of 18 bits */
    if (tag == 7u) {
        max30003_write(transfer, MAX30003_FIFO_RST, 0);
    }
    *count = (int16_t)((high > 32767) ? (high - 65536) : high);
    return (tag <= 3u) ? 1 : 0;
}

#endif
"""
ADS1292R = """/* SPDX-License-Identifier: Apache-2.0 */
/* ADS1292R, two leads, 250 samples a second, gain 12, reference 2.42 V: 162.5 counts in 1 mV. By its data sheet; not
   tried on hardware. SPI mode 1, at most 4 MHz while commands are sent. */
#ifndef ADS1292R_H
#define ADS1292R_H

#include <stdint.h>

enum ads1292r_register {
    ADS1292R_ID = 0x00,
    ADS1292R_CONFIG1 = 0x01,
    ADS1292R_CONFIG2 = 0x02,
    ADS1292R_LOFF = 0x03,
    ADS1292R_CH1SET = 0x04,
    ADS1292R_CH2SET = 0x05,
    ADS1292R_RLD_SENS = 0x06,
    ADS1292R_LOFF_SENS = 0x07,
    ADS1292R_LOFF_STAT = 0x08,
    ADS1292R_RESP1 = 0x09,
    ADS1292R_RESP2 = 0x0A,
    ADS1292R_GPIO = 0x0B
};
enum ads1292r_command {
    ADS1292R_RESET = 0x06,
    ADS1292R_START = 0x08,
    ADS1292R_RDATAC = 0x10, /* read data continuously */
    ADS1292R_SDATAC = 0x11, /* stop that: before registers are written */
    ADS1292R_WREG = 0x40 /* plus the register */
};

/* Sends a byte and returns the one that came meanwhile. is_last: chip select goes up behind it. */
typedef uint8_t (*ads1292r_transfer)(uint8_t sent, int is_last);

static inline void ads1292r_write(ads1292r_transfer transfer, uint8_t number, uint8_t value)
{
    (void)transfer((uint8_t)((uint32_t)ADS1292R_WREG + number), 0);
    (void)transfer(0, 0); /* one register */
    (void)transfer(value, 1);
}

/* 100 ms after power-up and 10 ms after its own reset the chip takes registers: wait calls for that many ms. */
static inline void ads1292r_start(ads1292r_transfer transfer, void (*wait)(uint32_t ms))
{
    wait(100);
    (void)transfer(ADS1292R_RESET, 1);
    wait(10);
    (void)transfer(ADS1292R_SDATAC, 1);
    ads1292r_write(transfer, ADS1292R_CONFIG1, 0x01);   /* 250/s */
    ads1292r_write(transfer, ADS1292R_CONFIG2, 0xA0);   /* reference on, 2.42 V */
    ads1292r_write(transfer, ADS1292R_CH1SET, 0x60);    /* gain 12, electrodes */
    ads1292r_write(transfer, ADS1292R_CH2SET, 0x60);
    ads1292r_write(transfer, ADS1292R_RLD_SENS, 0x2C);  /* right leg driven from lead 2 */
    ads1292r_write(transfer, ADS1292R_RESP1, 0x02);     /* no respiration */
    ads1292r_write(transfer, ADS1292R_RESP2, 0x03);     /* reference of the right leg from inside */
    wait(10);
    (void)transfer(ADS1292R_RDATAC, 1);
    (void)transfer(ADS1292R_START, 1);
}

/* Take the sample of both leads when DRDY is low. Returns 0 where the frame does not begin as one does. */
static inline int ads1292r_sample(ads1292r_transfer transfer, int16_t counts[2])
{
    uint8_t frame[9]; /* 24 bits of status, 24 of each lead */
    for (int n = 0; n < 9; ++n) {
        frame[n] = transfer(0, (n == 8) ? 1 : 0);
    }
    for (int lead = 0; lead < 2; ++lead) {
        const int32_t high = (frame[3 + (3 * lead)] * 256) + frame[4 + (3 * lead)]; /* the highest 16 of 24 bits */
        counts[lead] = (int16_t)((high > 32767) ? (high - 65536) : high);
    }
    return ((frame[0] & 0xF0u) == 0xC0u) ? 1 : 0;
}

#endif
"""
DRIVERS = {"max30003.h": MAX30003, "ads1292r.h": ADS1292R}
SKETCH = """// SPDX-License-Identifier: Apache-2.0
// Labels of a sensor on the serial monitor. Choose the sensor, and generate the library for its rate and gain:
//   ADC       analog pins from A0 on, one for each lead; --baseline 512 for 10 bits
//   MAX30003  --sensor-rate 256 --counts-per-unit 655
//   ADS1292R  --sensor-rate 250 --counts-per-unit 162.5
#define ADC_PINS 0
#define MAX30003_SPI 1
#define ADS1292R_SPI 2
#ifndef SENSOR
#define SENSOR ADC_PINS
#endif

#include <SPI.h>
#include <PREFIX_app.h>

#include "ads1292r.h"
#include "max30003.h"

static const int SELECT_PIN = 10, READY_PIN = 2;
static struct PREFIX_app app;
static struct PREFIX_answer answer;

static uint8_t transfer(uint8_t sent, int is_last)
{
    digitalWrite(SELECT_PIN, LOW);
    const uint8_t received = SPI.transfer(sent);
    if (is_last) {
        digitalWrite(SELECT_PIN, HIGH);
    }
    return received;
}

static void wait_ms(uint32_t ms)
{
    delay(ms);
}

// Take a sample where one is there: one count of each lead.
static bool read_sample(int16_t *counts)
{
#if SENSOR == ADC_PINS
    static uint32_t last_us = micros();
    const uint32_t period_us = (uint32_t)(1e6f / MACRO_SENSOR_RATE_HZ);
    if (micros() - last_us < period_us) {
        return false;
    }
    last_us += period_us;
    for (int lead = 0; lead < MACRO_LEAD_COUNT; ++lead) {
        counts[lead] = (int16_t)analogRead(A0 + lead);
    }
    return true;
#elif SENSOR == MAX30003_SPI
    return digitalRead(READY_PIN) == LOW && max30003_sample(transfer, counts);
#else
    int16_t both[2];
    if (digitalRead(READY_PIN) != LOW) {
        return false;
    }
    const int is_sound = ads1292r_sample(transfer, both);
    for (int lead = 0; lead < MACRO_LEAD_COUNT; ++lead) {
        counts[lead] = (is_sound && lead < 2) ? both[lead] : ECG_MISSING;
    }
    return true;
#endif
}

void setup()
{
    Serial.begin(115200);
    pinMode(SELECT_PIN, OUTPUT);
    digitalWrite(SELECT_PIN, HIGH);
    pinMode(READY_PIN, INPUT_PULLUP);
    SPI.begin();
#if SENSOR == MAX30003_SPI
    SPI.beginTransaction(SPISettings(1000000, MSBFIRST, SPI_MODE0));
    max30003_start(transfer);
#elif SENSOR == ADS1292R_SPI
    SPI.beginTransaction(SPISettings(1000000, MSBFIRST, SPI_MODE1));
    ads1292r_start(transfer, wait_ms);
#endif
    (void)wait_ms;
    (void)transfer;
    PREFIX_app_init(&app);
}

void loop()
{
    int16_t counts[MACRO_LEAD_COUNT];
    for (int lead = 0; lead < MACRO_LEAD_COUNT; ++lead) {
        counts[lead] = ECG_MISSING; // of leads that the sensor does not have
    }
    if (read_sample(counts)) {
        (void)PREFIX_app_push(&app, counts);
    }
    if (PREFIX_app_poll(&app, &answer) == 2) {
        Serial.print(answer.quality == 0u ? "labels (bits) " : "unsure, labels (bits) ");
        Serial.println((unsigned long)answer.classes);
    }
}
"""


def make_sensor_sketch(prefix: str) -> str:
    """Return a sketch for Arduino's core that reads a sensor and prints labels; it includes DRIVERS."""
    return SKETCH.replace("PREFIX", prefix).replace("MACRO", prefix.upper())
