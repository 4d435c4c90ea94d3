"""What is published: what the sdist and the wheel hold, where they can be installed, what runs once they are."""

import json
import subprocess
import sys
import tarfile
import zipfile

import pytest
from small_models import convolutional

from ecg_edge.demo import write_wfdb
from ecg_edge.records.synthetic_ecg import synthesise

pytestmark = pytest.mark.slow

PACKAGES = ("ecg_edge", "export", "firmware_bench", "models_keras")


def files_of(source, *folders) -> set[str]:
    return {
        str(path.relative_to(source))
        for folder in folders
        for path in source.joinpath(folder).rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }


def test_the_sdist_holds_the_checkout(distributions):
    _, sdist, source = distributions
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    expected = files_of(source, *PACKAGES, "tests", "docs", "benchmarks", ".ci")
    expected |= {path.name for path in source.iterdir() if path.is_file()}
    assert len([name for name in expected if name.startswith("tests/")]) > 100
    assert not expected - names


def test_the_wheel_holds_the_packages_alone(distributions):
    wheel, _, source = distributions
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
        assert any(name.endswith("licenses/LICENSE") for name in archive.namelist())
    assert names == files_of(source, *PACKAGES)
    assert {f"{package}/py.typed" for package in PACKAGES} <= names


# --------------------------------------------------------------------------------------------------- platforms

# pip takes wheels for another platform by their tags, but evaluates environment markers on the machine it runs on.
PIP_FOR_A_PLATFORM = """
import json, sys
from pip._vendor.packaging import markers
from pip._internal.cli.main import main
own, other = markers.default_environment, json.loads(sys.argv[1])
markers.default_environment = lambda: {**own(), **other}
sys.exit(main(sys.argv[2:]))
"""


def manylinux(machine):
    """Tags of wheels for glibc 2.28 and earlier, with their former names."""
    return [f"manylinux{n}_{machine}" for n in (2014, 2010, 1)] + [f"manylinux_2_{n}_{machine}" for n in range(5, 29)]


# glibc 2.28 (2018) is the oldest that all wheels run on, macOS 12 and 14 the oldest versions
PLATFORMS = {
    "linux-x86_64": ("linux", "Linux", "posix", "x86_64", manylinux("x86_64")),
    "linux-arm64": ("linux", "Linux", "posix", "aarch64", manylinux("aarch64")),
    "macos-arm64": ("darwin", "Darwin", "posix", "arm64", ["macosx_12_0_arm64"]),
    "windows": ("win32", "Windows", "nt", "AMD64", ["win_amd64"]),
}


def resolve(requirement, platform, version, report):
    """What pip would install there: {distribution: version}; fails with pip's own words."""
    system, system_name, os_name, machine, tags = PLATFORMS[platform]
    environment = {
        "sys_platform": system,
        "platform_system": system_name,
        "os_name": os_name,
        "platform_machine": machine,
        "python_version": version,
        "python_full_version": f"{version}.0",
    }
    command = ["install", "--dry-run", "--quiet", "--ignore-installed", "--no-cache-dir", "--only-binary=:all:"]
    command += ["--target", str(report.parent / "target"), "--report", str(report), "--python-version", version]
    command += [word for tag in tags for word in ("--platform", tag)]
    ran = subprocess.run(
        [sys.executable, "-c", PIP_FOR_A_PLATFORM, json.dumps(environment), *command, requirement],
        capture_output=True,
        text=True,
    )
    errors = [line for line in ran.stderr.splitlines() if line.startswith("ERROR")]
    assert ran.returncode == 0, "\n".join(errors)
    packages = (item["metadata"] for item in json.loads(report.read_text())["install"])
    return {package["name"].lower().replace("_", "-"): package["version"] for package in packages}


