"""ecg-edge mcu."""

import json

import pytest
from click.testing import CliRunner
from small_models import convolutional

from ecg_edge.cli.mcu import command, fit
from ecg_edge.errors import InputError
from firmware_bench import qemu, tflm
from firmware_bench.boards import BOARDS


@pytest.fixture(autouse=True)
def toolchain(request, monkeypatch):
    """The quick tests do without the Arm toolchain, as a machine that has none."""
    if "slow" not in request.keywords:
        monkeypatch.setattr(qemu, "missing", lambda: ["arm-none-eabi-gcc"])


@pytest.fixture
def model(tmp_path):
    path = tmp_path / "model.tflite"
    path.write_bytes(convolutional())
    return str(path)


def test_json_holds_arena_flash_and_every_board(model):
    ran = CliRunner().invoke(command, [model, "--json"])
    report = json.loads(ran.stdout)
    assert report["arena"]["total"] == tflm.arena(convolutional()).total
    assert report["flash"]["file"] == len(convolutional()) > report["flash"]["weights"] > 0
    assert report["boards"].keys() == BOARDS.keys() and all(board["fits"] for board in report["boards"].values())
    assert all(board["label"].startswith("estimated") for board in report["boards"].values())
    assert "64-bit host" in report["arena"]["label"]


def test_one_board_by_name_in_any_case(model):
    ran = CliRunner().invoke(command, [model, "--board", "nrf52840"])
    assert "nRF52840" in ran.stdout and "STM32F407" not in ran.stdout and "estimated" in ran.stdout
    assert ran.stderr.startswith("next: ecg-edge predict")


def test_what_is_missing_is_told_in_bytes():
    board = BOARDS["STM32F407"]
    assert fit(board, board.flash, board.block)["fits"]
    row = fit(board, board.flash + 1, board.block + 1024)
    assert not row["fits"] and row["verdict"] == "1 bytes of flash missing, 1,024 bytes of RAM missing"


def test_unknown_board_and_bad_files(model, tmp_path):
    error = CliRunner().invoke(command, [model, "--board", "STM32H734"]).exception
    assert isinstance(error, InputError) and "did you mean STM32H743" in str(error)
    (tmp_path / "bad.tflite").write_bytes(convolutional()[:1000])
    for name in ("bad.tflite", "absent.tflite"):
        error = CliRunner().invoke(command, [str(tmp_path / name)]).exception
        assert isinstance(error, InputError) and name in str(error) and "\n" not in str(error)


def test_without_the_toolchain_the_program_is_planned_and_its_packages_are_named(model):
    ran = CliRunner().invoke(command, [model, "--json"])
    found = json.loads(ran.stdout)["c99"]
    assert found["static_ram"]["label"] == "planned" and 0 < found["static_ram"]["bytes"] < 2048
    assert "gcc-arm-none-eabi" in found["none"] and "instructions" not in found
    assert "gcc-arm-none-eabi" in CliRunner().invoke(command, [model, "--board", "RP2040"]).stdout


def test_a_float_file_is_not_for_a_microcontroller(tmp_path):
    (tmp_path / "float.tflite").write_bytes(convolutional(integer=False))
    error = CliRunner().invoke(command, [str(tmp_path / "float.tflite")]).exception
    assert isinstance(error, InputError) and "float.tflite: calculates in float" in str(error)


@pytest.mark.slow
@pytest.mark.skipif(bool(qemu.missing()), reason=f"not installed: {', '.join(qemu.missing())}")
def test_with_the_toolchain_every_board_is_linked_and_instructions_are_counted(model):
    found = json.loads(CliRunner().invoke(command, [model, "--json"]).stdout)["c99"]
    assert found["differing"] == 0 and found["instructions"] > 10_000
    assert found["ram"]["static"] == found["static_ram"]["bytes"]
    assert found["boards"].keys() == BOARDS.keys() and all(row["fits"] for row in found["boards"].values())
    shown = CliRunner().invoke(command, [model, "--board", "RP2040"]).stdout
    assert "instructions of a window" in shown and "fits" in shown
