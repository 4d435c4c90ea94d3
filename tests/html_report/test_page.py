"""The page in a browser: nothing in its console, no text over another, no wider than the window."""

import pytest
from browser import (
    find_overlapping_texts,
    is_wider_than_window,
    list_console_errors,
    needs_browser,
    open_browser,
    resize,
)
from report_folder import write_detector, write_run

import ecg_edge

pytestmark = [pytest.mark.slow, needs_browser]


def test_the_pages_are_legible_on_a_desk_and_on_a_telephone(tmp_path):
    runs = [write_run(tmp_path / "one"), write_run(tmp_path / "other", classes=("a label of many words", "N", "A")),
            write_detector(tmp_path / "detector")]  # fmt: skip
    (runs[1] / "history.csv").write_text("nonsense")
    pages = [ecg_edge.report(runs[0]), ecg_edge.report(runs, tmp_path / "comparison.html")]
    with open_browser() as browser:
        for page in pages:
            browser.get(page.as_uri())
            assert browser.execute_script("return document.querySelectorAll('figure.chart').length") >= 7
            for width in (1280, 400):
                resize(browser, width)
                assert find_overlapping_texts(browser) == [], (page.name, width)
                assert not is_wider_than_window(browser), (page.name, width)
            assert list_console_errors(browser) == []
