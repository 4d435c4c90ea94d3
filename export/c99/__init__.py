"""From an integer .tflite file to a folder of C99 that computes the same bits: generate(data, folder)."""

from export.c99.folder import GeneratedProgram, generate

__all__ = ["GeneratedProgram", "generate"]
