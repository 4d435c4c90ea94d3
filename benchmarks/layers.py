"""What the export makes of every layer, one by one: each form of a small model of that layer, and whether it is exact.

    python benchmarks/layers.py [--layer NAME]… [--form FORM]…

Of each layer a small untrained model is converted to every form and checked as `ecg-edge export` checks a file: the
lint, and LiteRT's reference kernels against TensorFlow Lite Micro; the agreement with Keras is a column. The C99
program of the file is compiled and compared with LiteRT on noise over the whole range of the inputs and constants at
its ends. "exact" says that all runtimes give the same numbers, "close" that TensorFlow Lite Micro differs downstream of
an LSTM by what the acceptance checks allow. The program of 16 bits is that of the stream, or where there is none of a
whole window in 16 bits. With --result and neither --layer nor --form,
export/convert/layer_forms.json is written as well. Layers share processes: the converter starts once for many, and once
more behind a layer at which it crashes.
"""

import contextlib
import ctypes
import io
import json
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path

import click
import numpy as np
from benchmark_result import report, result_option, run

FORMS = ("int8", "qat", "rpi", "streaming", "c99_8", "c99_16")
EXACT, CLOSE = "exact", "close"
NO_STREAM = re.compile(r"the model cannot run as a stream: layer '\w+' \((\w+)\) ")
WINDOWS = 16
ALIGNMENT = 64  # bytes that a compiler may add to a program's memory
TABLE = Path(__file__).parents[1] / "export" / "convert" / "layer_forms.json"  # what the export tells before training
CONDITIONS = "untrained, noise; LiteRT's reference kernels, TensorFlow Lite Micro and gcc on the same inputs"


@click.command()
@click.option("--layer", "names", multiple=True, help="May be repeated. Default: all.")
@click.option("--form", "forms", multiple=True, type=click.Choice(FORMS), help="May be repeated. Default: all.")
@result_option
def main(names, forms, result):
    rows = [separate_reasons(row) for row in sweep(names, forms or FORMS)]
    if result and not names and not forms:
        table = {row["layer"]: {key: row[key] for key in (*FORMS, "reason") if key in row} for row in rows}
        TABLE.write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")
    report(result, "Layers of Keras and the forms of the export", "measured", CONDITIONS, rows)


def separate_reasons(row: dict) -> dict:
    """Return a row with "no" alone for what is not made, and why not, of 8 bits and of a stream."""
    reasons = {form: str(row[form])[4:] for form in FORMS if str(row.get(form)).startswith("no: ")}
    short = row | dict.fromkeys(reasons, "no")
    whole = [reason for form, reason in reasons.items() if form not in ("streaming", "c99_16")]
    stream = [NO_STREAM.sub(r"\1 ", reasons[form]) for form in ("streaming", "c99_16") if form in reasons]
    return short | {key: found[0] for key, found in (("reason", whole), ("stream_reason", stream)) if found}


def sweep(names: Sequence[str], forms: Sequence[str]) -> list[dict]:
    """Return a row for each layer, measured in child processes: one for all, and another one after each crash.

    Args:
        names: Of benchmarks/layer_models.py; none: all.
        forms: Of FORMS.

    Raises:
        InputError: There is no such layer.
    """
    from firmware_bench.runtime.errors import InputError

    rows: list[dict] = []
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "rows")
        while not rows or len(rows) < len(names):
            file.write_text("")
            command = [sys.executable, __file__, "measure", str(file), *forms, "--", *names[len(rows) :]]
            ran = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
            lines = file.read_text().split("\n")[:-1]  # what is behind the last line's end was cut off by a crash
            begun, *parts = [json.loads(line) for line in lines] or [[]]
            if ran.returncode > 0:
                raise InputError(ran.stderr.strip().splitlines()[-1])
            names = names or begun
            rows += [part for part in parts if part.pop("done")]
            if ran.returncode < 0:
                reason = f"no: the converter crashes ({signal.Signals(-ran.returncode).name})"
                made = parts[-1] if parts and parts[-1] is not (rows or [None])[-1] else {}
                rows.append({"layer": names[len(rows)], **dict.fromkeys(forms, reason), **made})
    return rows


