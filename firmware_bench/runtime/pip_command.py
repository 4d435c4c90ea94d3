"""The command that installs a package into the Python that runs, also where that belongs to the operating system."""

from __future__ import annotations

import shlex
import sys
import sysconfig
from pathlib import Path

ENVIRONMENT = "~/ecg-edge"


def advise_pip(package: str) -> str:
    """Return the command that installs a package.

    Debian and Raspberry Pi OS mark their Python as managed by the system (PEP 668), where pip refuses to install: there
    it is a virtual environment, whose Python the user starts from then on.

    Args:
        package: A package as pip takes it.

    Returns:
        One line for a shell.
    """
    quoted = shlex.quote(package)
    if sys.prefix == sys.base_prefix and Path(sysconfig.get_path("stdlib"), "EXTERNALLY-MANAGED").exists():
        create = f"python3 -m venv {ENVIRONMENT} && {ENVIRONMENT}/bin/pip install {quoted}"
        return f"{create}, and run {ENVIRONMENT}/bin/python (the system's own Python takes no packages, PEP 668)"
    return f"python3 -m pip install {quoted}"
