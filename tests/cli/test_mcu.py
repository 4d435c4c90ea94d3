"""ecg-edge mcu."""

import json
import re
import shutil

import pytest
from click.testing import CliRunner
from small_models import SAMPLES, altered, convolutional

from ecg_edge.api import c99_generation
from ecg_edge.api.microcontroller import check_fit
from ecg_edge.cli.mcu import command
from ecg_edge.memory_tables import describe_time, print_program
from ecg_edge.number_format import format_milliseconds
from ecg_edge.training.config import SignalConfig
from export.c99 import generator
from firmware_bench.mcu import board_firmware, qemu, tflm, vela
from firmware_bench.mcu.boards import BOARDS
from firmware_bench.runtime.errors import AcceptanceError, InputError


@pytest.fixture(autouse=True)
def toolchain(request, monkeypatch):
    """The quick tests do without the Arm toolchain, as a machine that has none."""
    if "slow" not in request.keywords:
        monkeypatch.setattr(qemu, "missing", lambda: ["arm-none-eabi-gcc"])
    monkeypatch.setattr(vela, "find_program", lambda: None)


@pytest.fixture
def model(tmp_path):
    path = tmp_path / "model.tflite"
    path.write_bytes(convolutional())
    return str(path)


def test_json_holds_arena_flash_and_every_board(model):
    ran = CliRunner().invoke(command, [model, "--json"])
    report = json.loads(ran.stdout)
    assert report["arena"]["total"] == tflm.measure_arena(convolutional()).total
    assert report["flash"]["file"] == len(convolutional()) > report["flash"]["weights"] > 0
    assert report["boards"].keys() == BOARDS.keys() and all(board["fits"] for board in report["boards"].values())
    assert all(board["label"].startswith("estimated") for board in report["boards"].values())
    assert "64-bit host" in report["arena"]["label"]


def test_one_board_by_name_in_any_case(model):
    ran = CliRunner().invoke(command, [model, "--board", "nrf52840"])
    assert "nRF52840" in ran.stdout and "STM32F407" not in ran.stdout and "estimated" in ran.stdout
    assert ran.stderr.startswith("next: ecg-edge predict")


def test_missing_memory_is_reported_in_bytes():
    board = BOARDS["STM32F407"]
    assert check_fit(board, board.flash, board.block)["fits"]
    row = check_fit(board, board.flash + 1, board.block + 1024)
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
    assert found["static_ram"]["label"].startswith("estimated") and 0 < found["static_ram"]["bytes"] < 2048
    assert "gcc-arm-none-eabi" in found["none"] and "instructions" not in found
    assert "gcc-arm-none-eabi" in CliRunner().invoke(command, [model, "--board", "RP2040"]).stdout


def test_a_file_without_metadata_is_refused(tmp_path):
    (tmp_path / "foreign.tflite").write_bytes(convolutional().replace(b"ecg_edge", b"gce_edge"))
    error = CliRunner().invoke(command, [str(tmp_path / "foreign.tflite")]).exception
    assert isinstance(error, InputError) and "foreign.tflite: the file carries no ecg_edge metadata" in str(error)


def test_a_float_file_is_not_for_a_microcontroller(tmp_path):
    (tmp_path / "float.tflite").write_bytes(convolutional(integer=False))
    error = CliRunner().invoke(command, [str(tmp_path / "float.tflite")]).exception
    assert isinstance(error, InputError) and "float.tflite: computes in float" in str(error)


@pytest.mark.skipif(shutil.which("make") is None or shutil.which("cc") is None, reason="no C compiler is installed")
def test_a_program_that_differs_from_litert_ends_with_one_line_and_no_figure(model, tmp_path, monkeypatch):
    kernels = tmp_path / "kernels"
    shutil.copytree(generator.KERNELS, kernels)
    convolution = kernels / "ecg_conv_sN.c"
    broken = convolution.read_text().replace("ecg_sum4_sN(window, weights,", "ecg_sum4_sN(window, weights + 1,")
    assert broken != convolution.read_text()
    convolution.write_text(broken)
    monkeypatch.setattr(generator, "KERNELS", kernels)
    for words in ([], ["--json"], ["--board", "nRF52840", "--firmware", str(tmp_path / "firmware")]):
        ran = CliRunner().invoke(command, [model, *words])
        assert isinstance(ran.exception, AcceptanceError) and ran.exception.exit_status == 1 and ran.stdout == ""
        assert re.search(r"differs from LiteRT in .*[1-9].* values", str(ran.exception))
    with pytest.raises(AcceptanceError, match="differs from LiteRT"):
        c99_generation.generate_c99(model, tmp_path / "program")
    assert not (tmp_path / "firmware").exists() and not (tmp_path / "program").exists()


