"""ecg-edge: the command line. Each command is a file of this folder, imported when it is needed."""

import errno
import importlib
import sys

import click

from ecg_edge import console, interrupts
from firmware_bench.runtime.errors import make_printable, unknown_name

SETTINGS = {"help_option_names": ["-h", "--help"], "max_content_width": 100}
BROKEN_PIPE = 141  # as the shell has it for a process that SIGPIPE ends
COMMANDS = ("archs", "data", "train", "evaluate", "ablate", "export", "zoo", "predict", "view", "live", "bench", "mcu",
            "firmware", "report")  # fmt: skip


QUIET = click.Option(["--quiet"], is_flag=True, expose_value=False, help="Print results and errors alone.",
                     callback=lambda context, option, value: console.silence() if value else None)  # fmt: skip


class LazyGroup(click.Group):
    """Knows the commands' names without importing them."""

    def list_commands(self, ctx):
        return list(COMMANDS)

    def get_command(self, ctx, cmd_name):
        if cmd_name not in COMMANDS:
            return None
        command = importlib.import_module(f"ecg_edge.cli.{cmd_name}").command
        command.params += [] if QUIET in command.params else [QUIET]
        return command

    def resolve_command(self, ctx, args):
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            raise click.UsageError(str(unknown_name("command", args[0], COMMANDS)))
        return super().resolve_command(ctx, args)


@click.group(cls=LazyGroup, invoke_without_command=True, context_settings=SETTINGS)
@click.version_option(package_name="ecg-edge")
@click.pass_context
def cli(ctx):
    """ECG recordings in, models that run on a Raspberry Pi or a microcontroller out.

    \b
    Examples:
      ecg-edge data list
      ecg-edge train --arch cnn_att_bilstm --preset tiny
      ecg-edge evaluate runs/cnn_att_bilstm-synthetic-20260101-120000
    """
    if ctx.invoked_subcommand is None:
        from ecg_edge.first_screen import print_first_screen

        print_first_screen()


cli.params.append(QUIET)


def main() -> None:
    """Run the command line: an expected error is one line on stderr and its exit status."""
    console.prepare_streams()
    try:
        try:
            cli.main(standalone_mode=False)
            sys.stdout.flush()
        except BaseException:
            interrupts.end_if_received()
            raise
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (KeyboardInterrupt, click.Abort):
        fail("interrupted", 130)
    except SystemExit:  # of click, where nobody reads its output: 1 means here that a check failed
        sys.exit(BROKEN_PIPE if console.give_up_output() else 1)
    except OSError as error:
        if console.give_up_output() and error.errno == errno.EPIPE:
            sys.exit(BROKEN_PIPE)
        from firmware_bench.runtime.files import describe_os_error

        fail(describe_os_error(error), 2)
    except Exception as error:
        status = getattr(error, "exit_status", None)
        if status is None:
            raise
        fail(str(error), status)


def fail(text: str, status: int) -> None:
    """Print `text` as one line to stderr and exit."""
    # What an interrupt left half made cannot always be taken down; Python would report that after the line.
    sys.unraisablehook = lambda _: None
    print(f"error: {' '.join(make_printable(text).split())}", file=sys.stderr)
    sys.exit(status)
