"""The options that state what samples the signal of a device."""

import functools

import click


def sensor_options(command):
    """Add --sensor-rate, --counts-per-unit, --baseline and --adc-range to a command, which gets a `sensor`, or None."""

    @click.option("--sensor-rate", type=float, metavar="HZ", help="Rate of the sensor. Default: the model's.")
    @click.option("--counts-per-unit", metavar="N[,N…]", help="Counts of the sensor in 1 mV, for all leads or each.")
    @click.option("--baseline", default="0", metavar="N[,N…]", help="Counts that stand for 0, for all leads or each.")
    @click.option("--adc-range", default="-32767,32767", metavar="LOW,HIGH", help="Counts at which it saturates.")
    @functools.wraps(command)
    def with_sensor(*args, sensor_rate, counts_per_unit, baseline, adc_range, **others):
        from firmware_bench.front_end.sensor import parse_sensor

        return command(*args, sensor=parse_sensor(sensor_rate, counts_per_unit, baseline, adc_range), **others)

    return with_sensor
