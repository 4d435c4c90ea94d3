#!/usr/bin/env python3
"""Measure an exported ECG model on the machine that runs here, for example a Raspberry Pi.

    python -m firmware_bench.bench_rpi --bundle bench_rpi.pyz        here: makes the one file to copy to the device
    python3 bench_rpi.pyz model.tflite [another.tflite …] [--threads 1,2,4] [--windows 100] [--rounds 5] [--json]

Needs Python 3.9 or later, numpy and a TensorFlow Lite runtime: ai-edge-litert, tflite-runtime or tensorflow, the first
that is installed. The model must carry its reference vector: no figure is reported for a runtime that computes
something else. bench_rpi.pyz is a zip archive of this file, of the modules beside it that it imports and of
firmware_bench.runtime.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import shutil
import sys
import tempfile
import zipapp
from pathlib import Path

# What the archive holds, relative to this folder.
BUNDLED = (
    "__init__.py", "bench_rpi.py", "bench_table.py", "machine.py", "measurement.py", "model_trial.py", "runtime/*.py",
)  # fmt: skip
ENTRY_POINT = "import sys\n\nfrom firmware_bench.bench_rpi import main\n\nsys.exit(main())\n"


def write_bundle(path: str | Path) -> None:
    """Write this program as one executable file, a zip archive that Python runs.

    Args:
        path: The file to write, by convention *.pyz.
    """
    here = Path(__file__).parent
    with tempfile.TemporaryDirectory() as folder:
        for source in (file for pattern in BUNDLED for file in here.glob(pattern)):
            target = Path(folder, here.name, source.relative_to(here))
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, target)
        Path(folder, "__main__.py").write_text(ENTRY_POINT)
        zipapp.create_archive(folder, path, interpreter="/usr/bin/env python3", compressed=True)


def parse_threads(text: str) -> list[int]:
    """Return "1,2,4" as numbers of threads, each once."""
    numbers = list(dict.fromkeys(int(word) for word in text.split(",")))
    if min(numbers) < 1:
        raise ValueError(text)
    return numbers


def parse_arguments(argv: list[str] | None) -> argparse.Namespace:
    """Return the arguments of the command line; wrong usage ends the process with exit status 2."""
    parser = argparse.ArgumentParser(description="Latency and memory of exported ECG models on this machine.")
    parser.add_argument("files", nargs="*", metavar="FILE.tflite")
    parser.add_argument(
        "--threads", type=parse_threads, default=[1], metavar="1,2,4", help="threads of the runtime (1)"
    )
    parser.add_argument("--windows", type=int, default=100, help="windows to time of each model, at least 50 (100)")
    parser.add_argument("--rounds", type=int, default=5, help="processes to spread them over, in alternation (5)")
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    parser.add_argument("--out", metavar="FILE.json", help="the JSON object into this file")
    parser.add_argument(
        "--outputs-for", metavar="WINDOWS.npz", help="no benchmark: write the raw outputs for these windows to --out"
    )
    parser.add_argument("--bundle", metavar="FILE.pyz", help="no benchmark: write this program as one file to copy")
    parser.add_argument("--worker", type=float, help=argparse.SUPPRESS)
    parser.add_argument("--trial", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args(argv)
    if bool(arguments.files) == bool(arguments.bundle):
        parser.error("name at least one FILE.tflite, or --bundle FILE.pyz alone")
    if arguments.worker is None and (arguments.windows < 50 or not 1 <= arguments.rounds <= arguments.windows):
        parser.error("at least 50 windows, and from 1 round to as many as there are windows")
    if arguments.outputs_for and not arguments.out:
        parser.error("--outputs-for needs --out")
    return arguments


def run(arguments: argparse.Namespace) -> None:
    """Do what the command line asks for.

    Raises:
        ModelError: A model file or the runtime cannot be used.
    """
    from firmware_bench import measurement
    from firmware_bench.bench_table import format_report
    from firmware_bench.model_trial import run_trial

    if arguments.trial:
        run_trial(arguments.files[0])
        return
    if arguments.worker is not None:
        measurement.exit_with_parent()
        result = measurement.measure_model(
            arguments.files[0], arguments.threads[0], arguments.windows, arguments.worker
        )
        print(json.dumps(result))
        return
    if arguments.outputs_for:
        measurement.write_outputs(arguments.files[0], arguments.outputs_for, arguments.out, arguments.threads[0])
        return
    report = measurement.measure_models(
        arguments.files,
        arguments.threads,
        arguments.windows,
        arguments.rounds,
        lambda line: print(line, file=sys.stderr, flush=True),
    )
    if arguments.out:
        Path(arguments.out).write_text(json.dumps(report, indent=2))
    if arguments.json:
        print(json.dumps(report, indent=2))
    elif not arguments.out:
        print(format_report(report))


def main(argv: list[str] | None = None) -> int:
    """Run the command line.

    Returns:
        The exit status. 0: done. 2: a file or the runtime cannot be used, and one line on stderr says why. 130:
        interrupted.
    """
    arguments = parse_arguments(argv)
    if importlib.util.find_spec("firmware_bench") is None:
        return _fail(
            "its package is missing: make one file with python -m firmware_bench.bench_rpi --bundle bench_rpi.pyz"
        )
    from firmware_bench.runtime.errors import ModelError

    try:
        if arguments.bundle:
            write_bundle(arguments.bundle)
        else:
            run(arguments)
    except ModelError as error:
        return _fail(str(error))
    except ModuleNotFoundError as error:
        if error.name != "numpy":
            raise
        from firmware_bench.runtime.pip_command import advise_pip

        return _fail(f"numpy is not installed: {advise_pip('numpy')}")
    except OSError as error:
        return _fail(f"{error.filename or 'bench_rpi'}: {error.strerror}")
    except KeyboardInterrupt:
        return _fail("interrupted", 130)
    return 0


def _fail(message, status=2):
    print(f"error: {message}", file=sys.stderr)
    return status


if __name__ == "__main__":
    if not __package__:  # run as a file: its package is in the folder above, and its own folder holds no package
        here = Path(__file__).resolve().parent
        sys.path[:] = [str(here.parent), *(path for path in sys.path if path != str(here))]
    sys.exit(main())
