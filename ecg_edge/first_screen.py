"""The first screen, printed by a bare ecg-edge: commands by what one has, and what is installed."""

import shutil
from pathlib import Path

from ecg_edge import console
from ecg_edge.extras import EXTRAS, install_hint, is_installed

MODEL = "af-single-lead-small"
COMMANDS = (
    ("a recording", f"ecg-edge predict {MODEL} my.csv --fs 250 --units mV"),
    ("a sensor", f"ecg-edge live {MODEL} --serial PORT --sensor-rate 300 --counts-per-unit 200"),
    ("a board", f"ecg-edge firmware {MODEL} --target arduino --sensor-rate 300 --counts-per-unit 200"),
    ("a Raspberry Pi", f"ecg-edge bench {MODEL} --host pi@raspberrypi.local"),
    ("labelled recordings", "ecg-edge train --arch cnn_att_bilstm --data DIR, then evaluate, export"),
    ("a notebook", f'ecg_edge.load("{MODEL}").predict(x, fs=250, leads=["I"])'),
)


def print_first_screen() -> None:
    """Print commands by what one has, then what is installed."""
    from ecg_edge.records.databases.catalogue import list_data_roots
    from ecg_edge.zoo import list_models

    width = max(len(owned) for owned, _ in COMMANDS)
    print("ECG recordings in, models that run on a Raspberry Pi or a microcontroller out.\n\nI have …")
    for owned, command in COMMANDS:
        print(f"  {owned:<{width}}  {command}")
    print("\nModels that ship, for every MODEL:")
    print("\n".join(f"  {name}" for name in list_models()))
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
