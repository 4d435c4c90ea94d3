"""The imports between the packages of this repository: their order, and a picture of them.

python tests/import_graph.py        writes docs/contributing/imports.md
"""

import ast
import graphlib
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "contributing" / "imports.md"
PACKAGES = ("firmware_bench", "models_keras", "export", "ecg_edge")
# From the bottom up: an import goes to an earlier line, or stays within its own. A name stands for everything below it
# that no other line names.
LAYERS = (
    "firmware_bench.runtime",
    "firmware_bench.front_end",
    "firmware_bench",
    "firmware_bench.rpi",
    "firmware_bench.mcu",
    "models_keras.layers",
    "models_keras",
    "export.tflite",
    "export.targets",
    "export.tf_private",
    "export.c99",
    "export.verify",
    "export.reference_vectors",
    "export.quantise",
    "export.convert",
    "export",
    "ecg_edge.extras",
    "ecg_edge.records",
    "ecg_edge.signals",
    "ecg_edge.data",
    "ecg_edge.tasks",
    "ecg_edge.keras_backend",
    "ecg_edge.number_format",
    "ecg_edge.text_length",
    "ecg_edge.interrupts",
    "ecg_edge.reporter",
    "ecg_edge.tflite_predictor",
    "ecg_edge.training",
    "ecg_edge.embedding",
    "ecg_edge.run_folder",
    "ecg_edge.run_files",
    "ecg_edge.software_versions",
    "ecg_edge.run_description",
    "ecg_edge.run",
    "ecg_edge.evaluation",
    "ecg_edge.zoo",
    "ecg_edge.attribution",
    "ecg_edge.api",
    "ecg_edge.plot",
    "ecg_edge.html_report",
    "ecg_edge.view",
    "ecg_edge",
    "ecg_edge.terminal_progress",
    "ecg_edge.console",
    "ecg_edge.memory_tables",
    "ecg_edge.bench_tables",
    "ecg_edge.export_tables",
    "ecg_edge.evaluation_tables",
    "ecg_edge.database_tables",
    "ecg_edge.architecture_tables",
    "ecg_edge.first_screen",
    "ecg_edge.live_display",
    "ecg_edge.cli",
    "ecg_edge.__main__",
    "ecg_edge.demo",
)


def find_modules() -> dict[str, Path]:
    """Return every module of the packages by its dotted name, with its file."""
    files = [file for package in PACKAGES for file in sorted((ROOT / package).rglob("*.py"))]
    return {".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): file for file in files}


def find_imports(file: Path, modules: dict[str, Path]) -> set[str]:
    """Return the modules that a file imports, wherever in the file the import stands.

    Args:
        file: The file.
        modules: The modules of this repository; a name that is imported from a package and is itself a module counts as
            that module.
    """
    found = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.module and not node.level, f"{file}: a relative import"
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {name if name in modules else node.module for name in names}
    return found


def layer_of(module: str) -> str:
    """Return the line of LAYERS that a module belongs to: the longest one that names it or a package around it."""
    return max((name for name in LAYERS if f"{module}.".startswith(f"{name}.")), key=len)


def find_layer_imports() -> dict[str, dict[str, set[str]]]:
    """Return layer → layer that it imports → "importing module → imported module", other than itself."""
    modules = find_modules()
    graph = {name: {} for name in LAYERS}
    for module, file in modules.items():
        for imported in find_imports(file, modules) & modules.keys():
            if layer_of(module) != layer_of(imported):
                graph[layer_of(module)].setdefault(layer_of(imported), set()).add(f"{module} → {imported}")
    return graph


def find_circle() -> list[str]:
    """Return layers that import each other in a circle, from one back to itself; empty where there is none."""
    try:
        graphlib.TopologicalSorter({name: set(imports) for name, imports in find_layer_imports().items()}).prepare()
    except graphlib.CycleError as error:
        return error.args[1]
    return []


def draw() -> str:
    """Return the page with the picture: an arrow for every import that no longer way through other arrows implies."""
    graph = find_layer_imports()
    reached: dict[str, set[str]] = {}
    for name in LAYERS:  # bottom up, so that what is below is known
        reached[name] = set(graph[name]).union(*(reached[below] for below in graph[name]))
    lines = []
    for package in PACKAGES:
        members = [name for name in LAYERS if name.split(".")[0] == package]
        lines += [f'    subgraph {package}_package["{package}"]']
        lines += [f'        {name.replace(".", "_")}["{name}"]' for name in reversed(members)]
        lines += ["    end"]
    for name in reversed(LAYERS):
        direct = [below for below in graph[name] if not any(below in reached[other] for other in graph[name])]
        lines += [f"    {name.replace('.', '_')} --> {below.replace('.', '_')}" for below in sorted(direct)]
    picture = "\n".join(["flowchart TD", *lines])
    return f"""# Imports between the packages

An arrow means "imports". An arrow that a longer way implies is left out. There is no circle: `tests/import_graph.py`
states the order of the layers from the bottom up, and `tests/test_imports.py` fails on an import that goes up.
`python tests/import_graph.py` writes this page.

```mermaid
{picture}
```
"""


if __name__ == "__main__":
    PAGE.write_text(draw(), encoding="utf-8")
    print(PAGE.relative_to(ROOT))
