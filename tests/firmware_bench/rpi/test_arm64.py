"""The real aarch64 runtime on an emulated processor: the same bytes as here, and no word about speed.

ECG_EDGE_ARM64 names the folder that tests/arm64_user_space.sh has made.
"""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from loopback import Loopback, script
from small_models import altered, convolutional, recurrent

from ecg_edge.cli.bench import command as bench
from ecg_edge.cli.predict import command as predict
from ecg_edge.demo import write_wfdb
from ecg_edge.records.synthetic_ecg import synthesise
from firmware_bench import bench_rpi, measurement
from firmware_bench.runtime.errors import AcceptanceError
from firmware_bench.runtime.tflite_model import TFLiteModel

ROOT = Path(__file__).parents[3]
DOCKERFILE = ROOT / "Dockerfile.rpi"
ELF = r":arm64:M::\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00:" \
      r"\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff:"  # fmt: skip


# ------------------------------------------------------------------------------------------------ the Dockerfile


def instructions() -> list[tuple[str, str]]:
    """Dockerfile.rpi as (instruction, argument), comments left out and continued lines joined."""
    lines = [line for line in DOCKERFILE.read_text().splitlines() if line.strip() and not line.startswith("#")]
    return [tuple(line.split(maxsplit=1)) for line in re.sub(r"\\\n\s*", "", "\n".join(lines)).splitlines()]


def arguments(wanted: str) -> list[str]:
    return [argument for instruction, argument in instructions() if instruction == wanted]


def test_the_image_is_pinned_and_its_user_is_not_root():
    assert {name for name, _ in instructions()} == {
        "FROM",
        "RUN",
        "COPY",
        "ENV",
        "WORKDIR",
        "USER",
        "ENTRYPOINT",
        "CMD",
    }
    assert re.fullmatch(r"debian:bookworm-\d{8}-slim", *arguments("FROM"))
    (pip,) = (step for step in arguments("RUN") if "pip install" in step)
    packages = [word for word in pip.split("pip install")[1].split() if not word.startswith("--")]
    assert len(packages) >= 5 and all(re.fullmatch(r"[a-z0-9-]+==[0-9.]+", package) for package in packages)
    user, *_ = arguments("USER")[0].split(":")
    assert user.isdigit() and int(user) > 0
    assert instructions().index(("USER", *arguments("USER"))) > max(
        place for place, (name, _) in enumerate(instructions()) if name in ("RUN", "COPY")
    )
    for copied in arguments("COPY"):
        source, target = copied.split()
        assert (ROOT / source).is_dir() and target.startswith("/opt/ecg-edge/")


WITHOUT_CHECKOUT = """
import sys
sys.meta_path = [finder for finder in sys.meta_path if not getattr(finder, "__name__", "").startswith("_Editable")]
from ecg_edge.cli.main import main
main()
"""


def test_what_the_image_copies_is_enough_to_predict(tmp_path):
    for copied in arguments("COPY"):
        source, target = copied.split()
        shutil.copytree(ROOT / source, tmp_path / Path(target).relative_to("/opt/ecg-edge"))
    (tmp_path / "model.tflite").write_bytes(convolutional())
    record = write_wfdb(synthesise("AF", seed=3), tmp_path)
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    words = ["predict", "model.tflite", record.name, "--json"]
    command = [sys.executable, "-c", WITHOUT_CHECKOUT, *words]
    ran = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    assert [row["record"] for row in json.loads(ran.stdout)["records"]] == [record.name]


# ---------------------------------------------------------------------------------------------- an arm64 machine


@pytest.fixture(scope="session")
def arm64():
    """The folder of an arm64 user space: root/, wheels/, qemu-aarch64."""
    folder = os.environ.get("ECG_EDGE_ARM64")
    if not folder:
        pytest.skip("ECG_EDGE_ARM64 is not set: tests/arm64_user_space.sh makes an arm64 user space")
    return Path(folder).resolve()


@pytest.fixture(scope="session")
def python(arm64, tmp_path_factory):
    """An emulated python3 with ai-edge-litert and numpy."""
    folder = tmp_path_factory.mktemp("arm64")
    for name in ("ai_edge_litert", "numpy"):
        (wheel,) = (arm64 / "wheels").glob(f"{name}-*.whl")
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(folder / "packages")
    # Named as itself, so that a child process is emulated as well.
    script(
        folder / "python3",
        f"export QEMU_CPU=cortex-a72 PYTHONHOME=/usr PYTHONPATH={folder / 'packages'}\n"
        f'exec {arm64 / "qemu-aarch64"} -L {arm64 / "root"} -0 "$0" {arm64 / "root"}/usr/bin/python3 "$@"',
    )
    return folder / "python3"


