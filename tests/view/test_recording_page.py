"""The page of recordings in a real browser: what is chosen, moved and refused shows."""

import threading
import time

import numpy as np
import pytest
from browser import (
    find_overlapping_texts,
    is_wider_than_window,
    list_console_errors,
    needs_browser,
    open_browser,
    resize,
)
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from ecg_edge.extras import is_installed
from ecg_edge.records.signal_description import describe_signal
from ecg_edge.records.synthetic_ecg import synthesise

pytestmark = [
    pytest.mark.slow,
    needs_browser,
    pytest.mark.skipif(not is_installed("dash"), reason="dash is not installed: pip install -e .[view]"),
]
RANGE = "return document.querySelector('#signal .js-plotly-plot')?.layout.xaxis.range"
TRACES = "return document.querySelector('#signal .js-plotly-plot').data.map(trace => trace.name)"
WAIT_S = 60.0


def wait_for(condition):
    """Return what `condition` returns as soon as that is true."""
    until = time.monotonic() + WAIT_S
    while not (found := condition()):
        assert time.monotonic() < until, "the page did not change in time"
        time.sleep(0.05)
    return found


def wait_until_none(list_faults):
    """Wait until no fault is listed: a chart that is being drawn anew has some for a moment."""
    until = time.monotonic() + WAIT_S
    while faults := list_faults():
        assert time.monotonic() < until, faults
        time.sleep(0.2)


@pytest.fixture(scope="module")
def recordings(tmp_path_factory):
    """A folder with a minute of two leads, ten seconds of lead V1 alone, and a file that is no ECG."""
    folder = tmp_path_factory.mktemp("recordings")
    minute = synthesise("AF", 1, 60.0, leads=("I", "II")).signal
    np.savetxt(folder / "a-minute.csv", minute, delimiter=",", header="I,II", comments="", fmt="%.4f")
    short = synthesise("SNR", 2, 10.0, leads=("V1",)).signal
    np.savetxt(folder / "b-other-lead.csv", short, delimiter=",", header="V1", comments="", fmt="%.4f")
    (folder / "c-broken.csv").write_text("I,II\n0.1,hello\n0.2,0.3\n" * 20)
    return folder


@pytest.fixture(scope="module")
def page(recordings):
    """The page in a browser."""
    from ecg_edge.view.page_server import PageServer
    from ecg_edge.view.recording_page import make_recording_app
    from ecg_edge.view.view_session import ViewSession

    paths = sorted(recordings.iterdir())
    session = ViewSession("af-single-lead-small", paths, describe_signal(fs=500.0, units="mV"))
    server = PageServer(make_recording_app(session, "af-single-lead-small"))
    threading.Thread(target=server.serve, args=(False,), daemon=True).start()
    with open_browser() as browser:
        browser.get(server.url)
        wait_for(lambda: browser.find_elements(By.ID, "label") and browser.find_element(By.ID, "label").text)
        yield browser
    server.close()


def press(page, key):
    before = page.execute_script(RANGE)
    page.find_element(By.TAG_NAME, "h1").click()
    page.find_element(By.TAG_NAME, "body").send_keys(key)
    return wait_for(lambda: (now := page.execute_script(RANGE)) != before and now)


def choose(page, key, element):
    page.find_element(By.TAG_NAME, "h1").click()
    page.find_element(By.TAG_NAME, "body").send_keys(key)
    return wait_for(lambda: page.find_element(By.ID, element).text)


def test_it_shows_signal_and_label_without_errors_at_any_width(page):
    assert "A" in page.find_element(By.ID, "label").text
    wait_for(lambda: page.execute_script(TRACES) == ["I", "II"])
    for width in (1280, 400):
        resize(page, width)
        wait_for(lambda: not is_wider_than_window(page))
        wait_until_none(lambda: find_overlapping_texts(page))
    resize(page, 1280)
    assert not list_console_errors(page)


def test_keys_move_and_zoom_within_the_recording(page):
    assert press(page, Keys.END) == [50, 60]
    assert press(page, Keys.ARROW_LEFT) == [47.5, 57.5]
    assert press(page, Keys.ARROW_UP) == [50, 55]
    assert press(page, Keys.HOME) == [0, 5]
    assert press(page, Keys.ARROW_DOWN) == [0, 10]


def test_a_lead_can_be_taken_away(page):
    page.execute_script("window.dash_clientside.set_props('leads', {value: ['II']})")
    wait_for(lambda: page.execute_script(TRACES) == ["II"])
    page.execute_script("window.dash_clientside.set_props('leads', {value: ['I', 'II']})")
    wait_for(lambda: page.execute_script(TRACES) == ["I", "II"])


def test_the_visible_part_is_explained(page):
    page.find_element(By.ID, "explain").click()
    said = wait_for(lambda: page.find_element(By.ID, "explanation").text)
    assert said.startswith("Red speaks for ") and "occlusion" in said
    kinds = "return document.querySelector('#signal .js-plotly-plot').data.map(trace => trace.type)"
    wait_for(lambda: "heatmap" in page.execute_script(kinds))
    assert not page.find_element(By.ID, "problem").text


def test_what_cannot_be_shown_or_judged_is_said_on_the_page(page):
    assert "no lead 'I': there is V1" in choose(page, "n", "refusal")
    wait_for(lambda: page.execute_script(TRACES) == ["V1"])
    assert "c-broken" in choose(page, "n", "problem")
    page.find_element(By.TAG_NAME, "body").send_keys("p")
    wait_for(lambda: not page.find_element(By.ID, "problem").text)
    page.find_element(By.TAG_NAME, "body").send_keys("p")
    wait_for(lambda: not page.find_element(By.ID, "refusal").text)
    assert not list_console_errors(page)
