"""Damaged and hostile content is read truly or refused in one line: no traceback, no crash, no endless loop."""

import pytest

from fuzz.fuzzing import fuzz, load_targets, read_sound

TARGETS = load_targets()


@pytest.mark.slow
@pytest.mark.parametrize("name", TARGETS)
def test_damaged_content_is_read_truly_or_refused(name, pytestconfig):
    result = fuzz(TARGETS[name], pytestconfig.getoption("fuzz_seconds"))
    assert result.tried > 5
    assert not result.wrong, "\n".join(f"attempt {wrong.number}: {wrong.text}" for wrong in result.wrong[:10])


@pytest.mark.parametrize("name", [name for name in TARGETS if not TARGETS[name].is_slow])
def test_a_few_damaged_contents_are_read_truly_or_refused(name):
    result = fuzz(TARGETS[name], seconds=60, seed=1, maximum=30)
    assert result.tried == 30 and not result.wrong, [wrong.text for wrong in result.wrong]


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow if TARGETS[name].is_slow else ()) for name in TARGETS]
)
def test_sound_contents_are_read(name):
    """A target that refuses the sound contents as well would find nothing wrong with any damage."""
    result = read_sound(TARGETS[name])
    assert result.tried and not result.wrong and not result.refused, [wrong.text for wrong in result.wrong]
