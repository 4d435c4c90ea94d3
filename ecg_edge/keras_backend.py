"""Importing Keras: with the backend that is installed, and without the backend's notes on stderr."""

import os
import sys
import tempfile

from ecg_edge.extras import install_hint, is_installed, require
from firmware_bench.runtime.errors import InputError

BACKENDS = ("tensorflow", "jax", "torch")  # the first that is installed, unless KERAS_BACKEND names one


def import_keras(purpose: str = "a Keras model") -> None:
    """Import Keras; once it has been called, `import keras` has the right backend.

    The backend is the one named in the environment variable KERAS_BACKEND, else the first of `BACKENDS` that is
    installed.

    Args:
        purpose: What needs Keras, as the start of a sentence, for the error.

    Raises:
        InputError: Keras or its backend is not installed. The line names the pip command.
    """
    if sys.modules.get("keras"):
        return
    require("train", purpose)
    os.environ.setdefault("KERAS_BACKEND", next(filter(is_installed, BACKENDS), "jax"))
    backend = os.environ["KERAS_BACKEND"]
    if not is_installed(backend):
        raise InputError(f"{purpose} needs Keras' backend {backend}, not installed here: {install_hint('train')}")
    _import_quietly()


def restart_layer_numbers() -> None:
    """Let Keras name the layers of the next model as if it were the first one built."""
    import keras

    keras.utils.clear_session()


def _import_quietly() -> None:
    """Import Keras without the backend's notes on processors and missing GPUs.

    They are written to the file descriptor before any log level is read, hence the detour through a file; should the
    import fail, they are shown.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        stderr = os.dup(2)
    except OSError:  # a process without stderr
        import keras

        return
    sys.stderr.flush()
    with tempfile.TemporaryFile() as notes:
        os.dup2(notes.fileno(), 2)
        try:
            import keras  # noqa: F401
        except Exception:
            notes.seek(0)
            os.write(stderr, notes.read())
            raise
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)
