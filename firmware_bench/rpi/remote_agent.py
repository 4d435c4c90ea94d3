"""The program at the device's end of an ssh connection: runs commands and leaves nothing behind.

remote_device.py passes its text to the device's own python3 (3.9 or later; standard library alone). It makes a private
folder and prints two lines: a marker, before which the login shell may have printed anything, and a first message, in
JSON as all that follow. Then it reads lines: a list is a command to run in the folder, {"get": NAME, "limit": BYTES}
asks for a file of it, {"put": NAME, "start": BYTES, "data": …} brings a piece of one in base64, an empty line is a
heartbeat and is answered by {}. Every line that a command prints comes back as {"line": …}, its end as {"status": …};
a file as {"size": …} and, if it is no larger than the limit, pieces {"data": …}; a piece that was brought is answered
by {"free": BYTES OF THE DISK}, with "error" where it could not be written.

When the connection closes, or no heartbeat comes for too long, the running command is killed and the folder removed. A
second process, the guardian, does so where this one is killed.
"""

import base64
import contextlib
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time

REMOVAL_S = 10  # for a folder in which a command that was just killed may still be writing
PIECE = 49152
LINE = 65536  # characters of a line that a command prints


def send(**message):
    os.write(1, (json.dumps(message) + "\n").encode())


def cache_folder():
    return os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "ecg-edge")


def split_lines(chunk, rest):
    """The complete lines of `rest` and `chunk`; the beginning of the next one stays in `rest`."""
    *lines, rest[:] = (bytes(rest) + chunk).split(b"\n")
    return [line.decode(errors="replace") for line in lines]


def shorten(rest):
    """A line that never ends is cut into pieces."""
    if len(rest) > LINE:
        send(line=bytes(rest).decode(errors="replace"))
        rest[:] = b""


def send_file(folder, name, limit):
    """Sends a file of the folder; of one that is larger than `limit` the size alone."""
    try:
        with open(os.path.join(folder, name), "rb") as file:
            size = os.fstat(file.fileno()).st_size
            send(size=size)
            while size <= limit:
                piece = file.read(PIECE)
                if not piece:
                    return
                send(data=base64.b64encode(piece).decode())
    except OSError as error:
        send(error=str(error))


def write_piece(folder, name, start, data):
    """Appends a piece to a file of the folder; the first one makes it."""
    failed = {}
    try:
        path = os.path.join(folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "ab" if start else "wb") as file:
            file.write(base64.b64decode(data))
    except OSError as error:
        failed = {"error": str(error)}
    send(free=shutil.disk_usage(folder).free, **failed)


def remove(folder):
    """Removes the folder; gives up where that is impossible, as on a disk that has become read-only."""
    end = time.monotonic() + REMOVAL_S
    while os.path.exists(folder) and time.monotonic() < end:
        shutil.rmtree(folder, ignore_errors=True)
        time.sleep(0.05)


def kill_group(pid):
    with contextlib.suppress(OSError):  # it has ended
        os.killpg(pid, signal.SIGKILL)


def start_guardian(folder):
    """Starts the process that cleans up where this one is killed. Returns the pipe through which it learns the number
    of the running command, 0 for none; the pipe's end is the sign."""
    reading, writing = os.pipe()
    if os.fork():
        os.close(reading)
        return writing
    try:
        os.setsid()
        os.close(writing)
        nothing = os.open(os.devnull, os.O_RDWR)
        for number in (0, 1, 2):  # ssh waits until nobody holds its ends any more
            os.dup2(nothing, number)
        known = b""
        while True:
            piece = os.read(reading, 4096)
            if not piece:
                break
            known = (known + piece)[-64:]
        pid = int((known.split() or [b"0"])[-1])
        if pid:
            kill_group(pid)
        remove(folder)
    finally:
        os._exit(0)


def serve(folder, timeout, guardian):
    """Runs commands until the connection closes, or nothing is received for `timeout` seconds."""
    running = output = None  # the running command, and its output
    received = time.monotonic()
    commands, printed = bytearray(), bytearray()
    try:
        while True:
            ready, _, _ = select.select([0, *([output] if output else [])], [], [], 1)
            if 0 in ready:
                chunk, received = os.read(0, 65536), time.monotonic()
                if not chunk:
                    return
                for text in split_lines(chunk, commands):
                    command = json.loads(text) if text else None
                    if command is None:
                        send()
                        continue
                    if isinstance(command, dict) and "put" in command:
                        write_piece(folder, command["put"], command["start"], command["data"])
                        continue
                    if isinstance(command, dict):
                        send_file(folder, command["get"], command["limit"])
                        continue
                    try:
                        running = subprocess.Popen(
                            command, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, start_new_session=True)  # fmt: skip
                    except OSError as error:
                        send(line=str(error))
                        send(status=127)
                        continue
                    output = running.stdout
                    os.write(guardian, b"%d\n" % running.pid)
            elif time.monotonic() - received > timeout:
                return
            if running and output and output in ready:
                chunk = os.read(output.fileno(), 65536)
                for line in split_lines(chunk or b"\n", printed):
                    send(line=line)
                shorten(printed)
                if not chunk:
                    send(status=running.wait())
                    os.write(guardian, b"0\n")
                    output.close()
                    running = output = None
    finally:
        if running:
            kill_group(running.pid)
            running.wait()


def main(timeout, marker):
    os.write(1, ("\n" + marker + "\n").encode())
    if sys.version_info < (3, 9):  # noqa: UP036 - the version of the device's python3 is not known
        send(error="Python 3.9 or later is needed there, python3 is " + sys.version.split()[0])
        return
    for number in (signal.SIGHUP, signal.SIGTERM):
        signal.signal(number, lambda *_: sys.exit(1))
    try:
        os.makedirs(cache_folder(), mode=0o700, exist_ok=True)
        folder = tempfile.mkdtemp(prefix="bench-", dir=cache_folder())
        guardian = start_guardian(folder)
    except OSError as error:
        send(error="cannot make a folder there: " + str(error))
        return
    try:
        send(folder=folder, python=sys.executable, version=sys.version.split()[0], free=shutil.disk_usage(folder).free)
        serve(folder, timeout, guardian)
    except BrokenPipeError:
        pass  # the connection is closed
    finally:
        remove(folder)


if __name__ == "__main__":
    main(float(sys.argv[1]), sys.argv[2])
