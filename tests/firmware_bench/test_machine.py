"""The description of a machine: processor, emulation, throttling, power."""

import pytest

from firmware_bench import machine


@pytest.mark.parametrize(
    "processor, cpuinfo, modalias, executable, emulated",
    [
        ("x86_64", "vendor_id : GenuineIntel", "cpu:type:x86,ven0000", "/usr/bin/python3.11", False),
        ("aarch64", "CPU part : 0xd08", "", "/usr/bin/python3.11", False),
        ("aarch64", "CPU part : 0xd08", "", "/usr/bin/qemu-aarch64-static", True),
        ("aarch64", "vendor_id : AuthenticAMD", "", "/usr/bin/python3.11", True),
        ("aarch64", "", "cpu:type:x86,ven0002", "/usr/bin/python3.11", True),
        ("aarch64", "CPU part : 0xd08", "", "", True),
        ("x86_64", "", "", "", False),
        ("x86_64", "model name : QEMU TCG CPU version 2.5+", "", "/usr/bin/python3.11", True),
    ],
)
def test_emulated_processors_are_recognised(processor, cpuinfo, modalias, executable, emulated):
    assert bool(machine.detect_emulation(processor, cpuinfo, modalias, executable)) is emulated


def test_arm_cores_are_named_by_their_part_number():
    assert machine.parse_cpu_model("processor : 0\nCPU part\t: 0xd0b\n") == "Cortex-A76"
    assert machine.parse_cpu_model("model name\t: Intel(R) N100\n") == "Intel(R) N100"


def test_throttling_is_described_in_words(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    tool = tmp_path / "vcgencmd"
    tool.write_text("#!/bin/sh\necho throttled=0x50001\n")
    tool.chmod(0o755)
    assert machine.read_throttling() == "under-voltage, throttled since boot"


@pytest.mark.parametrize(
    "found, expected",
    [
        ({}, None),
        ({"devices/platform/soc*/soc*:firmware/get_throttled": ["50005"]}, "under-voltage, throttled"),
        ({"class/hwmon/hwmon*/in0_lcrit_alarm": ["1"]}, "under-voltage"),
        ({"class/hwmon/hwmon*/in0_lcrit_alarm": ["0"]}, "none"),
        (
            {
                "class/thermal/cooling_device*/type": ["pwm-fan", "cpufreq-cpu0"],
                "class/thermal/cooling_device*/cur_state": ["3", "2"],
            },
            "throttled",
        ),
        (
            {
                "class/thermal/cooling_device*/type": ["pwm-fan", "cpufreq-cpu0"],
                "class/thermal/cooling_device*/cur_state": ["3", "0"],
            },
            "none",
        ),
        ({"class/thermal/cooling_device*/type": ["pwm-fan"], "class/thermal/cooling_device*/cur_state": ["1"]}, None),
    ],
)
def test_without_vcgencmd_the_kernel_s_files_are_read(tmp_path, monkeypatch, found, expected):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(machine, "_read_matches", lambda pattern: found.get(pattern, []))
    assert machine.read_throttling() == expected


@pytest.mark.parametrize(
    "status, online, expected",
    [([], [], None), (["Discharging"], ["0"], "battery"), (["Charging"], ["1"], "mains"), ([], ["0"], None)],
)
def test_battery_or_mains(monkeypatch, status, online, expected):
    found = {"class/power_supply/*/status": status, "class/power_supply/*/online": online}
    monkeypatch.setattr(machine, "_read_matches", found.__getitem__)
    assert machine.read_power_source() == expected


def test_conditions_have_the_units_in_their_names(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    cpu = "/sys/devices/system/cpu/cpu0/cpufreq"
    files = {
        f"{cpu}/scaling_cur_freq": "1800457",
        f"{cpu}/scaling_governor": "ondemand",
        "/sys/class/thermal/thermal_zone0/temp": "48686",
    }
    monkeypatch.setattr(machine, "read_text", files.get)
    monkeypatch.setattr(machine, "_read_matches", lambda pattern: [])
    assert machine.read_conditions() == {
        "governor": "ondemand",
        "clock_mhz": 1800,
        "temperature_celsius": 48.7,
        "throttling": None,
        "power": None,
    }