def measure(file: Path, forms: Sequence[str], names: Sequence[str]) -> None:
    """The child: appends a line of JSON to `file` after every form of a layer."""
    from layer_models import build_models

    from export.convert import layer_forms
    from export.convert.conversion_job import import_layers
    from firmware_bench.runtime.errors import unknown_name

    def write(line):
        with file.open("a") as lines:
            print(json.dumps(line), file=lines)

    layer_forms.load_table = dict  # what it says is measured anew
    import_layers()
    models = build_models()
    if unknown := [name for name in names if name not in models]:
        sys.exit(str(unknown_name("layer", unknown[0], models)))
    write(names := names or list(models))
    for name in names:
        row: dict = {"layer": name}
        with contextlib.redirect_stdout(io.StringIO()):
            sweeper = LayerSweep(models[name]())
            for form in forms:
                row[form] = sweeper.outcome(form)
                write(row | {"done": False})
        write(row | sweeper.figures | {"done": True})


class LayerSweep:
    """The forms of one model.

    Args:
        model: A model of one signal.

    Attributes:
        figures: The agreement of the 8-bit file and of the stream with Keras, dB.
    """

    def __init__(self, model):
        self.model, self.figures = model, {}
        random = np.random.default_rng(0)
        (signal_in,) = model.inputs
        noise = random.uniform(-1, 1, size=(WINDOWS, *signal_in.shape[1:]))
        noise += random.uniform(-1, 1, size=(WINDOWS, 1, 1))  # so that the mean over a window is no rounding error
        # The same windows calibrate and check: what is measured is rounding, not how far a few windows reach.
        self.parts = [{signal_in.name: noise.astype(np.float32)}] * 3
        self.files: dict[str, bytes] = {}

    def outcome(self, form: str) -> str:
        """Return EXACT, CLOSE, or "no: " and why not."""
        from firmware_bench.runtime.errors import AcceptanceError, InputError

        makers: dict[str, Callable[[], str]] = {
            "c99_8": lambda: self.check_program("int8"),
            "c99_16": lambda: self.check_program("streaming"),
        }
        try:
            return makers.get(form, lambda: self.check_file(form))()
        except (AcceptanceError, InputError) as error:
            return f"no: {error}"
        except Exception as error:  # whatever the converter or a layer raises
            return f"no: {type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"[:300]

    def file(self, form: str) -> bytes:
        """Return the converted file of a form."""
        from export.convert.strategies import Int16Strategy, choose_strategy
        from export.targets import find_target

        if form not in self.files:
            strategy = choose_strategy(
                self.model,
                find_target("rpi" if form == "rpi" else "mcu"),
                qat_epochs=int(form == "qat"),
                streaming=form == "streaming",
            )
            if form == "int16":
                strategy = Int16Strategy()
            self.files[form] = self.convert(strategy)
        return self.files[form]

    def convert(self, strategy) -> bytes:
        """Convert in this process, as export.convert.converter_child does in its own."""
        from export.convert.conversion_job import ConversionJob, ExportWindows, receive_result
        from export.convert.keras_model import keras_outputs, output_names
        from export.tflite import flatbuffer
        from export.tflite.signature import describe_tensors
        from firmware_bench.runtime.metadata_format import read_metadata

        model, windows = strategy.prepare(self.model, ExportWindows(*self.parts))
        self.expected, self.windows = keras_outputs(model, windows.check), windows.check
        parts = {name: getattr(windows, name) for name in ("calibration", "check", "training")}
        settings = {"method": strategy.method, "target": strategy.target.name, **strategy.settings()}
        channel = io.BytesIO()
        import_module(f"export.convert.{strategy.method}").convert(ConversionJob(settings, model, parts, channel))
        channel.seek(0)
        converted = receive_result(channel)
        assert converted
        data = converted.data
        import dataclasses

        inputs, outputs = describe_tensors(data, output_names(model, data))
        return flatbuffer.set_metadata(data, dataclasses.replace(read_metadata(data), inputs=inputs, outputs=outputs))

    def check_file(self, form: str) -> str:
        """Return the outcome of a file's acceptance checks."""
        from export.targets import find_target
        from export.verify.lint import lint
        from export.verify.parity import parity

        data = self.file(form)
        checks = [*lint(data, find_target("rpi" if form == "rpi" else "mcu"))]
        answers = {}
        if not any(check.failed for check in checks):
            measured = parity(data, self.windows, self.expected, lambda expected, found: ([], {}))
            checks, answers = [*checks, *measured.checks], measured.answers
            if form in ("int8", "streaming"):
                self.figures[f"{form}_decibels"] = round(measured.figures["decibels"], 1)
        for check in checks:
            if check.failed and "with Keras" not in check.name:  # that is a figure of its own
                return f"no: {check.name}: {check.measured}, required: {check.required}"
        compared = [check.measured for check in checks if check.name.startswith("TFLite Micro's outputs")]
        if "TensorFlow Lite Micro" not in answers or compared[0] in ("0 steps", "all equal"):
            return EXACT
        return CLOSE

    def check_program(self, form: str) -> str:
        """Return the outcome of the C99 program of a file, of 16 bits that of the whole window where none streams."""
        from export.verify.c99_program import check_c99_program

        if form == "streaming":
            try:
                data = self.file("streaming")
            except Exception:
                return compare_program(self.file("int16"))
            check = check_c99_program(data)
            return EXACT if check.passed else f"no: {check.measured.removeprefix('not made: ')}"
        return compare_program(self.file(form))


