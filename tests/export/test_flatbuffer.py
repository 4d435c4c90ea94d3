"""Reading, writing and describing TFLite files."""

import copy

import numpy as np

from export import flatbuffer
from firmware_bench.bench_rpi import TFLiteModel, model_table, read_metadata


def test_metadata_round_trip_and_replacement(edited, integer):
    data = integer(edited)
    first = flatbuffer.set_metadata(data, "ecg_edge", {"labels": ["N", "Ä"]})
    assert read_metadata(first) == {"labels": ["N", "Ä"]}
    second = flatbuffer.set_metadata(first, "ecg_edge", {"labels": ["A"], "fs": 250.0})
    assert read_metadata(second) == {"labels": ["A"], "fs": 250.0}
    assert len(flatbuffer.read(second).metadata) == len(flatbuffer.read(first).metadata)


def test_weights_are_aligned_to_16_bytes(edited, integer):
    data = flatbuffer.set_metadata(integer(edited), "ecg_edge", {"odd": "x" * 13})
    starts = [buffer.span(0).start for buffer in model_table(data).tables(4) if len(buffer.span(0))]
    assert len(starts) > 20 and all(start % 16 == 0 for start in starts)


def test_a_rewritten_file_computes_the_same(edited, integer, recogniser):
    data = integer(edited)
    again = flatbuffer.write(flatbuffer.read(data))
    for window in recogniser.others[:3]:
        np.testing.assert_array_equal(TFLiteModel(data).run(window), TFLiteModel(again).run(window))


def test_equal_shapes_and_scales_are_written_once(edited, integer):
    file = flatbuffer.read(integer(edited))
    before = len(flatbuffer.write(file))
    (graph,) = file.subgraphs
    graph.tensors += [copy.deepcopy(tensor) for tensor in graph.tensors]
    grown = len(flatbuffer.write(file)) - before
    names = sum(len(tensor.name) for tensor in graph.tensors) / 2
    assert grown - names < 48 * len(graph.tensors) / 2  # a tensor's own table and the place of its name
