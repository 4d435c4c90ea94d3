"""Ctrl-C ends a command with one line and status 130, whatever the libraries make of it."""

import signal
import subprocess
import sys
import time

import pytest

COMMAND = """
import hashlib, os, sys, threading, time
from ecg_edge import interrupts
from ecg_edge.cli import main as command_line

interrupts.GRACE_S = 0.3
interrupts.advice = "continue with: a command"

def ready():
    print("ready", flush=True)

def work(**_):
    CODE

command_line.cli.main = work
sys.argv = ["ecg-edge"]
from ecg_edge.__main__ import main
main()
"""
KINDS = {
    "it arrives as KeyboardInterrupt": "ready(); time.sleep(60)",
    "it comes out as another exception": """ready()
    try:
        time.sleep(60)
    except KeyboardInterrupt:
        raise RuntimeError("INTERNAL: callback failed")""",
    "it comes out as an error that a user can act on": """ready()
    try:
        time.sleep(60)
    except KeyboardInterrupt:
        raise OSError("cannot be read")""",
    "it is swallowed": """ready()
    while True:
        try:
            time.sleep(60)
        except KeyboardInterrupt:
            pass""",
    "it is raised where exceptions are lost": """
    class Freed:
        def __del__(self):
            ready()
            time.sleep(60)
    Freed()
    time.sleep(60)""",
    "no Python code runs": "ready(); hashlib.pbkdf2_hmac('sha256', b'', b'', 2**30)",
    "threads keep the process": """threading.Thread(target=time.sleep, args=(60,)).start()
    ready()
    time.sleep(60)""",
    "another thread reports an error": """
    stop = threading.Event()
    def fail():
        stop.wait()
        raise ValueError
    other = threading.Thread(target=fail)
    other.start()
    ready()
    try:
        time.sleep(60)
    finally:
        stop.set()
        other.join()""",
    "stderr leads elsewhere": """os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    ready()
    while True:
        try:
            time.sleep(60)
        except KeyboardInterrupt:
            pass""",
}


def start(code, **options):
    command = [sys.executable, "-c", COMMAND.replace("CODE", code)]
    # A shell in the background has its children ignore Ctrl-C.
    handler = options.pop("handler", signal.SIG_DFL)
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, handler),
    )
    assert process.stdout.readline() == "ready\n"
    return process


@pytest.mark.parametrize("kind", KINDS)
def test_it_ends_with_one_line_and_the_way_to_continue(kind):
    process = start(KINDS[kind])
    time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=10)
    assert (process.returncode, said) == (130, "error: interrupted; continue with: a command\n")


def test_the_second_one_ends_at_once():
    process = start("interrupts.GRACE_S = 60\n    " + KINDS["it is swallowed"])
    for _ in range(2):
        time.sleep(0.1)
        process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=10)
    assert (process.returncode, said.count("\n")) == (130, 1)


def test_it_is_ignored_where_the_command_was_started_so():
    process = start("ready(); time.sleep(0.5)", handler=signal.SIG_IGN)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=10)
    assert (process.returncode, said) == (0, "")


def test_it_changes_nothing_once_the_work_is_done():
    """While libraries are taken down, which takes TensorFlow a while."""
    process = start("import atexit; atexit.register(lambda: (ready(), time.sleep(0.5)))")
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=10)
    assert (process.returncode, said) == (0, "")