@pytest.mark.slow
@pytest.mark.skipif(bool(qemu.missing()), reason=f"not installed: {', '.join(qemu.missing())}")
def test_with_the_toolchain_every_board_is_linked_and_instructions_are_counted(model, capsys):
    found = json.loads(CliRunner().invoke(command, [model, "--json"]).stdout)["c99"]
    assert found["differing"] == 0 and found["instructions"] > 10_000
    assert found["ram"]["static"] == found["static_ram"]["bytes"]
    assert found["boards"].keys() == BOARDS.keys() and all(row["fits"] for row in found["boards"].values())
    profile = found["profile"]
    assert profile["operators"]["conv"] == [2, profile["steps"]["conv1"] + profile["steps"]["conv2"]]
    assert next(iter(profile["operators"])) == "conv" and "measured" in profile["label"]
    time = found["boards"]["nRF52840"]["time"]
    assert time["milliseconds"] == pytest.approx(found["instructions"] * 1.4 / 64e6 * 1000)
    assert time["label"].startswith("estimated") and found["boards"]["ESP32-S3"]["time"] is None
    # a Cortex-M0+ has neither DSP instructions nor long products
    assert found["boards"]["RP2040"]["time"]["instructions"] > 1.5 * found["instructions"]
    push = found["push"]  # a timer that calls it at the sampling rate has to allow the dearest
    assert found["instructions"] > push["dearest"] > 5 * push["mean"] and push["ratio"] > 5
    assert push["mean"] * SAMPLES == pytest.approx(found["instructions"], rel=0.01)
    assert push["sample_ms"] == 10.0 and push["label"].startswith("measured")
    milliseconds = found["boards"]["nRF52840"]["push"]["milliseconds"]
    assert milliseconds == pytest.approx(push["dearest"] * 1.4 / 64e6 * 1000)
    print_program(found)
    shown = capsys.readouterr().out
    assert f"{push['dearest']:,}, {push['ratio']:,} times the mean" in shown and "a sample comes every" in shown
    assert "instructions of a window" in shown and "fits" in shown and "\nconv " in shown
    assert re.search(r"about [0-9.]+ ms, estimated at CPI 1.4 and 133 MHz", shown)


def test_estimated_times_name_their_assumptions():
    time = c99_generation.estimate_time(BOARDS["STM32F407"], 168_000_000)
    assert describe_time(time) == "about 1,400 ms, estimated at CPI 1.4 and 168 MHz"
    assert describe_time(c99_generation.estimate_time(BOARDS["ESP32-S3"], 1)) == "memory only"
    assert [format_milliseconds(value) for value in (27724, 43.96, 3.456)] == ["28,000 ms", "44 ms", "3.5 ms"]


def test_instructions_are_summed_by_operator_in_descending_order():
    steps = {"conv1": 5, "flow": 1, "lstm1": 7, "conv2": 4, "max_pool1": 2}
    assert list(c99_generation.sum_by_operator(steps).items()) == [
        ("conv", (2, 9)), ("lstm", (1, 7)), ("max_pool", (1, 2)), ("flow", (1, 1)),
    ]  # fmt: skip


