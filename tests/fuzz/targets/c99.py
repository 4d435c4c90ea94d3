"""Exported files from strangers, of which a C99 program is generated, compiled and run under the sanitizers."""

import os
import resource
import subprocess

from handmade_tflite import renew_digest, small_network

from ecg_edge.api.c99_generation import generate_c99
from fuzz.flatbuffer_damage import damage_structure, list_numbers
from fuzz.fuzzing import FuzzTarget

FLAGS = "-std=c99 -Wall -Wextra -Werror -O1 -fsanitize=address,undefined -fno-sanitize-recover=all"


def lift_limit():
    """The address sanitizer reserves terabytes."""
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    resource.setrlimit(resource.RLIMIT_AS, (hard, hard))


class C99Target(FuzzTarget):
    name = "c99"
    is_slow = True

    def prepare(self, folder):
        os.environ["ECG_EDGE_CACHE"] = str(folder / "cache")
        self.numbers = list_numbers(small_network())
        return [small_network()]

    def damage(self, content, random):
        return renew_digest(damage_structure(content, self.numbers, random))

    def attempt(self, content, folder):
        (folder / "model.tflite").write_bytes(content)
        program = generate_c99(folder / "model.tflite", folder / "program")
        command = ["make", "-s", "-C", program.folder, f"CFLAGS={FLAGS}", "test"]
        ran = subprocess.run(command, capture_output=True, text=True, timeout=9, preexec_fn=lift_limit)
        if ran.returncode:
            return f"the program fails: {(ran.stderr or ran.stdout).strip().splitlines()[-1:]}"
        return None


TARGET = C99Target()
