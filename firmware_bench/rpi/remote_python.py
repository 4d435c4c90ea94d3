"""The virtual environment on another machine, and why it cannot be made there."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from firmware_bench.runtime.errors import InputError

if TYPE_CHECKING:
    from firmware_bench.rpi.remote_device import RemoteDevice

FACTS = "import platform, sys; print(64 if sys.maxsize > 2**32 else 32, platform.machine())"


def make_environment(device: RemoteDevice, requirements: Sequence[str], wheels: Sequence[Path], offline: bool) -> str:
    """See `RemoteDevice.prepare_python`."""
    digests = [hashlib.sha256(wheel.read_bytes()).hexdigest() for wheel in wheels]
    key = hashlib.sha256(json.dumps([device.version, *requirements, *digests]).encode()).hexdigest()[:12]
    kept = Path(device.folder).with_name(f"python-{key}")
    python = kept / "bin" / "python"
    status, _ = device.try_command(
        [device.python, "-c", f"import os, sys; sys.exit(not os.path.exists({str(python)!r}))"]
    )
    if status == 0:
        return str(python)
    if offline and not wheels:
        return device.python
    device.report(f"{device.host}: making a virtual environment in {kept}")
    if wheels:
        device.put({f"wheels/{wheel.name}": wheel for wheel in wheels})
    made = Path(device.folder, "python")
    status, printed = device.try_command([device.python, "-m", "venv", made])
    if status:
        missing = any("ensurepip" in line for line in printed)
        remedy = "sudo apt install python3-venv" if missing else device.describe_failure(status, printed)
        raise InputError(f"{device.host}: python3 there makes no virtual environment: {remedy}")
    install = [made / "bin" / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    install += ["--no-input", "--no-cache-dir", *(["--no-index"] if offline else [])]
    brought = [f"wheels/{wheel.name}" for wheel in wheels]
    names = [] if offline else [name for name in requirements if not any(_is_wheel_of(wheel, name) for wheel in wheels)]
    status, printed = device.try_command([*install, *brought, *names], device.report)
    if status:
        reason = device.describe_failure(status, printed)
        _, facts = device.try_command([device.python, "-c", FACTS])
        cause = describe_cause(device.version, facts[-1] if facts else "") if "No matching" in reason else reason
        raise InputError(
            f"{device.host}: {' '.join([*brought, *names])} cannot be installed there: {cause or reason}; "
            "--wheel FILE brings a wheel along, --offline uses what is there"
        )
    # Where another benchmark was quicker, its environment is used, and this one is removed with the folder.
    rename = f"import os, sys; os.path.exists({str(kept)!r}) or os.rename('python', {str(kept)!r})"
    device.try_command([device.python, "-c", rename])
    return str(python)


def describe_cause(version: str, facts: str) -> str | None:
    """Why pip finds no ai-edge-litert: its wheels are for Python 3.10 to 3.14 on 64-bit systems (PyPI, 2.3.0).

    Args:
        version: The version of the Python there.
        facts: What FACTS prints there.

    Returns:
        The cause, and a way that works; None if it is another one.
    """
    if re.match("32 ", facts):
        return "its Python is 32-bit and ai-edge-litert is for 64-bit systems: install Raspberry Pi OS (64-bit)"
    if re.match(r"3\.\d\.", version):
        return f"ai-edge-litert needs Python 3.10 or later, python3 there is {version}: use Raspberry Pi OS 12 or later"
    return None


def _is_wheel_of(wheel, requirement):
    """Whether a wheel's file is of the package that a requirement names."""
    name = re.split(r"[^\w.-]", requirement)[0]
    return wheel.name.split("-")[0].lower() == re.sub(r"[-_.]+", "_", name).lower()
