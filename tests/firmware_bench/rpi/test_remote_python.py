"""Python 3.9 or a 32-bit userland on the Pi: the cause, and a way that works."""

from pathlib import Path

import pytest

from firmware_bench.rpi.remote_python import make_environment
from firmware_bench.runtime.errors import InputError


class Device:
    """A device whose pip finds nothing."""

    host, python, folder = "pi@device", "/usr/bin/python3", "/home/pi/.cache/ecg-edge/bench-x"

    def __init__(self, version, facts):
        self.version, self.facts = version, facts

    def report(self, line):
        pass

    def describe_failure(self, status, printed):
        return printed[-1]

    def try_command(self, command, report=None):
        words = list(map(str, command))
        if "pip" in words:
            return 1, ["ERROR: No matching distribution found for ai-edge-litert==2.3.0"]
        if "platform" in words[-1]:
            return 0, [self.facts]
        return (0 if "venv" in words else 1), []


@pytest.mark.parametrize(
    "version, facts, said",
    [
        ("3.9.2", "64 aarch64", r"needs Python 3\.10 or later, python3 there is 3\.9\.2: use Raspberry Pi OS 12"),
        ("3.11.2", "32 armv7l", r"its Python is 32-bit .*install Raspberry Pi OS \(64-bit\)"),
        ("3.11.2", "32 aarch64", r"its Python is 32-bit"),  # a 64-bit kernel below a 32-bit userland
        ("3.11.2", "64 aarch64", "No matching distribution"),
    ],
)
def test_python_3_9_or_a_32_bit_userland_is_named(version, facts, said):
    with pytest.raises(InputError, match=said) as caught:
        make_environment(Device(version, facts), ["ai-edge-litert==2.3.0", "numpy"], list[Path](), False)  # pyright: ignore
    assert "\n" not in str(caught.value)
