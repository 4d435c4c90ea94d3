"""The golden inputs of a shipped file, run after run, in LiteRT, TensorFlow Lite Micro or C."""

import itertools

import numpy as np
from compiled_program import CompiledProgram, SampleFeeder

from export.verify.runtimes import allowed_steps, check_outputs
from firmware_bench.mcu import tflm
from firmware_bench.runtime.streaming_model import NEXT
from firmware_bench.runtime.tflite_model import TFLiteModel


class Golden:
    """A file and the golden inputs and outputs beside it. `outputs`, per run by name, are without the states."""

    def __init__(self, path):
        self.data, self.network = path.read_bytes(), TFLiteModel(path, kernels="reference")
        with np.load(path.with_suffix(".npz")) as archive:
            self.stored = dict(archive)
        about = self.network.metadata
        self.streaming, kept = about.streaming, about.streaming or about.history
        self.states = list(kept.states) if kept else []
        self.outputs = [t.name for t in self.network.outputs if t.name.removeprefix(NEXT) not in self.states]
        self.runs = len(self.stored[f"output_{self.outputs[0]}"])
        bounds = [*self.stored["begins"], self.runs] if kept else [0, self.runs]
        self.sequences = [range(*pair) for pair in itertools.pairwise(bounds)]

    def replay(self, run_raw):
        """Run all sequences through `run_raw`, raw inputs → raw outputs, and compare outputs and last states.

        Returns the raw inputs and outputs of every run, states among them."""
        replayed = []
        for number, sequence in enumerate(self.sequences):
            state = {
                t.name: np.full(t.shape, t.zero_point, t.dtype) for t in self.network.inputs if t.name in self.states
            }
            for run in sequence:
                arrays = [
                    state[t.name] if t.name in state else self.stored[f"input_{t.name}"][run : run + 1]
                    for t in self.network.inputs
                ]
                answers = run_raw(arrays)
                named = {t.name: answer for t, answer in zip(self.network.outputs, answers, strict=True)}
                state = {name: named[NEXT + name] for name in state}
                self.compare(run, named)
                replayed.append((arrays, answers))
            for name, last in state.items():
                np.testing.assert_array_equal(last[0], self.stored[f"state_{name}"][number], err_msg=name)
        return replayed

    def compare(self, run, found):
        for name in self.outputs:
            np.testing.assert_array_equal(found[name][0], self.stored[f"output_{name}"][run], err_msg=f"run {run}")

    def replay_in_litert(self):
        return self.replay(self.network.run_raw)

    def replay_in_micro(self):
        """With the states that LiteRT makes, since a call has a child process of its own: equal step by step."""
        inputs, outputs = zip(*self.replay_in_litert(), strict=True)
        found = tflm.run_windows(self.data, inputs)
        if not self.states:
            check = check_outputs(self.data, outputs, found, [t.zero_point for t in self.network.outputs])
            assert check.passed, check
            return
        allowed = allowed_steps(self.data)
        for ours, theirs in zip(outputs, found, strict=True):
            for steps, a, b in zip(allowed, ours, theirs, strict=True):
                assert np.abs(np.subtract(a, b, dtype=np.int32)).max() <= steps

    def replay_in_c(self, folder):
        program = CompiledProgram(self.data, folder)
        if not self.streaming:
            empty = [(t.shape, t.dtype) for t in self.network.outputs]
            self.replay(lambda arrays: program.run(arrays, [np.empty(*form) for form in empty]))
            return
        (name,), delay = self.outputs, self.streaming.delay
        outputs = self.stored[f"output_{name}"]
        feeder = SampleFeeder(program, outputs.dtype, outputs[0].size)
        (signal,) = (t for t in self.network.inputs if t.name not in (*self.states, "valid", "share"))
        for sequence in self.sequences:
            program.call("reset")
            for run in sequence:
                if run < sequence.stop - delay:
                    block = self.stored[f"input_{signal.name}"][run].reshape(self.streaming.step, signal.shape[-1])
                    *before, found = [feeder.push(sample) for sample in block]
                    assert not any(output is not None for output in before)
                else:
                    found = feeder.flush()
                assert (found is None) == (run < sequence.start + delay)
                if found is not None:
                    self.compare(run, {name: found[None]})
