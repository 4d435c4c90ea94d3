"""Activation ranges: percentiles against artefacts, and which tensors share a scale."""

import numpy as np

from export.quantise.ranges import CELL_RANGE, observe, tie
from export.tflite import flatbuffer
from export.tflite.operator_facts import LSTM, LSTM_CELL_STATE, LSTM_HIDDEN, LSTM_OUTPUT_STATE, facts


def outputs(model, wanted):
    return [int(operator.outputs[0]) for name, operator, _ in flatbuffer.operators(model) if name == wanted]


def test_percentile_100_is_minimum_and_maximum(float_graph, recogniser):
    model = flatbuffer.read(float_graph)
    ecg = int(model.subgraphs[0].inputs[0])
    windows = recogniser.windows[:20]
    observed = observe(float_graph, {"ecg": windows})[ecg]
    assert np.allclose(observed.limits(100), (windows.min(), windows.max()))
    low, high = observed.limits(99.9)
    assert windows.min() < low < 0 < high < windows.max()
    assert np.isclose(high, np.percentile(windows, 99.9), rtol=0.05)


def test_observed_values_are_not_overwritten_by_later_operators(float_graph, recogniser):
    # A runtime that reuses a tensor's memory would show the sigmoid's output as what the product made of it.
    model = flatbuffer.read(float_graph)
    observed = observe(float_graph, {"ecg": recogniser.windows[:20]})
    for tensor in outputs(model, "LOGISTIC"):
        assert 0 < observed[tensor].low < observed[tensor].high < 1


def test_both_directions_of_a_bidirectional_lstm_share_one_range(float_graph, limits):
    model = flatbuffer.read(float_graph)
    tied = tie(model, limits)
    for name, operator, _ in flatbuffer.operators(model):
        if name == "CONCATENATION":
            assert {tied[int(tensor)] for tensor in operator.inputs} == {tied[int(operator.outputs[0])]}
        if name == LSTM:
            output = tied[int(operator.outputs[0])]
            assert tied[int(operator.inputs[LSTM_OUTPUT_STATE])] == output
            assert tied[int(operator.intermediates[LSTM_HIDDEN])] == output
            assert tied[int(operator.inputs[LSTM_CELL_STATE])] == (-CELL_RANGE, CELL_RANGE) == (-16, 16)
    first, second = {tied[tensor] for tensor in outputs(model, "CONCATENATION")}
    assert first != second  # two layers, two ranges


def test_operators_that_move_values_keep_their_input_range(float_graph, limits):
    model = flatbuffer.read(float_graph)
    tied = tie(model, limits)
    moved = 0
    for name, operator, _ in flatbuffer.operators(model):
        if name in ("RESHAPE", "MAX_POOL_2D", "REVERSE_V2"):
            assert tied[int(operator.inputs[0])] == tied[int(operator.outputs[0])]
            moved += 1
    assert moved >= 6


def test_fixed_outputs_and_zero_inside_every_range(float_graph, limits):
    model = flatbuffer.read(float_graph)
    tied = tie(model, {tensor: (low + 5, high + 5) for tensor, (low, high) in limits.items()})
    for name in ("SOFTMAX", "LOGISTIC"):
        assert [tied[tensor] for tensor in outputs(model, name)] == [facts(name).fixed_range]
    assert all(low <= 0 < high for low, high in tied.values())


def test_scales_of_the_integer_file_are_those_asked_for(edited, integer):
    (asked,) = (edited.subgraphs[0].tensors[tensor].quantization for tensor in outputs(edited, "MEAN"))
    data = flatbuffer.read(integer(edited))
    (tensor,) = outputs(data, "MEAN")
    scale, _ = flatbuffer.scale_and_zero_point(data.subgraphs[0].tensors[tensor])
    assert np.isclose(scale, (asked.max[0] - asked.min[0]) / 255, rtol=1e-3)


def test_percentile_beats_minimum_and_maximum_where_artefacts_are_rare(float_graph, recogniser, agreement, quantised):
    windows = recogniser.windows.copy()
    windows[7, 100:104] += 100  # one electrode that moved, in sixty windows

    observed = observe(float_graph, {"ecg": windows})
    found = {percentile: agreement(quantised(float_graph, observed, percentile))[0] for percentile in (99.9, 100)}
    assert found[99.9] > 25 and found[99.9] > found[100] + 10