def compare_program(data: bytes) -> str:
    """Return EXACT where the C99 program of a file that takes a whole window computes what LiteRT computes."""
    from export.c99.generator import generate
    from export.c99.reference_kernels import run_reference_kernels

    with tempfile.TemporaryDirectory() as folder:
        program = generate(data, Path(folder, "program"), "swept")
        sources = [str(path) for path in program.folder.glob("*.c") if path.name != "test.c"]
        flags = ["-std=c99", "-O1", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC"]
        subprocess.run(["gcc", *flags, "-o", f"{folder}/swept.so", *sources], check=True, stderr=subprocess.PIPE)
        function = ctypes.CDLL(f"{folder}/swept.so").swept_run
        memory = ctypes.create_string_buffer(program.memory.total + ALIGNMENT)
        differing = values = 0
        for arrays in make_inputs(data):
            expected = run_reference_kernels(data, arrays)
            found = [np.zeros_like(array) for array in expected]
            function(memory, *(array.ctypes.data_as(ctypes.c_void_p) for array in (*arrays, *found)))
            differing += sum(int(np.count_nonzero(a != b)) for a, b in zip(expected, found, strict=True))
            values += sum(array.size for array in expected)
    return f"no: {differing} of {values} values differ" if differing else EXACT


def make_inputs(data: bytes) -> list[list[np.ndarray]]:
    """Return integer inputs of a file: constants at both ends of the range, noise of several amplitudes."""
    from export.tflite import flatbuffer

    (graph,) = flatbuffer.read(data).subgraphs
    random = np.random.default_rng(1)
    found = []
    for share in (-1, 1, 1, 0.5, 0.25, 0.1):
        arrays = []
        for index in graph.inputs:
            kind = np.iinfo(flatbuffer.type_name(graph.tensors[index]).lower())
            shape = tuple(graph.tensors[index].shape)
            constant = len(found) < 2
            noise = random.uniform(kind.min * abs(share), kind.max * abs(share), shape)
            values = np.full(shape, kind.min if share < 0 else kind.max) if constant else noise
            arrays.append(np.ascontiguousarray(np.round(values).astype(kind.dtype)))
        found.append(arrays)
    return found


if __name__ == "__main__":
    if sys.argv[1:2] == ["measure"]:
        at = sys.argv.index("--")
        measure(Path(sys.argv[2]), sys.argv[3:at], sys.argv[at + 1 :])
    else:
        run(main)