@pytest.mark.slow
@pytest.mark.parametrize("made", [convolutional, recurrent])
def test_outputs_equal_those_of_this_processor_to_the_byte(python, tmp_path, made):
    (tmp_path / "model.tflite").write_bytes(made())
    model = TFLiteModel(made())
    shape = (20, *model.inputs[0].shape[1:])
    windows = np.random.default_rng(0).integers(-128, 128, shape).astype(np.int8)
    np.savez(tmp_path / "windows.npz", input_0=windows)
    words = ["model.tflite", "--outputs-for", "windows.npz", "--out", "outputs.npz"]
    bench_rpi.write_bundle(tmp_path / "bench_rpi.pyz")
    ran = subprocess.run([python, "bench_rpi.pyz", *words], cwd=tmp_path, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr  # its reference vector came out right
    outputs = np.load(tmp_path / "outputs.npz")["output_0"]
    here = np.concatenate([model.run_raw([window[None]])[0] for window in windows])
    assert outputs.tobytes() == here.tobytes() and len(np.unique(here)) > 10


@pytest.mark.slow
def test_an_emulated_benchmark_over_ssh_is_labelled_and_reports_no_latency(python, tmp_path, monkeypatch):
    device = Loopback(tmp_path, monkeypatch)
    try:
        shutil.copy(python, device.bin / "python3")
        (tmp_path / "model.tflite").write_bytes(convolutional())
        words = ["--rounds", "1", "--windows", "50", "--out", str(tmp_path / "report.json"), *device.words()]
        ran = CliRunner().invoke(bench, [str(tmp_path / "model.tflite"), *words, "--budget-ms", "1000"])
    finally:
        device.stop()
    assert isinstance(ran.exception, AcceptanceError) and "no verdict (emulated, withheld)" in str(ran.exception)
    report = json.loads((tmp_path / "report.json").read_text())
    (result,) = report["results"]
    assert report["stamp"] == "emulated: runs under qemu-aarch64" and not (tmp_path / "report.png").exists()
    assert (report["machine"]["machine"], report["machine"]["cpu"]) == ("aarch64", "Cortex-A72")
    here = measurement.measure_models([str(tmp_path / "model.tflite")], windows=50, rounds=1)
    assert here.keys() == report.keys() and here["machine"].keys() == report["machine"].keys()
    assert result.keys() - {"verdicts"} == here["results"][0].keys()
    assert result["figures"].keys() == here["results"][0]["figures"].keys() and result["rounds"] == []
    assert result["reference"] == here["results"][0]["reference"]
    assert all(one["value"] is None for one in result["figures"].values() if one["unit"] != "bytes")
    assert "ms " not in ran.stdout.replace("174 ms", "").replace("1000 ms", "")


# ---------------------------------------------------------------------------------------------- the image's steps


@pytest.mark.slow
def test_the_steps_of_the_image_run_and_its_entry_point_benches_and_predicts(arm64, tmp_path):
    """Every step in a private arm64 root, as it stands, except apt-get: what it installs is in the root already."""
    (tmp_path / "model.tflite").write_bytes(altered(convolutional(), labels=["SNR", "AF", "LBBB"]))
    (tmp_path / "records").mkdir()
    record = write_wfdb(synthesise("AF", seed=3), tmp_path / "records")
    entry = json.loads(*arguments("ENTRYPOINT"))
    predicting = ["predict", "/model.tflite", f"/records/{record.name}", "--json"]
    steps, environment = [], {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
    for instruction, argument in instructions():
        if instruction == "RUN" and "apt-get" in argument:
            for package in argument.split("--no-install-recommends")[1].split("&&")[0].split():
                assert (arm64 / "root/usr/share/doc" / package).exists(), f"the user space lacks {package}"
        elif instruction == "RUN":
            steps.append(["/bin/sh", "-e", "-c", argument])
        elif instruction == "COPY":
            steps.append(["/bin/sh", "-e", "-c", "mkdir -p $(dirname $1); cp -r /context/$0 $1", *argument.split()])
        elif instruction == "ENV":
            environment |= dict(word.split("=", 1) for word in shlex.split(argument))
    assert len(steps) == 1 + len(arguments("COPY"))
    brought = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": "/wheels", "QEMU_CPU": "cortex-a72"}
    words = [f"{name}={value}" for name, value in {**environment, **brought}.items()]
    inside = ["chroot", "image", "/usr/bin/env", "-i", "-C", *arguments("WORKDIR"), *words]
    lines = [shlex.join([*inside, *step]) + " >&2" for step in steps]
    started = shlex.join([*inside, *entry])
    program = f"""set -e
        mount -t binfmt_misc none /proc/sys/fs/binfmt_misc
        printf '%s' {shlex.quote(ELF + str(arm64 / "qemu-aarch64"))}:F > /proc/sys/fs/binfmt_misc/register
        mkdir image upper work
        mount -t overlay overlay -o lowerdir={arm64 / "root"},upperdir=upper,workdir=work image
        touch ready
        mkdir image/wheels image/context image/records
        mount --bind {arm64 / "wheels"} image/wheels
        mount --bind {ROOT} image/context
        mount --bind records image/records
        mount --rbind /proc image/proc
        mount --rbind /dev image/dev
        cp model.tflite image/model.tflite
        {chr(10).join(lines)}
        umount image/wheels image/context
        {started} {shlex.join([*json.loads(*arguments("CMD")), "--rounds", "1", "--json"])} > bench.json
        {started} {shlex.join(predicting)} > predict.json
    """
    unshared = ["unshare", "--user", "--map-root-user", "--mount", "bash", "-c", program]
    ran = subprocess.run(unshared, cwd=tmp_path, capture_output=True, text=True)
    if not (tmp_path / "ready").exists():
        pytest.skip(f"no private arm64 root here: {ran.stderr.strip()}")
    assert ran.returncode == 0, ran.stderr[-3000:]
    report = json.loads((tmp_path / "bench.json").read_text())
    assert report["stamp"].startswith("emulated") and report["machine"]["machine"] == "aarch64"
    there = json.loads((tmp_path / "predict.json").read_text())
    here = CliRunner().invoke(predict, [str(tmp_path / "model.tflite"), str(record), "--json"])
    for answer, other in zip(there["records"], json.loads(here.stdout)["records"], strict=True):
        assert answer | {"record": ""} == other | {"record": ""}
    assert len(there["records"]) == 1 and not there["errors"]
