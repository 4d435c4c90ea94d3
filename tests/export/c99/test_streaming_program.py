"""The program of a streaming step, fed sample by sample, gives the outputs of LiteRT's reference kernels."""

import dataclasses

import keras
import numpy as np
import pytest
from compiled_program import SampleFeeder
from keras import layers
from steps import forward_mamba, shaken

from export.c99 import generate
from export.c99.lower import lower
from export.c99.memory_plan import plan_memory
from export.c99.read_graph import read_graph
from export.c99.schedule import schedule_steps
from export.c99.test_inputs import choose_test_inputs
from export.convert.strategies import convert
from export.tflite import flatbuffer
from export.tflite.signature import describe_tensors
from export.verify.runtimes import allowed_steps
from export.verify.step_parity import RunRecorder
from firmware_bench.mcu import qemu, tflm
from firmware_bench.runtime.errors import InputError
from firmware_bench.runtime.metadata_format import read_metadata
from firmware_bench.runtime.streaming_model import NEXT, StreamingModel
from firmware_bench.runtime.tflite_model import TFLiteModel
from models_keras.layers.lstm import ClippedLSTM

pytestmark = pytest.mark.slow

SAMPLES = 40  # of the window over which the mean is formed: ten steps


def recurrent_classifier():
    """A stride, pools that overlap, a convolution of each channel, recurrent layers, a softmax: steps of 4 samples."""
    keras.utils.set_random_seed(0)
    x = ecg = keras.Input((SAMPLES, 2), name="ecg")
    x = layers.Conv1D(6, 5, strides=2, padding="same", activation="elu")(x)
    x = layers.AveragePooling1D(3, 1, padding="same")(layers.MaxPooling1D(3, 2, padding="same")(x))
    x = layers.DepthwiseConv1D(3, padding="same")(layers.LeakyReLU(0.2)(x))
    x = layers.GRU(4)(ClippedLSTM(5, return_sequences=True)(x))
    return shaken(keras.Model(ecg, layers.Dense(3, "softmax", name="probabilities")(x)))


@pytest.fixture(scope="module", params=[lambda: forward_mamba(SAMPLES), recurrent_classifier], ids=["ssm", "recurrent"])
def data(request):
    noise = np.random.default_rng(0).normal(size=(3, SAMPLES, 2)).astype(np.float32)
    file = convert(request.param(), {"ecg": noise}, streaming=True).data
    inputs, outputs = describe_tensors(file)
    return flatbuffer.set_metadata(file, dataclasses.replace(read_metadata(file), inputs=inputs, outputs=outputs))


@pytest.fixture(scope="module")
def stream(data):
    return StreamingModel(TFLiteModel(data, kernels="reference"))


def recordings(stream):
    """Integers (steps, samples of one, leads): over all of the range and longer than the mean's window, then waves."""
    random, shape = np.random.default_rng(2), stream.signal.shape[-2:]
    yield random.integers(-(2**15), 2**15, (24, *shape)).astype(np.int16)
    waves = 5000 * np.sin(np.arange(16 * shape[0]) / 7)[:, None] + random.normal(size=(16 * shape[0], shape[1])) * 900
    yield waves.reshape(-1, *shape).astype(np.int16)


def test_own_test(data, generated):
    assert generated(data).run_own_test().startswith("0 of ")


def test_every_step_of_two_recordings(data, stream, generated):
    """To the last step that is late, states and mean carried on; the second recording begins anew."""
    pushed = SampleFeeder(generated(data), np.int16, stream.outputs[0].shape[-1])
    scale, outputs_seen = np.float32(stream.signal.scale), set()
    for blocks in recordings(stream):
        stream.reset()
        pushed.program.call("reset")
        for number, block in enumerate([*blocks, *[None] * stream.delay]):
            expected = stream.feed_raw(None if block is None else block * scale)[stream.outputs[0].name]
            if block is None:
                found = pushed.flush()
            else:
                *before, found = [pushed.push(sample) for sample in block]
                assert not any(output is not None for output in before)
            assert (found is None) == (number < stream.delay)
            if found is not None:
                np.testing.assert_array_equal(found, expected[0])
                outputs_seen.add(found.tobytes())
    assert len(outputs_seen) > 20
    assert len(blocks) + 24 > SAMPLES / stream.step + stream.delay  # the mean has forgotten


