"""The wheel and the sdist of this checkout, for tests that install them."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NOT_SOURCE = (".git", ".venv", "build", "dist", "runs", "*.egg-info", "__pycache__", ".*_cache")


@pytest.fixture(scope="session")
def index():
    """Skips where no package index can be reached."""
    command = ["install", "--quiet", "--dry-run", "--no-deps", "--ignore-installed", "--no-cache-dir", "click"]
    if subprocess.run([sys.executable, "-m", "pip", *command], capture_output=True).returncode:
        pytest.skip("pip reaches no package index")


@pytest.fixture(scope="session")
def distributions(index, tmp_path_factory):
    """(wheel, sdist, source): built from a copy of the checkout, the wheel out of the sdist."""
    source, out = tmp_path_factory.mktemp("checkout") / "ecg-edge", tmp_path_factory.mktemp("dist")
    shutil.copytree(ROOT, source, ignore=shutil.ignore_patterns(*NOT_SOURCE))
    built = subprocess.run(
        [sys.executable, "-m", "build", "--outdir", out, source], capture_output=True, text=True, cwd=out
    )
    assert built.returncode == 0, built.stdout[-2000:] + built.stderr[-2000:]
    return next(out.glob("*.whl")), next(out.glob("*.tar.gz")), source
