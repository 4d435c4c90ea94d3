"""A description of the machine that runs here: its processor, its state, and whether it is emulated."""
# ruff: noqa: B905 - Python 3.9 has no zip(strict=)

from __future__ import annotations

import os
import platform
import re
import subprocess
from pathlib import Path


def read_text(path: str | Path) -> str | None:
    """Return the text of a file of /proc or /sys, None where there is none."""
    try:
        return Path(path).read_text(errors="replace").strip("\0\n ")
    except OSError:
        return None


def _read_matches(pattern):
    """The texts of the files of /sys that match, in order."""
    return [text for text in (read_text(path) for path in sorted(Path("/sys").glob(pattern))) if text is not None]


ARM_CORES = {  # by the part number in /proc/cpuinfo: Raspberry Pi 1 and Zero, 2, 3 and Zero 2, 4, 5
    "0xb76": "ARM1176",
    "0xc07": "Cortex-A7",
    "0xd03": "Cortex-A53",
    "0xd08": "Cortex-A72",
    "0xd0b": "Cortex-A76",
}
THROTTLING = {0: "under-voltage", 1: "frequency capped", 2: "throttled", 3: "near its temperature limit"}


def parse_cpu_model(cpuinfo: str) -> str:
    """Return the processor's name from the text of /proc/cpuinfo, which on Arm has only its part number."""
    named = re.search(r"^model name\s*:\s*(.+)$", cpuinfo, re.MULTILINE)
    part = re.search(r"^CPU part\s*:\s*(\w+)$", cpuinfo, re.MULTILINE)
    if part:
        return ARM_CORES.get(part.group(1), f"Arm part {part.group(1)}")
    return named.group(1).strip() if named else platform.processor() or platform.machine()


def read_throttling() -> str | None:
    """Return why the processor is or was throttled, in words.

    Returns:
        "none", or the reasons, for example "under-voltage, throttled since boot". A Raspberry Pi's firmware knows those
        of now and those since it booted, other kernels those of now alone. None where the machine does not report it.
    """
    try:
        output = subprocess.run(["vcgencmd", "get_throttled"], capture_output=True, text=True, timeout=5).stdout
        bits = int(output.strip().split("=")[1], 16)
    except (OSError, subprocess.SubprocessError, IndexError, ValueError):
        registers = _read_matches("devices/platform/soc*/soc*:firmware/get_throttled")
        if not registers:
            return _read_kernel_throttling()
        bits = int(registers[0], 16)
    now = [word for bit, word in THROTTLING.items() if bits >> bit & 1]
    before = [f"{word} since boot" for bit, word in THROTTLING.items() if bits >> bit + 16 & 1 and word not in now]
    return ", ".join(now + before) or "none"


def _read_kernel_throttling():
    """The same from the kernel's voltage alarm and its cooling devices that limit the processor's clock."""
    alarms = _read_matches("class/hwmon/hwmon*/in0_lcrit_alarm")
    kinds, states = (_read_matches(f"class/thermal/cooling_device*/{name}") for name in ("type", "cur_state"))
    limits = [state for kind, state in zip(kinds, states) if "cpufreq" in kind]
    if not alarms and not limits:
        return None
    words = [("under-voltage", "1" in alarms), ("throttled", any(state != "0" for state in limits))]
    return ", ".join(word for word, applies in words if applies) or "none"


def read_power_source() -> str | None:
    """Return "battery" or "mains", or None where the kernel knows no power supply, as on a Raspberry Pi."""
    if "Discharging" in _read_matches("class/power_supply/*/status"):
        return "battery"
    return "mains" if "1" in _read_matches("class/power_supply/*/online") else None


def detect_emulation(machine: str, cpuinfo: str, modalias: str, executable: str) -> str | None:
    """Detect a processor that is emulated by another one, whose latencies would mean nothing.

    Args:
        machine: platform.machine().
        cpuinfo: The text of /proc/cpuinfo.
        modalias: The text of /sys/devices/system/cpu/modalias, empty where there is none.
        executable: The target of /proc/thread-self/exe, empty where it cannot be read.

    Returns:
        How the emulation shows, or None on a real processor.
    """
    x86 = machine.lower() in ("x86_64", "amd64", "i386", "i686")
    if "qemu" in os.path.basename(executable).lower():  # qemu-user hides itself in /proc/self, not in thread-self
        return f"runs under {os.path.basename(executable)}"
    if re.search(r"QEMU (TCG|Virtual) CPU", cpuinfo):
        return "the processor is QEMU's"
    if not x86 and ("vendor_id" in cpuinfo or "type:x86" in modalias):
        return f"claims to be {machine} on an x86 processor"
    if not x86 and not executable:
        return "unknown, because /proc/thread-self/exe cannot be read"
    return None


def describe_machine() -> dict:
    """Return the facts about the machine that its figures depend on. None: the machine does not report it."""
    cpuinfo = read_text("/proc/cpuinfo") or ""
    memory = re.search(r"^MemTotal:\s*(\d+) kB", read_text("/proc/meminfo") or "", re.MULTILINE)
    try:
        executable = os.readlink("/proc/thread-self/exe")
    except OSError:
        executable = ""
    modalias = read_text("/sys/devices/system/cpu/modalias") or ""
    os_name = re.search(r'^PRETTY_NAME="?([^"\n]*)', read_text("/etc/os-release") or "", re.MULTILINE)
    return {
        "board": read_text("/proc/device-tree/model"),
        "cpu": parse_cpu_model(cpuinfo),
        "cores": os.cpu_count(),
        "memory_bytes": int(memory.group(1)) * 1024 if memory else None,
        "machine": platform.machine(),
        "arm": platform.machine().lower().startswith(("arm", "aarch64")),
        "emulated": detect_emulation(platform.machine(), cpuinfo, modalias, executable),
        "host": platform.node(),
        "os": os_name.group(1) if os_name else platform.system(),
        "kernel": platform.release(),
    }


def read_conditions() -> dict:
    """Return the conditions that may change during a benchmark. None: the machine does not report it."""
    temperature = read_text("/sys/class/thermal/thermal_zone0/temp")
    clock = read_text("/sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq")  # kHz
    megahertz = re.search(r"^cpu MHz\s*:\s*([\d.]+)", read_text("/proc/cpuinfo") or "", re.MULTILINE)
    return {
        "governor": read_text("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
        "clock_mhz": round(int(clock) / 1000) if clock else round(float(megahertz.group(1))) if megahertz else None,
        "temperature_celsius": round(int(temperature) / 1000, 1) if temperature else None,
        "throttling": read_throttling(),
        "power": read_power_source(),
    }
