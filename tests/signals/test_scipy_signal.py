"""scipy.signal is imported without scipy.stats, and is complete."""

import subprocess
import sys

CODE = """
import sys
from ecg_edge.signals.scipy_signal import import_scipy_signal
module = import_scipy_signal()
assert "scipy.stats" not in sys.modules
import numpy as np
peaks = module.find_peaks_cwt(np.sin(np.arange(200) / 9), np.arange(1, 20))
assert "scipy.stats" in sys.modules
import scipy.signal, scipy.stats
assert scipy.signal is module and scipy.stats.norm.cdf(0) == 0.5
print(list(map(int, peaks)))
"""


PLAIN = """
import numpy as np, scipy.signal
print(list(map(int, scipy.signal.find_peaks_cwt(np.sin(np.arange(200) / 9), np.arange(1, 20)))))
"""


def output(code):
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def test_scipy_stats_is_imported_when_needed():
    assert output(CODE) == output(PLAIN)
