"""Measure how long a pan of ecg-edge view takes with half an hour of a long recording on the screen.

    python benchmarks/page_pan.py [--hours 24] [--leads 3] [--pans 20] [--result FILE.json]

The recording is noise at 250 Hz, in headless Chromium at 1280 pixels. A pan goes from the key that is pressed to the
chart that is drawn anew; that of the server is the part of it that cuts and reduces the signal.
"""

import sys
import tempfile
import threading
import time
from pathlib import Path

import click
import numpy as np
from benchmark_result import ROOT, report, result_option, run
from selenium.webdriver.common.by import By

from ecg_edge.records.signal_description import describe_signal
from ecg_edge.view import charts
from ecg_edge.view.page_server import PageServer
from ecg_edge.view.recording_page import make_recording_app
from ecg_edge.view.view_session import ViewSession
from firmware_bench.runtime.errors import InputError

sys.path.insert(0, str(ROOT / "tests"))
from browser import open_browser  # pyright: ignore[reportMissingImports]  it is in tests/

FS = 250.0  # Hz
MODEL = "af-single-lead-small"
VISIBLE_S = 1800.0
LEADS = ("I", "II", "V1", "V2", "V3", "V4", "V5", "V6")
# Resolves with the milliseconds from a key to the frame in which the chart has its new range.
PAN = """
const done = arguments[0], start = performance.now();
const begin = () => document.querySelector('#signal .js-plotly-plot').layout.xaxis.range[0];
const first = begin();
const wait = () => begin() === first ? requestAnimationFrame(wait) : done(performance.now() - start);
document.body.dispatchEvent(new KeyboardEvent('keydown', {key: 'ArrowRight', bubbles: true}));
requestAnimationFrame(wait);
"""


@click.command()
@click.option("--hours", default=24.0, show_default=True, help="Length of the recording.")
@click.option("--leads", default=3, show_default=True, type=click.IntRange(1, len(LEADS)))
@click.option("--pans", default=20, show_default=True, type=click.IntRange(1))
@result_option
def main(hours, leads, pans, result):
    names = LEADS[:leads]
    if hours * 3600 < VISIBLE_S * (1 + pans / 4):  # a pan moves by a quarter of what is visible
        raise InputError(f"{pans} pans of half an hour need more than {hours:g} h")
    with tempfile.TemporaryDirectory() as folder:
        signal = np.random.default_rng(0).normal(size=(int(hours * 3600 * FS), leads)).astype(np.float32)
        np.save(Path(folder) / "noise.npy", signal)
        session = ViewSession(MODEL, [folder], describe_signal(fs=FS, units="mV", leads=",".join(names)))
        (name,) = session.recordings
        start = time.perf_counter()
        opened = session.open_recording(name)
        opened_s = time.perf_counter() - start
        browser_ms, server_ms = measure_pans(session, pans), []
        for pan in range(pans):
            begin, start = pan * VISIBLE_S / 4, time.perf_counter()
            charts.draw_signal(opened.envelope, opened.record, names, begin, begin + VISIBLE_S, 1190).to_json()
            server_ms.append(1000 * (time.perf_counter() - start))
    row = {
        "hours": hours,
        "leads": leads,
        "visible_min": VISIBLE_S / 60,
        "open_s": opened_s,
        "pan_ms": float(np.median(browser_ms)),
        "slowest_pan_ms": float(np.max(browser_ms)),
        "server_ms": float(np.median(server_ms)),
    }
    conditions = (
        f"headless Chromium at 1280 pixels, server in the same process; median of {pans} pans; noise at {FS:g} Hz"
    )
    report(result, "A pan of ecg-edge view", "measured", conditions, [row])


def measure_pans(session: ViewSession, pans: int) -> list[float]:
    """Measure pans in the browser, ms each."""
    server = PageServer(make_recording_app(session, MODEL))
    thread = threading.Thread(target=server.serve, args=(False,), daemon=True)
    thread.start()
    with open_browser() as browser:
        browser.set_script_timeout(120)
        browser.get(server.url)
        script = "return document.querySelector('#signal .js-plotly-plot')?.data?.length"
        while not browser.execute_script(script):
            time.sleep(0.2)
        while not browser.find_element(By.ID, "label").text + browser.find_element(By.ID, "refusal").text:
            time.sleep(0.2)
        seconds = session.open_recording(next(iter(session.recordings))).record.seconds
        view = f"{{start: 0, span: {VISIBLE_S}, seconds: {seconds}, pixels: 1190}}"
        browser.execute_script(f"window.dash_clientside.set_props('view', {{data: {view}}})")
        time.sleep(3)
        found = [float(browser.execute_async_script(PAN)) for _ in range(pans)]
    server.close()
    return found


if __name__ == "__main__":
    run(main)
