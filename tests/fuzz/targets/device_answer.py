"""What the other end of an ssh connection answers, whoever is there. The ssh of the attempts prints the content."""

import base64
import json
import os

from firmware_bench.rpi import remote_device
from firmware_bench.rpi.remote_device import RemoteDevice
from fuzz.fuzzing import FuzzTarget
from fuzz.json_damage import damage_json
from fuzz.mutation import mutate

HELLO = {"folder": "/home/pi/.cache/ecg-edge/bench-x", "python": "/usr/bin/python3", "version": "3.11.2", "free": 10**9}
MESSAGES = (HELLO, {"line": "round 1 of 5"}, {"line": "round 2 of 5"}, {"status": 0}, {"size": 4},
            {"data": base64.b64encode(b"ECG\n").decode()})  # fmt: skip


class DeviceAnswerTarget(FuzzTarget):
    name = "device_answer"

    def prepare(self, folder):
        remote_device.HELLO_TIMEOUT_S = remote_device.SILENCE_TIMEOUT_S = remote_device.SHUTDOWN_TIMEOUT_S = 2.0
        (folder / "ssh").write_text(
            '#!/bin/sh\nfor word; do :; done\nprintf "\\n%s\\n" "${word##* }"\ncat "$FUZZ_ANSWER"\n'
        )
        (folder / "ssh").chmod(0o755)
        os.environ["PATH"] = f"{folder}:{os.environ['PATH']}"
        return [b"".join(json.dumps(message).encode() + b"\n" for message in MESSAGES)]

    def damage(self, content, random):
        if random.random() < 0.3:
            return mutate(content, random)
        lines = content.splitlines()
        number = random.randrange(len(lines))
        lines[number] = damage_json(lines[number], random)
        return b"\n".join(lines) + b"\n"

    def attempt(self, content, folder):
        (folder / "answer").write_bytes(content)
        os.environ["FUZZ_ANSWER"] = str(folder / "answer")
        printed = []
        with RemoteDevice("pi@device", report=printed.append) as device:
            device.run(["true"])
            device.get("report.json", folder / "report.json", 1000)
        if not all(line.isprintable() and len(line) <= 1000 for line in printed):
            return f"{printed!r} was reported"
        if (folder / "report.json").stat().st_size > 1000:
            return "more was taken than asked for"
        return None


TARGET = DeviceAnswerTarget()