def test_firmware_replaces_what_was_generated_only(model, tmp_path):
    out = tmp_path / "firmware"
    words = [model, "--firmware", str(out), "--board"]
    for _ in range(2):
        ran = CliRunner().invoke(command, [*words, "nrf52840"])
        assert ran.exit_code == 0 and ran.stderr.endswith(f"next: make -C {out}\n")
    assert (out / "model" / "small.c").exists() and "uart_nrf52" in (out / "Makefile").read_text()
    assert len((out / "windows.bin").read_bytes()) == 4 * 256 * 2
    (out / "main.c").write_text("/* mine */")
    ran = CliRunner().invoke(command, [*words, "nrf52840"])
    assert f"kept {out}/main.c: it was changed" in ran.stderr and (out / "main.c").read_text() == "/* mine */"
    refused = {
        ("RP2040",): "no firmware for RP2040",
        (): f"for one board: there is firmware for {', '.join(board_firmware.supported_boards())}",
    }
    for board, reason in refused.items():
        error = CliRunner().invoke(command, [*(words if board else words[:-1]), *board]).exception
        assert isinstance(error, InputError) and reason in str(error) and "\n" not in str(error)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("")
    error = CliRunner().invoke(command, [model, "--board", "nRF52840", "--firmware", str(tmp_path / "mine")]).exception
    assert isinstance(error, InputError) and "holds files and no ecg_edge_files.json" in str(error)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["firmware", "mine", "model.tflite"]


def test_firmware_of_a_pair_is_written_by_another_command(tmp_path):
    from small_pairs import make_pair

    for name, data in zip(("rhythm.tflite", "beats.tflite"), make_pair(), strict=True):
        (tmp_path / name).write_bytes(data)
    words = [str(tmp_path / "rhythm.tflite"), "--board", "nRF52840", "--firmware", str(tmp_path / "out")]
    ran = CliRunner().invoke(command, words)
    assert isinstance(ran.exception, InputError) and "ecg-edge firmware FILE --target" in str(ran.exception)
    assert not (tmp_path / "out").exists()


def test_ethos_u_is_estimated_where_vela_is_and_its_package_is_named_where_not(model, monkeypatch):
    assert "ethos-u-vela" in CliRunner().invoke(command, [model]).stdout
    figures = vela.EthosUEstimate(cycles=1_000_000, clock=500_000_000, sram=2048, flash=1024, fallback=("PAD", "PAD"))
    monkeypatch.setattr(vela, "estimate", lambda data, processor: figures)
    shown = CliRunner().invoke(command, [model, "--board", "RP2040"]).stdout
    assert "about 2 ms, estimated" in shown and "2 × PAD" in shown and "not measured" in shown
    found = json.loads(CliRunner().invoke(command, [model, "--json"]).stdout)["ethos_u"]
    assert found["Ethos-U55-128"]["sram"] == 2048 and found["Ethos-U55-128"]["label"].startswith("estimated")


@pytest.mark.slow
@pytest.mark.skipif(bool(qemu.missing()), reason=f"not installed: {', '.join(qemu.missing())}")
def test_the_path_from_a_sensor_to_labels_is_measured(tmp_path):
    steps = SignalConfig(fs=100.0, mode="causal").steps()
    file = tmp_path / "model.tflite"
    file.write_bytes(altered(convolutional(), preprocessing=steps, window_preprocessing=[]))
    words = [str(file), "--board", "nRF52840", "--counts-per-unit", "200", "--hop", "0.5", "--battery", "100"]
    path = json.loads(CliRunner().invoke(command, [*words, "--json"], catch_exceptions=False).stdout)["path"]
    assert 0 < path["front_end"] < path["instructions"] and path["dearest"] > path["instructions"] / 100
    load = path["boards"]["nRF52840"]
    assert load["share"] == pytest.approx(path["instructions"] * 1.4 / 64e6, rel=1e-4)
    assert load["milliamps"] == pytest.approx(path["instructions"] * 1.4 / 1e6 * 0.052, rel=1e-4)
    assert load["hours"] == pytest.approx(100 / load["milliamps"]) and load["current_label"].startswith("estimated")
    shown = CliRunner().invoke(command, words).stdout
    assert "From 100 Hz counts to an answer every 0.48 s" in shown and "hours on 100 mAh" in shown


def test_without_a_causal_path_the_report_says_why(model):
    ran = CliRunner().invoke(command, [model, "--counts-per-unit", "200"])
    assert ran.exit_code == 0 and "signal.mode=causal" in ran.stdout.partition("From a sensor to labels: ")[2]


@pytest.mark.parametrize("charge", ["-1", "0", "nan", "inf"])
def test_a_battery_without_charge_is_refused(model, charge):
    ran = CliRunner().invoke(command, [model, "--counts-per-unit", "200", "--battery", charge])
    assert isinstance(ran.exception, InputError) and "mAh" in str(ran.exception) and ran.stdout == ""
