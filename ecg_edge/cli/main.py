"""ecg-edge: the command line. Each verb is a file of this folder and is imported when it is called."""

import errno
import importlib
import sys

import click

VERBS = {
    "archs": "List every architecture: paper, input, task, parameters, published result.",
    "data": "List, check and download databases of ECG recordings.",
    "train": "Train an architecture on recordings.",
    "evaluate": "Measure a trained run, or its exported file, on the test part.",
    "ablate": "Train and compare the variants of a published study.",
    "export": "Turn a trained run into a fully integer TensorFlow Lite file.",
    "predict": "Label WFDB records with an exported file.",
    "bench": "Measure exported files' speed and memory, here or on a Raspberry Pi.",
    "mcu": "Report the memory that an exported file takes on a microcontroller.",
}


class Verbs(click.Group):
    """Knows the verbs' names and summaries without importing them."""

    def list_commands(self, ctx):
        return list(VERBS)

    def get_command(self, ctx, name):
        if name not in VERBS:
            return None
        return importlib.import_module(f"ecg_edge.cli.{name}").command

    def resolve_command(self, ctx, args):
        from firmware_bench.runtime.errors import unknown_name

        if args and args[0] not in VERBS and not args[0].startswith("-"):
            raise click.UsageError(str(unknown_name("command", args[0], VERBS)))
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx, formatter):
        with formatter.section("Commands"):
            formatter.write_dl(list(VERBS.items()))


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="ecg-edge")
def cli():
    """ECG recordings in, models that run on a Raspberry Pi or a microcontroller out.

    \b
    Examples:
      ecg-edge data list
      ecg-edge train --arch cnn_att_bilstm --preset tiny
      ecg-edge evaluate runs/cnn_att_bilstm-synthetic-20260101-120000
    """


def main() -> None:
    """Runs the command line: an expected error is one line on stderr and its exit status."""
    try:
        cli.main(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (KeyboardInterrupt, click.Abort):
        fail("interrupted", 130)
    except OSError as error:
        if error.errno == errno.EPIPE:
            sys.exit(0)
        reason = error.strerror or str(error)
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            reason = "the disk is full; windows are prepared in ~/.cache/ecg-edge, or where ECG_EDGE_CACHE says"
        fail(f"{error.filename}: {reason}" if error.filename else reason, 2)
    except Exception as error:
        if not hasattr(error, "exit_status"):
            raise
        fail(str(error), error.exit_status)


def fail(text: str, status: int) -> None:
    """`text` as one line on stderr, then the exit."""
    # What an interrupt left half made cannot always be taken down; Python would report that after the line.
    sys.unraisablehook = lambda _: None
    print(f"error: {' '.join(text.split())}", file=sys.stderr)
    sys.exit(status)
