"""Exported files from strangers, of which a C99 program is generated, compiled and run under the sanitizers."""

import resource
import subprocess

from ecg_edge.api.c99_generation import generate_c99
from fuzz.damaged_model import DamagedModelTarget

FLAGS = "-std=c99 -Wall -Wextra -Werror -O1 -fsanitize=address,undefined -fno-sanitize-recover=all"


def lift_limit():
    """The address sanitizer reserves terabytes."""
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    resource.setrlimit(resource.RLIMIT_AS, (hard, hard))


class C99Target(DamagedModelTarget):
    name = "c99"

    def attempt(self, content, folder):
        (folder / "model.tflite").write_bytes(content)
        program = generate_c99(folder / "model.tflite", folder / "program")
        command = ["make", "-s", "-C", program.folder, f"CFLAGS={FLAGS}", "test"]
        ran = subprocess.run(command, capture_output=True, text=True, timeout=9, preexec_fn=lift_limit)
        if ran.returncode:
            return f"the program fails: {(ran.stderr or ran.stdout).strip().splitlines()[-1:]}"
        return None


TARGET = C99Target()
