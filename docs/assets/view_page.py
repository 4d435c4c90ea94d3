"""Take the picture of docs/view.md: a page on synthetic ECG in headless Chromium.

python docs/assets/view_page.py
"""

import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
from selenium.webdriver.common.by import By

from ecg_edge.records.signal_description import describe_signal
from ecg_edge.records.synthetic_ecg import synthesise
from ecg_edge.view.page_server import PageServer
from ecg_edge.view.recording_page import make_recording_app
from ecg_edge.view.view_session import ViewSession

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parents[1] / "tests"))
from browser import open_browser  # noqa: E402  # pyright: ignore[reportMissingImports]  it is in tests/

PARTS = (("SNR", 1), ("AF", 2), ("SNR", 3), ("AF", 4))  # rhythms and seeds, two minutes each
MODEL = "af-single-lead-small"

with tempfile.TemporaryDirectory() as folder:
    parts = [synthesise(rhythm, seed, 120.0, leads=("I", "II")) for rhythm, seed in PARTS]
    np.save(Path(folder) / "synthetic.npy", np.concatenate([part.select_leads(part.leads) for part in parts]))
    stated = describe_signal(fs=parts[0].fs, units="mV", leads="I,II")
    server = PageServer(make_recording_app(ViewSession(MODEL, [folder], stated), MODEL))
    threading.Thread(target=server.serve, args=(False,), daemon=True).start()
    with open_browser(1000, 760) as browser:
        browser.get(server.url)
        while not (browser.find_elements(By.ID, "label") and browser.find_element(By.ID, "label").text):
            time.sleep(0.2)
        time.sleep(3)  # until the charts are drawn
        browser.save_screenshot(str(HERE / "view_page.png"))
    server.close()
