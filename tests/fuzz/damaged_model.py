"""What the targets have in common that read a .tflite file with a damaged structure and a digest that matches."""

import os

from handmade_tflite import renew_digest, small_network

from fuzz.flatbuffer_damage import damage_structure, list_numbers
from fuzz.fuzzing import FuzzTarget


class DamagedModelTarget(FuzzTarget):
    """Damages the structure of a small model."""

    is_slow = True

    def prepare(self, folder):
        os.environ["ECG_EDGE_CACHE"] = str(folder / "cache")
        self.numbers = list_numbers(small_network())
        return [small_network()]

    def damage(self, content, random):
        return renew_digest(damage_structure(content, self.numbers, random))
