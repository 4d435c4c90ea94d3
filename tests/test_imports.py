"""Who may import whom: the house stays one way, from records to the device."""

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SCIENCE = {"numpy", "scipy"}
# folder → what its files may import beside the standard library, wherever in the file the import stands
ERRORS_AND_FILES = {f"firmware_bench.runtime.{name}" for name in ("errors", "files", "sampling")}
METADATA = "firmware_bench.runtime.metadata"
ALLOWED = {
    "firmware_bench/runtime": {"numpy", "firmware_bench.runtime"},
    "firmware_bench": {"numpy", "firmware_bench", "tflite_micro"},
    "models_keras": {"keras", "numpy", "models_keras"},
    # signals takes a recording as it is (record), and knows nothing of the databases that recordings come from
    "ecg_edge/signals": {*SCIENCE, *ERRORS_AND_FILES, "wfdb", "ecg_edge.records.record", "ecg_edge.signals"},
    "ecg_edge/records": {*SCIENCE, *ERRORS_AND_FILES, "wfdb", "soundfile", "ecg_edge.records"},
    "ecg_edge/data": {*SCIENCE, *ERRORS_AND_FILES, METADATA, "ecg_edge.records", "ecg_edge.signals", "ecg_edge.data"},
    "ecg_edge/tasks": {
        *SCIENCE,
        *ERRORS_AND_FILES,
        "ecg_edge.records",
        "ecg_edge.signals",
        "ecg_edge.data",
        "ecg_edge.tasks",
    },
}
FORBIDDEN = {"ecg_edge": {"tensorflow", "ai_edge_litert", "tflite_micro"}, "export": {"wfdb", "scipy", "sklearn"}}


def imports(file):
    """Dotted names of the modules that `file` imports."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module


def foreign(folder):
    """(file, module) for all imports below `folder` that are not of the standard library."""
    for file in sorted((ROOT / folder).rglob("*.py")):
        for module in imports(file):
            if module.split(".")[0] not in sys.stdlib_module_names:
                yield str(file.relative_to(ROOT)), module


@pytest.mark.parametrize("folder", ALLOWED)
def test_a_folder_imports_only_what_it_may(folder):
    found = list(foreign(folder))
    wrong = [
        (file, module)
        for file, module in found
        if not any(module == name or module.startswith(f"{name}.") for name in ALLOWED[folder])
    ]
    assert found and not wrong


@pytest.mark.parametrize("folder", FORBIDDEN)
def test_a_folder_leaves_alone_what_is_another_s(folder):
    found = list(foreign(folder))
    assert found and not [(file, module) for file, module in found if module.split(".")[0] in FORBIDDEN[folder]]