@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13"])
@pytest.mark.parametrize("platform", PLATFORMS)
def test_every_platform_finds_wheels_of_the_runtime_and_the_extras(distributions, platform, version, tmp_path):
    wheel = distributions[0]
    extras = "train,export,plot,vela" + ("" if platform.startswith("linux") else ",gpu")  # CUDA is Linux's
    found = resolve(f"{wheel}[{extras}]", platform, version, tmp_path / "report.json")
    assert {"ai-edge-litert", "keras", "jax", "tensorflow"} <= found.keys()
    assert ("tflite-micro" in found) == (platform == "linux-x86_64")
    assert not any("cuda" in name for name in found)


def test_jax_for_a_gpu_comes_with_cuda_on_linux(distributions, tmp_path):
    found = resolve(f"{distributions[0]}[gpu]", "linux-x86_64", "3.12", tmp_path / "report.json")
    assert {"jax", "jax-cuda12-plugin", "keras"} <= found.keys()


# ------------------------------------------------------------------------------------- the installed wheel alone


@pytest.fixture(scope="module")
def runtime(distributions, tmp_path_factory):
    """The Python of a fresh environment that holds the wheel and what it requires; outside the checkout."""
    folder = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    python = folder / "bin" / "python"
    subprocess.run(
        [python, "-m", "pip", "install", "--quiet", "--no-compile", distributions[0]], check=True, capture_output=True
    )
    return python


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A model and a recording."""
    folder = tmp_path_factory.mktemp("work")
    folder.joinpath("model.tflite").write_bytes(convolutional())
    write_wfdb(synthesise("AF", seed=0), folder)
    return folder


def run(python, folder, *words):
    """`ecg-edge` of that environment in `folder`, without this process's paths."""
    environment = {"PATH": f"{python.parent}:/usr/bin:/bin", "HOME": str(folder), "PYTHONSAFEPATH": "1"}
    command = [python.parent / "ecg-edge", *map(str, words)]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)


def test_the_environment_has_neither_tensorflow_nor_keras(runtime):
    probe = "from importlib.util import find_spec; print([n for n in ('tensorflow', 'keras', 'jax') if find_spec(n)])"
    ran = subprocess.run([runtime, "-P", "-c", probe], capture_output=True, text=True, cwd=runtime.parent)
    assert ran.stdout.strip() == "[]"


def test_the_installed_wheel_predicts(runtime, folder):
    (record,) = folder.glob("*.hea")
    ran = run(runtime, folder, "predict", "model.tflite", record.with_suffix("").name, "--json")
    assert ran.returncode == 0, ran.stderr
    (found,) = json.loads(ran.stdout)["records"]
    assert found["label"] in ("N", "A", "O")


def test_the_installed_wheel_predicts_a_csv_by_name(runtime, folder):
    signal = synthesise("AF", seed=0, seconds=30, fs=250, leads=("I",)).signal
    folder.joinpath("my.csv").write_text("I\n" + "\n".join(f"{value:.3f}" for value in signal[:, 0]), encoding="utf-8")
    ran = run(runtime, folder, "predict", "af-single-lead-small", "my.csv", "--fs", 250, "--units", "mV", "--json")
    assert ran.returncode == 0, ran.stderr
    (found,) = json.loads(ran.stdout)["records"]
    assert found["label"] in ("N", "A", "O", "~") and found["seconds"] == 30


def test_the_installed_wheel_benches(runtime, folder):
    ran = run(runtime, folder, "bench", "model.tflite", "--json")
    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout)["results"]


@pytest.mark.parametrize("words", [["--version"], ["--help"], ["data", "list"], ["mcu", "model.tflite"]])
def test_the_installed_wheel_runs_what_needs_no_training(runtime, folder, words):
    ran = run(runtime, folder, *words)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout and "Traceback" not in ran.stderr


def test_the_installed_wheel_names_the_extra_that_training_needs(runtime, folder):
    ran = run(runtime, folder, "train", "--arch", "cnn", "--run", "runs/own")
    assert ran.returncode == 2 and not folder.joinpath("runs").exists()
    assert 'pip install "ecg-edge[train]"' in ran.stderr and ran.stderr.count("\n") == 1
