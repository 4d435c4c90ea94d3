"""The program of a step with a history, whose states are in the caller's memory."""

import numpy as np
from histories import HISTORIES, described, keeper, repeating, told

from export.convert.history_step import convert_to_step
from firmware_bench.runtime.quantisation import quantise


def test_states_are_updated_in_place(generated):
    """The same array as input and as output, beat after beat: the outputs of LiteRT's reference kernels."""
    made, history = convert_to_step(repeating(), HISTORIES)
    data = described(made, history=history)
    program, model, random = generated(data), keeper(data), np.random.default_rng(0)
    assert program.run_own_test().startswith("0 of ")
    tensors = {tensor.name: tensor for tensor in (*model.model.inputs, *model.model.outputs)}
    kept = {name: np.full(tensors[name].shape, tensors[name].zero_point, np.int8) for name in model.feedback}
    answers = {tensor.name: np.zeros(tensor.shape, np.int8) for tensor in model.outputs}
    places = [*kept.values(), *answers.values()]
    for _ in range(100):
        beat = told(random.integers(256, size=3) / 256, random.uniform(0, 1.5))
        raw = {n: quantise(x[None], tensors[n].scale, tensors[n].zero_point, np.int8) for n, x in beat.items()}
        arrays = [*raw.values(), *places, *kept.values()]
        program.call("run", *arrays)
        expected = model.step_raw(beat)
        for name, values in answers.items():
            np.testing.assert_array_equal(values, expected[name])
        for name, after in model.feedback.items():
            np.testing.assert_array_equal(kept[name], expected[after])
    assert [tensor.name for tensor in model.model.inputs] == ["ecg", "rr", "state_rr", "state_labels"]
    assert [tensor.name for tensor in model.model.outputs][2:] == [*model.feedback.values()]
