# The generated object API of the TFLite schema, for pyright: its own type hints make every field optional and call
# bytes str, so that no correct use of it passes.
from typing import Any

def __getattr__(name: str) -> Any: ...
