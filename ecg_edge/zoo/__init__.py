"""Models that ship with ecg-edge. Wherever a model is asked for, its name will do.

The folder models/ has for each NAME.tflite, NAME.json (its card) and NAME.npz (golden inputs and outputs); of a model
that takes features of beats also NAME-beats.tflite and NAME-beats.npz. All are written by benchmarks/zoo.py from
recordings.
"""

from pathlib import Path

from ecg_edge.zoo.card import Card as Card
from ecg_edge.zoo.card import decode_card
from firmware_bench.runtime.errors import InputError, unknown_name

MODELS = Path(__file__).parent / "models"


def list_models() -> list[str]:
    """Return the names of the models that ship with ecg-edge, sorted.

    Examples:
        >>> ecg_edge.zoo.list_models()
        ['af-single-lead-small']
    """
    return sorted(path.stem for path in MODELS.glob("*.json"))


def read_card(name: str) -> Card:
    """Return the card of a shipped model: data, figures, size, limits.

    Args:
        name: Its name.

    Raises:
        InputError: There is no such model.

    Examples:
        >>> ecg_edge.zoo.read_card("af-single-lead-small").architecture
        'cnn_att_bilstm'
    """
    if name not in list_models():
        raise unknown_name("model of the zoo", name, list_models())
    return decode_card((MODELS / f"{name}.json").read_bytes())


def find_model(source: str | Path) -> Path:
    """Find the file or the run that is meant by a path or by the name of a shipped model.

    Args:
        source: A path, or a name. What exists under that path comes first, so a file or a folder in the working
            directory hides a shipped model of the same name.

    Returns:
        The path; of a shipped model that of its file.

    Raises:
        InputError: It is a plain name, and neither a file, a folder nor a shipped model is called so.
    """
    path = Path(source)
    if path.exists() or path.suffix or len(path.parts) != 1:
        return path
    if path.name in list_models():
        return MODELS / f"{path.name}.tflite"
    error = unknown_name("model", path.name, list_models())
    raise InputError(f"{error} (and no file or folder here is called so)")
