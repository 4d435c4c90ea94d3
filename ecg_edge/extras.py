"""Optional packages: which extra of the installation brings them, and one line where they are missing."""

import importlib.util

from firmware_bench.runtime.errors import InputError

# extra of the installation → the packages by which it is recognised
EXTRAS = {
    "train": ("keras",),
    "export": ("tensorflow",),
    "plot": ("matplotlib",),
    "view": ("dash",),
    "tracking": ("mlflow", "tensorboardX"),
    "formats": ("ecgdatakit", "pydicom"),
    "serial": ("serial",),
}


def is_installed(package: str) -> bool:
    """Return whether `package` can be imported, without importing it."""
    return importlib.util.find_spec(package) is not None


def install_hint(extra: str) -> str:
    """Return the command that installs `extra`."""
    return f'pip install "ecg-edge[{extra}]"'


def require(extra: str, purpose: str) -> None:
    """Refuse to go on without an optional part of the installation.

    Args:
        extra: A key of `EXTRAS`.
        purpose: What needs it, as the start of a sentence: "training", "the export".

    Raises:
        InputError: A package of the extra is not installed. The line names the pip command.
    """
    missing = [package for package in EXTRAS[extra] if not is_installed(package)]
    if missing:
        raise InputError(f"{purpose} needs {' and '.join(missing)}, not installed here: {install_hint(extra)}")
