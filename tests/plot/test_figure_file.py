"""Pictures as files."""

import pytest

from ecg_edge import InputError, plot_ecg, save_figure

FORMATS = {"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF", "PNG": b"\x89PNG"}


@pytest.fixture(scope="module")
def figure():
    return plot_ecg([0.0, 1.0, 0.0] * 100, 100, ["I"])


@pytest.mark.parametrize("suffix", FORMATS)
def test_the_suffix_chooses_the_format(figure, suffix, tmp_path):
    file = tmp_path / "new" / f"ecg.{suffix}"
    save_figure(figure, file)
    assert file.read_bytes().startswith(FORMATS[suffix]) and file.stat().st_size > 1000


@pytest.mark.parametrize("name", ["ecg.jpg", "ecg", "ecg.png.txt"])
def test_another_format_is_refused(figure, name, tmp_path):
    with pytest.raises(InputError, match=r"is a \.png, \.svg or \.pdf file"):
        save_figure(figure, tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_what_fails_leaves_nothing(figure, tmp_path):
    (tmp_path / "ecg.png").mkdir()
    with pytest.raises(OSError, match=r"ecg\.png"):
        save_figure(figure, tmp_path / "ecg.png")
    assert [path.name for path in tmp_path.iterdir()] == ["ecg.png"]