def test_micro_computes_the_same_steps(data, stream):
    """Every state to the bit, and probabilities of a softmax within one step of 2^-15."""
    recorder = RunRecorder(TFLiteModel(data, kernels="reference"), 60)
    model = StreamingModel(recorder)
    for blocks in recordings(stream):
        model.reset()
        for block in blocks:
            model.feed_raw(block * np.float32(stream.signal.scale))
    allowed = allowed_steps(data)
    for ours, theirs in zip(recorder.answers, tflm.run_windows(data, recorder.arrays), strict=True):
        for steps, a, b in zip(allowed, ours, theirs, strict=True):
            assert np.abs(np.subtract(a, b, dtype=np.int32)).max() <= steps


def test_samples_that_do_not_fill_a_step_are_dropped(data, stream, generated):
    pushed = SampleFeeder(generated(data), np.int16, stream.outputs[0].shape[-1])
    blocks = next(recordings(stream))
    found = []
    for rest in (0, stream.step - 1):
        pushed.program.call("reset")
        for sample in [*blocks.reshape(-1, blocks.shape[-1]), *blocks[0][:rest]]:
            pushed.push(sample)
        found.append([pushed.flush() for _ in range(stream.delay)])
    np.testing.assert_array_equal(*found)


def test_the_memory_of_states_is_not_shared(data):
    program = lower(read_graph(data))
    memory = plan_memory(program, schedule_steps(program))
    roots = {memory.root(state) for state, _ in program.streaming.states}

    def span(storage):
        start = int(memory.places[storage].base.split("+")[1])
        return range(start, start + storage.size)

    taken = [n for state, _ in program.streaming.states for n in span(state.storage)]
    assert len(taken) == len(set(taken))
    for storage, root in memory.roots.items():
        assert root in roots or not set(taken) & set(span(storage))


def test_the_header_has_what_a_caller_needs(data, stream, tmp_path):
    program = generate(data, tmp_path / "program")
    header = (tmp_path / "program" / f"{program.prefix}.h").read_text()
    values = {
        "STEP_SAMPLES": stream.step,
        "DELAY_STEPS": stream.delay,
        "WINDOW_SAMPLES": stream.window,
        "SAMPLE_SIZE": 2,
        "RAM_BYTES": program.memory.total,
    }
    for name, value in values.items():
        assert f"#define {program.prefix.upper()}_{name} {value}" in header
    assert f"#define {program.prefix.upper()}_ECG_SCALE {stream.signal.scale!r}f" in header


@pytest.mark.skipif(bool(qemu.missing()), reason=f"not installed: {', '.join(qemu.missing())}")
@pytest.mark.parametrize("portable", [False, True])
def test_on_a_core(data, tmp_path, portable):
    memory = generate(data, tmp_path / "program").memory
    with qemu.CortexProgram(tmp_path / "program", "cortex-m4", portable) as program:
        measured = program.measure()
    (samples, _, _), stream = choose_test_inputs(lower(read_graph(data))).signals[0], read_metadata(data).streaming
    assert measured.differing == 0 and measured.values == 2 * (samples // stream.step - stream.delay) * 3
    assert memory.total <= measured.static < memory.total + 8 < 2500
    assert measured.stack < 1024 and 0 < measured.instructions < 200_000
    assert measured.calls == samples and measured.instructions * 0.9 < measured.dearest < measured.instructions * 1.5
    assert measured.mean * measured.calls == pytest.approx(measured.instructions * (samples // stream.step), rel=0.01)


@pytest.mark.parametrize("change", ["scale", "size", "signal"])
def test_a_wrong_step_is_refused(data, change, tmp_path):
    model = flatbuffer.read(data)
    about = read_metadata(data)
    if change == "scale" and "share" not in {tensor.name for tensor in about.inputs}:
        pytest.skip("has no running mean")
    (signature,) = model.signatureDefs
    tensor = {entry.name.decode(): entry.tensorIndex for entry in signature.inputs}
    if change == "scale":
        model.subgraphs[0].tensors[tensor["share"]].quantization.scale = [0.001]
    elif change == "size":
        sizes = {NEXT + t.name: np.prod(t.shape) for t in about.inputs}
        following = [entry for entry in signature.outputs if entry.name.decode() in sizes]
        small, large = (pick(following, key=lambda entry: sizes[entry.name.decode()]) for pick in (min, max))
        small.name, large.name = large.name, small.name
    else:
        streaming = dataclasses.replace(about.streaming, step=about.streaming.step + 1)
        about = dataclasses.replace(about, streaming=streaming)
    damaged = flatbuffer.set_metadata(flatbuffer.write(model), about)
    with pytest.raises(InputError, match="again"):
        generate(damaged, tmp_path / "program")
