"""The command ecg-edge, also python -m ecg_edge: the command line in a process of its own, which Ctrl-C ends."""

import signal


def main() -> None:
    """Run the command line."""
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # ends the process without a traceback while modules are imported
    from ecg_edge import interrupts

    interrupts.handle()
    try:
        from ecg_edge.cli.main import main as run

        run()
    except KeyboardInterrupt:
        interrupts.end()
    finally:
        interrupts.ignore()


if __name__ == "__main__":
    main()
