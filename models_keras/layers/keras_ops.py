"""keras.ops for type checkers: what they infer from its bodies includes None and other backends' tensors."""

from typing import Any

import keras

ops: Any = keras.ops
