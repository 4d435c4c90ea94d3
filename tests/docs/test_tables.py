"""Tables of the documentation are what docs/render.py makes of the kept results."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from ecg_edge.records.databases.catalogue import ON_DISK

ROOT = Path(__file__).resolve().parents[2]
FORMS_ONLY = ("challenge2021", "afdb", "icentia11k", "mimic-iv-ecg")


@pytest.fixture(scope="module")
def render():
    """The module docs/render.py."""
    sys.path.insert(0, str(ROOT / "docs"))
    try:
        import render as module
    finally:
        sys.path.remove(str(ROOT / "docs"))
    return module


@pytest.fixture
def tables(render):
    return sys.modules["tables"]


def test_no_page_differs_from_the_kept_results():
    checked = subprocess.run([sys.executable, "docs/render.py", "--check"], cwd=ROOT, capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_an_edited_figure_is_replaced(render):
    page = (ROOT / "docs" / "architectures" / "htf_beat.md").read_text(encoding="utf-8")
    assert "| 0.722 [0.511, 0.894] |" in page
    assert render.rendered(page.replace("0.722", "0.922")) == page


def test_a_changed_result_changes_its_table(tables, tmp_path, monkeypatch):
    result = json.loads((tables.RESULTS / "cae-ptbxl.json").read_text())
    result["rows"][0]["auroc"]["value"] = 0.999
    (tmp_path / "cae-ptbxl.json").write_text(json.dumps(result))
    before = tables.render("cae-ptbxl")
    monkeypatch.setattr(tables, "RESULTS", tmp_path)
    assert tables.render("cae-ptbxl") == before.replace("0.819", "0.999") != before


def test_every_table_has_as_many_cells_in_each_row(render):
    for page in render.pages():
        for block in re.findall(r"(?:^\|.*\n)+", page.read_text(encoding="utf-8"), re.MULTILINE):
            rows = [re.split(r"(?<!\\)\|", row) for row in block.splitlines()]
            assert {len(row) for row in rows} == {len(rows[0])}, f"{page.name}: {rows[0]}"
            assert set(rows[1][1:-1]) <= {" --- ", "---"}, f"{page.name}: {rows[0]}"


def test_every_layout_is_shown_on_a_page(render, tables):
    shown = {match["name"] for page in render.pages() for match in render.TABLE.finditer(page.read_text())}
    assert shown >= set(tables.LAYOUTS)


def test_an_unknown_table_ends_with_one_line(render):
    with pytest.raises(SystemExit, match="no table 'absent'"):
        render.rendered("<!-- table absent -->\n<!-- end of table -->")


def test_a_transcribed_result_names_its_version(tables):
    for file in tables.RESULTS.glob("*.json"):
        result = json.loads(file.read_text(encoding="utf-8"))
        if result.get("source", "").startswith("transcribed"):
            assert result["command"], f"{file.name} does not state the command that repeats it"
    assert "Recorded with version 0.1.0." in tables.render("cae-ptbxl")


def test_every_database_is_in_the_table_with_what_its_reader_was_tried_on(tables):
    page = (ROOT / "docs" / "data.md").read_text(encoding="utf-8")
    assert set(tables.VERIFIED) == {database.name for database in ON_DISK}
    for database in ON_DISK:
        split, tried = tables.VERIFIED[database.name]
        (row,) = [line for line in page.splitlines() if line.startswith(f"| `{database.name}` |")]
        assert f"| {split} | {tried} |" in row and database.licence in row
        assert (tried == "files of the same form") == (database.name in FORMS_ONLY)


def test_recordings_that_readers_are_said_to_be_tried_on_are_there(tables, real_data):
    for database in ON_DISK:
        if database.name in FORMS_ONLY:
            continue
        folder = real_data(database.folder_name)
        tried = re.search(r"[\d,]+", tables.VERIFIED[database.name][1])
        assert len(database.index(folder)) == int(tried[0].replace(",", ""))
