"""Who may import whom: imports go down from the command line to the device, and never in a circle."""

import ast
import collections
import sys

import import_graph
import pytest
from import_graph import LAYERS, PACKAGES, ROOT, find_imports, find_layer_imports, find_modules, layer_of

MODULES = find_modules()
# layer → what it may import beside the standard library and this repository; the layers of a package that is not listed
# may import what the package may
LIBRARIES = {
    "firmware_bench": {"numpy"},
    "firmware_bench.mcu": {"numpy", "tflite_micro"},
    "models_keras": {"keras", "numpy"},
    "export": {"tensorflow", "keras", "numpy", "ai_edge_litert", "flatbuffers"},
    "export.verify": {"numpy", "ai_edge_litert", "tflite_micro"},
    "ecg_edge": {"numpy", "keras"},
    "ecg_edge.records": {"numpy", "scipy", "wfdb", "soundfile", "pydicom", "ecgdatakit"},
    "ecg_edge.signals": {"numpy", "scipy", "wfdb"},
    "ecg_edge.data": {"numpy"},
    "ecg_edge.tasks": {"numpy"},
    "ecg_edge.evaluation": {"numpy"},
    "ecg_edge.api": {"numpy", "matplotlib", "mlflow", "serial", "tensorboardX"},
    "ecg_edge.attribution": {"numpy", "keras", "tensorflow", "jax"},
    "ecg_edge.plot": {"numpy", "matplotlib"},
    "ecg_edge.html_report": {"numpy", "jinja2"},
    "ecg_edge.view": {"dash", "flask", "numpy", "plotly", "werkzeug"},
    "ecg_edge.demo": {"wfdb"},
    "ecg_edge.console": {"rich"},
    "ecg_edge.terminal_progress": {"rich"},
    "ecg_edge.cli": {"click"},
}
CLI_LINES = 1000


def libraries(module):
    """The libraries that a module may import."""
    name = module
    while name not in LIBRARIES:
        name = name.rpartition(".")[0]
    return LIBRARIES[name]


def test_imports_go_down():
    """Wherever in a file they stand."""
    place = {name: number for number, name in enumerate(LAYERS)}
    graph = find_layer_imports()
    up = [lines for name, imported in graph.items() for below, lines in imported.items() if place[below] > place[name]]
    assert not up and sum(map(len, graph.values())) > 50


def test_no_packages_import_each_other_in_a_circle():
    assert not import_graph.find_circle()


@pytest.mark.parametrize("package", PACKAGES)
def test_modules_import_the_libraries_of_their_layer(package):
    """firmware_bench.runtime, for one, needs numpy and nothing else."""
    wrong = {
        module: foreign
        for module, file in MODULES.items()
        if module.split(".")[0] == package
        for foreign in [{name.split(".")[0] for name in find_imports(file, MODULES)} - {*PACKAGES} - libraries(module)]
        if foreign - sys.stdlib_module_names
    }
    assert not {module: foreign - sys.stdlib_module_names for module, foreign in wrong.items()}


def test_nothing_imports_the_command_line():
    importing = {name for name, imported in find_layer_imports().items() if "ecg_edge.cli" in imported}
    assert importing == {"ecg_edge.__main__"}


def test_the_command_line_is_thin():
    lines = sum(len(file.read_text().splitlines()) for module, file in MODULES.items() if ".cli" in module)
    assert 0 < lines < CLI_LINES


def test_no_file_name_occurs_twice():
    names = collections.Counter(file.name for file in MODULES.values())
    assert not [name for name, count in names.items() if count > 1 and name not in ("__init__.py", "__main__.py")]


def test_no_public_class_name_occurs_twice():
    places = collections.defaultdict(list)
    for module, file in MODULES.items():
        for node in ast.parse(file.read_text()).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places[node.name].append(module)
    assert not {name: modules for name, modules in places.items() if len(modules) > 1}


def test_no_import_of_a_module_ends_the_process():
    """What is called when a module is imported neither exits nor raises SystemExit."""
    ending = {
        module
        for module, file in MODULES.items()
        for statement in ast.parse(file.read_text()).body
        if not isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)) and not is_main(statement)
        for node in ast.walk(statement)
        if getattr(node, "attr", getattr(node, "id", "")) in ("exit", "_exit", "abort", "SystemExit", "quit")
    }
    assert ending <= {"ecg_edge.__main__"}


def is_main(statement):
    """Whether it is `if __name__ == "__main__":`."""
    return isinstance(statement, ast.If) and ast.unparse(statement.test) == "__name__ == '__main__'"


def test_a_circle_would_be_found(monkeypatch):
    monkeypatch.setattr(
        import_graph, "find_layer_imports", lambda: {"a": {"b": set()}, "b": {"c": set()}, "c": {"a": set()}}
    )
    assert set(import_graph.find_circle()) == {"a", "b", "c"}


def test_the_bottom_layer_is_the_first_line():
    assert LAYERS[0] == "firmware_bench.runtime" and (ROOT / "firmware_bench" / "runtime").is_dir()


def test_the_picture_of_the_imports_is_up_to_date():
    assert import_graph.PAGE.read_text() == import_graph.draw(), "run python tests/import_graph.py"


def test_every_layer_has_modules():
    assert set(map(layer_of, MODULES)) == set(LAYERS)
