"""Take the picture of a report: python docs/assets/report_page.py RUN

Writes the report of a run that is trained, evaluated and exported, opens it in headless Chromium and keeps its first
screens as docs/assets/report_page.png.
"""

import subprocess
import tempfile
from pathlib import Path

import click
from PIL import Image

import ecg_edge

PICTURE = Path(__file__).with_suffix(".png")
WIDTH, HEIGHT = 1100, 1500  # pixels
COLOURS = 128


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
def main(run):
    with tempfile.TemporaryDirectory() as folder:
        page = ecg_edge.report(run, Path(folder) / "report.html")
        taken = Path(folder) / "report.png"
        subprocess.run(["chromium", "--headless", "--no-sandbox", "--hide-scrollbars", f"--screenshot={taken}",
                        f"--window-size={WIDTH},{HEIGHT}", page.as_uri()], check=True, capture_output=True)  # fmt: skip
        Image.open(taken).convert("RGB").quantize(COLOURS).save(PICTURE, optimize=True)
    print(f"{PICTURE}: {PICTURE.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
