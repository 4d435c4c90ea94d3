"""The notebooks run from start to end and show what they promise."""

import re
from pathlib import Path

import nbclient
import nbformat
import pytest

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted((ROOT / "docs" / "notebooks").glob("*.ipynb"))


def executed_text(path: Path, folder: Path) -> str:
    """Executes a notebook with `folder` as its working folder; all text that its cells print or return."""
    notebook = nbformat.read(path, as_version=4)
    nbclient.NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(folder)}}).execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    return "\n".join(output.get("text") or output.get("data", {}).get("text/plain", "") for output in outputs)


@pytest.fixture
def own_folder(tmp_path, monkeypatch):
    """A working folder, with caches of its own."""
    monkeypatch.setenv("ECG_EDGE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    return tmp_path


@pytest.mark.slow
def test_a_recording_becomes_a_label(own_folder):
    text = executed_text(ROOT / "docs" / "notebooks" / "recording_to_label.ipynb", own_folder)
    assert re.search(r"^AF (0\.\d\d|1\.00)$", text, re.MULTILINE) and "'AF'" in text


@pytest.mark.slow
def test_a_folder_of_recordings_becomes_a_c_program(own_folder):
    text = executed_text(ROOT / "docs" / "notebooks" / "recordings_to_c_program.ipynb", own_folder)
    float_f1, int8_f1 = map(float, re.findall(r"Estimate\(value=([\d.]+)", text))
    assert float_f1 > 0.8 and int8_f1 > 0.8
    assert "pass | float tensors | 0" in text and "fail |" not in text
    assert "'cnn.c'" in text and "'cnn.h'" in text


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebooks_are_stored_without_outputs_and_paths(path):
    notebook = nbformat.read(path, as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert code and not any(cell.outputs or cell.execution_count for cell in code)
    assert not re.search(r"/(home|root|tmp|Users)/", path.read_text())


def test_every_notebook_is_tested_and_listed():
    assert [path.stem for path in NOTEBOOKS] == ["recording_to_label", "recordings_to_c_program"]
    index = (ROOT / "docs" / "notebooks" / "index.md").read_text()
    assert all(path.name in index for path in NOTEBOOKS)
