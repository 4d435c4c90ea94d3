"""An architecture of one file and one line of the registry, with layers as people write them, in every form."""

import json
import shutil
from pathlib import Path

import pytest
from recipes import copy_tree, run

ADDED = Path(__file__).with_name("added")
# Trains, and exports every form, in one process; prints form → "checks passed".
SCRIPT = """
import json, sys
from pathlib import Path
import ecg_edge
arch, folder, forms = sys.argv[1], Path(sys.argv[2]), json.loads(sys.argv[3])
run = ecg_edge.train(arch, "tiny", folder=folder / "run")
found = {}
for name, options in forms.items():
    report = ecg_edge.export(run, out=folder / f"{name}.tflite", **options)
    found[name] = report.path.exists()
    if name != "rpi":
        found[name + ", C99"] = ecg_edge.generate_c99(folder / f"{name}.tflite", folder / name).static_ram["total"] > 0
print(json.dumps(found))
"""
FORMS = {"int8": {}, "qat": {"qat": True}, "rpi": {"target": "rpi"}}


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """The source tree with three architectures more."""
    folder = tmp_path_factory.mktemp("added") / "copy"
    copy_tree(folder)
    registry = folder / "models_keras" / "registry.py"
    for file in ADDED.glob("*.py"):
        shutil.copy(file, folder / "models_keras")
        text = registry.read_text()
        registry.write_text(text.replace("MODULES = {\n", f'MODULES = {{\n    "{file.stem}": "{file.stem}",\n', 1))
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("arch", [path.stem for path in sorted(ADDED.glob("*.py"))])
def test_every_form_of_an_added_architecture(arch, copy, tmp_path):
    environment = {"ECG_EDGE_CACHE": str(tmp_path / "cache"), "KERAS_BACKEND": "tensorflow"}
    told = run(["ecg-edge", "train", "--arch", arch, "--preset", "tiny", "--dry-run"], copy, environment)
    assert "export as integers: yes" in told
    (tmp_path / "script.py").write_text(SCRIPT)
    printed = run(["python", str(tmp_path / "script.py"), arch, str(tmp_path), json.dumps(FORMS)], copy, environment)
    (line,) = (line for line in printed.splitlines() if line.startswith('{"int8"'))
    found = json.loads(line)
    assert all(found.values()) and len(found) == 2 * len(FORMS) - 1
