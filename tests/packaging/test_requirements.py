"""setup.cfg declares what is imported: for every installation the runtime's packages, for the others an extra."""

import ast
import configparser
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PACKAGES = ("ecg_edge", "export", "firmware_bench", "models_keras")
OWN = {*PACKAGES, "benchmarks"}
# folder → the extras whose packages its files may import; what every installation has is allowed everywhere
EXTRAS = {
    "ecg_edge": {"train", "export", "plot", "view", "tracking", "formats", "serial"},  # gradients: TensorFlow or JAX
    "export": {"train", "export"},
    "firmware_bench": {"export"},  # tflite-micro
    "models_keras": {"train"},
    "benchmarks": {"train", "export", "view", "test"},
    "tests": {"train", "export", "plot", "view", "tracking", "formats", "serial", "test", "docs"},
}


def requirements(text: str) -> set[str]:
    return {canonicalize_name(Requirement(line).name) for line in text.strip().splitlines()}


def read_setup() -> tuple[set[str], dict[str, set[str]]]:
    """What every installation has, and the packages of each extra."""
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    extras = {name: requirements(text) for name, text in setup["options.extras_require"].items()}
    return requirements(setup["options"]["install_requires"]), extras


def third_party_imports(folder: str) -> dict[str, set[Path]]:
    """{distribution: files that import it}, wherever in the file the import stands."""
    distributions = packages_distributions()
    scripts = (ROOT / other for other in ("benchmarks", "docs", "tests") if folder not in PACKAGES)
    # Their own modules and packages, imported by their bare names.
    local = {path.stem for other in scripts for path in (*other.rglob("*.py"), *other.glob("*/"))}
    found: dict[str, set[Path]] = {}
    for file in ROOT.joinpath(folder).rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Import):
                modules = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                modules = [node.module or ""]
            else:
                continue
            for module in {module.split(".")[0] for module in modules} - {*sys.stdlib_module_names, *OWN, *local}:
                for distribution in distributions.get(module, [module]):
                    found.setdefault(canonicalize_name(distribution), set()).add(file.relative_to(ROOT))
    return found


@pytest.mark.parametrize("folder", EXTRAS)
def test_what_a_folder_imports_is_declared(folder):
    runtime, extras = read_setup()
    declared = runtime.union(*(extras[name] for name in EXTRAS[folder]))
    found = third_party_imports(folder)
    assert found
    assert not {name: files for name, files in found.items() if name not in declared}


def test_every_installation_has_only_what_the_packages_import():
    runtime, _ = read_setup()
    imported = set().union(*(third_party_imports(folder) for folder in PACKAGES))
    assert runtime <= imported


def test_the_runtime_needs_no_training_and_no_converter():
    runtime, extras = read_setup()
    assert not runtime & {"tensorflow", "keras", "jax", "tflite-micro", "scikit-learn"}
    assert {"keras", "jax"} <= extras["train"] and "tensorflow" in extras["export"]
