"""From an integer .tflite file to a folder of C99 that computes the same bits: `generate(data, folder)`.

The way of a file: read_graph, with the passes that rewrite the graph; lower, by rules of export.c99.passes and one file
of export.c99.ops per operator; schedule_steps; plan_memory; emit_header, emit_source, emit_test.
"""

from export.c99.generator import GeneratedProgram, generate

__all__ = ["GeneratedProgram", "generate"]
