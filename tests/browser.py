"""Headless Chromium for tests of pages: opened by Selenium, with what a page must not have."""

import contextlib
import shutil
from collections.abc import Iterator

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service

from firmware_bench.runtime.errors import InputError

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
MISSING = "chromium and chromedriver are not installed: apt install chromium chromium-driver"
needs_browser = pytest.mark.skipif(not (CHROMIUM and DRIVER), reason=MISSING)

# Pairs of visible texts whose boxes overlap by more than 2 pixels each way. A text inside another element counts once;
# HTML and SVG alike.
OVERLAPS = """
const texts = [];
const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walk.nextNode()) {
  const node = walk.currentNode, parent = node.parentElement;
  if (!node.data.trim() || !parent.checkVisibility({checkOpacity: true, checkVisibilityCSS: true})) continue;
  if (["SCRIPT", "STYLE", "TITLE", "DESC", "OPTION"].includes(parent.tagName.toUpperCase())) continue;
  const range = document.createRange();
  range.selectNodeContents(node);
  for (const box of range.getClientRects())
    if (box.width > 2 && box.height > 2) texts.push({text: node.data.trim().slice(0, 40), box});
}
const found = [];
for (let a = 0; a < texts.length; a++)
  for (let b = a + 1; b < texts.length; b++) {
    const p = texts[a].box, q = texts[b].box;
    if (Math.min(p.right, q.right) - Math.max(p.left, q.left) > 2 &&
        Math.min(p.bottom, q.bottom) - Math.max(p.top, q.top) > 2)
      found.push([texts[a].text, texts[b].text]);
  }
return found;
"""


@contextlib.contextmanager
def open_browser(width: int = 1280, height: int = 1000) -> Iterator[webdriver.Chrome]:
    """Open headless Chromium.

    Args:
        width, height: Of the page, pixels.

    Raises:
        InputError: It or its driver is not installed.
    """
    if not CHROMIUM or not DRIVER:
        raise InputError(MISSING)
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--hide-scrollbars", "--disable-gpu"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    browser = webdriver.Chrome(options, Service(DRIVER))
    try:
        resize(browser, width, height)
        yield browser
    finally:
        browser.quit()


def resize(browser: webdriver.Chrome, width: int, height: int = 1000) -> None:
    """Give the page a size in pixels, as small as that of a telephone."""
    metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)


def list_console_errors(browser: webdriver.Chrome) -> list[str]:
    """List the errors and warnings that the page has printed since the last call."""
    return [entry["message"] for entry in browser.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")]


def find_overlapping_texts(browser: webdriver.Chrome) -> list[list[str]]:
    """List pairs of visible texts that lie over each other."""
    return browser.execute_script(OVERLAPS)


def is_wider_than_window(browser: webdriver.Chrome) -> bool:
    """Return whether the page has to be scrolled sideways."""
    return browser.execute_script("return document.documentElement.scrollWidth > window.innerWidth + 1")
