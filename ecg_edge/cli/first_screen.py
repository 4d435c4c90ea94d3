"""The first screen, printed by a bare ecg-edge: commands by what one has, and what is installed."""

import shutil
from pathlib import Path

from ecg_edge import console
from ecg_edge.extras import EXTRAS, install_hint, is_installed

COMMANDS = (
    ("a recording", "ecg-edge predict MODEL RECORD"),
    ("a sensor", "ecg-edge live MODEL.tflite --serial PORT --counts-per-unit N"),
    ("labelled recordings", "ecg-edge train --arch cnn_att_bilstm --data DIR, then evaluate, export"),
    ("a Raspberry Pi", "ecg-edge bench MODEL.tflite --host pi@raspberrypi.local"),
    ("a microcontroller", "ecg-edge mcu MODEL.tflite, ecg-edge firmware MODEL.tflite --target arduino"),
    ("a notebook", 'ecg_edge.load(MODEL).predict(signal, fs=250, leads=["I"])'),
)


def print_first_screen() -> None:
    """Print commands by what one has, then what is installed."""
    from ecg_edge.records.databases.catalogue import list_data_roots

    width = max(len(owned) for owned, _ in COMMANDS)
    print("ECG recordings in, models that run on a Raspberry Pi or a microcontroller out.\n\nI have …")
    for owned, command in COMMANDS:
        print(f"  {owned:<{width}}  {command}")
    print("\nInstalled:")
    parts = {extra: all(map(is_installed, packages)) for extra, packages in EXTRAS.items()}
    for extra, is_here in parts.items():
        print(f"  {extra:<{width}}  {'yes' if is_here else install_hint(extra)}")
    print(f"  {'Arm toolchain':<{width}}  {'yes' if shutil.which('arm-none-eabi-gcc') else 'no'}")
    databases = [folder.name for root in list_data_roots() if root.is_dir() for folder in _folders(root)]
    print(f"  {'databases':<{width}}  {' '.join(databases) or 'none: ecg-edge data list'}")
    console.log("next: ecg-edge --help")


def _folders(root: Path) -> list[Path]:
    return sorted(folder for folder in root.iterdir() if folder.is_dir())
