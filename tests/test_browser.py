"""The checks of pages find what they are made for."""

import pytest
from browser import (
    find_overlapping_texts,
    is_wider_than_window,
    list_console_errors,
    needs_browser,
    open_browser,
    resize,
)

pytestmark = [pytest.mark.slow, needs_browser]
PAGE = """<!doctype html><title>x</title><link rel="icon" href="data:,"><body style="margin:0">
<p style="position:absolute;left:10px;top:{top}px;margin:0;width:{width}px">first</p>
<svg style="position:absolute;left:0;top:0"><text x="10" y="20">second</text></svg>
<script>{script}</script>"""


def write_page(folder, **values):
    page = folder / "page.html"
    page.write_text(PAGE.format(**{"top": 60, "width": 100, "script": "", **values}))
    return page.as_uri()


def test_what_a_page_must_not_have_is_found(tmp_path):
    with open_browser() as browser:
        browser.get(write_page(tmp_path))
        assert not find_overlapping_texts(browser)
        assert not list_console_errors(browser)
        assert not is_wider_than_window(browser)

        browser.get(write_page(tmp_path, top=8, width=500, script="undefined_name()"))
        assert find_overlapping_texts(browser) == [["first", "second"]]
        assert len(list_console_errors(browser)) == 1
        resize(browser, 400)
        assert is_wider_than_window(browser)
