"""README.md and the pages of the documentation: length, links, paths."""

import re
import runpy
from pathlib import Path

import pytest

import ecg_edge

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
LINK = re.compile(r"\]\((?!https?:|#|mailto:)([^)#\s]+)")


def test_the_readme_has_at_most_150_lines():
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 150


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_relative_links_lead_to_files(page):
    missing = [link for link in LINK.findall(page.read_text(encoding="utf-8")) if not (page.parent / link).exists()]
    assert not missing


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_paths_in_code_spans_exist(page):
    """Of files in the source tree: `firmware_bench/bench_rpi.py`, not runs or names with placeholders."""
    spans = re.findall(
        r"`((?:benchmarks|docs|ecg_edge|export|firmware_bench|models_keras|tests)/[\w./-]+)`", page.read_text()
    )
    assert not [span for span in spans if not (ROOT / span).exists()]


def test_the_reference_lists_the_whole_python_api():
    page = (ROOT / "docs" / "reference" / "api.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^::: ecg_edge\.(\w+)$", page, re.MULTILINE)) == set(ecg_edge.__all__)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_python_names_on_a_page_exist(page):
    called = re.findall(r"\becg_edge\.(\w+)\(", page.read_text(encoding="utf-8"))
    assert set(called) <= set(ecg_edge.__all__)


def test_the_picture_is_small_and_its_script_runs(tmp_path):
    runpy.run_path(str(ROOT / "docs" / "assets" / "pipeline.py"))["main"](tmp_path / "pipeline.svg")
    assert "<svg" in (tmp_path / "pipeline.svg").read_text()
    assert (ROOT / "docs" / "assets" / "pipeline.svg").stat().st_size < 200_000
