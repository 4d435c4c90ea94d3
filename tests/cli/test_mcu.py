"""ecg-edge mcu."""

import json

import pytest
from click.testing import CliRunner
from small_models import convolutional

from ecg_edge.cli.mcu import command, fit
from ecg_edge.errors import InputError
from firmware_bench import tflm
from firmware_bench.boards import BOARDS


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
