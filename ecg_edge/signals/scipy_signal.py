"""Import scipy.signal in half the time, for commands that must start fast.

Importing scipy.signal imports scipy.stats for one function of its wavelet peak finding. Here that function imports
scipy.stats when it is called, which nothing in this project does.
"""

import functools
import importlib
import sys
import types


@functools.cache
def import_scipy_signal() -> types.ModuleType:
    """Import the module scipy.signal, unchanged but for when it imports scipy.stats."""
    if "scipy.signal" in sys.modules or "scipy.stats" in sys.modules:
        return importlib.import_module("scipy.signal")

    def scoreatpercentile(*arguments, **keywords):
        return importlib.import_module("scipy.stats").scoreatpercentile(*arguments, **keywords)

    sys.modules["scipy.stats"] = stand_in = types.ModuleType("scipy.stats")
    vars(stand_in)["scoreatpercentile"] = scoreatpercentile
    try:
        module = importlib.import_module("scipy.signal")
    except ImportError:  # a scipy that needs more of scipy.stats
        module = None
    finally:
        del sys.modules["scipy.stats"]
    return module or importlib.import_module("scipy.signal")
