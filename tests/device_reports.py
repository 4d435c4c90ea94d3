"""A report as a device writes it, for tests that damage it."""

import copy


def sound_report(rounds=2, threads=(1, 2)) -> dict:
    """A report on one model with several numbers of threads."""

    def figure(value, unit="ms"):
        return {"value": value, "unit": unit, "label": "measured"}

    state = {
        "governor": "ondemand",
        "clock_mhz": 1500,
        "temperature_celsius": 48.2,
        "throttling": "none",
        "power": None,
    }
    one = {"began": 1.8e9, "cold_start_ms": 300.0, "load_ms": 5.0, "first_ms": 9.0, "latencies_ms": [80.0, 81.5, 79.0],
           "temperature_celsius": 50.1, "clock_mhz": 1500}  # fmt: skip
    result = {
        "file": "0/model.tflite", "architecture": "cnn", "preset": "tiny", "threads": 1,
        "reference": {"vectors": 4, "kernels": "optimised", "tolerance": None}, "windows": 6, "warm_up": 5,
        "figures": {"latency, median": figure(80.0), "real-time factor": figure(None, "s of ECG per s"),
                    "model size": figure(5632, "bytes")},
        "rounds": [copy.deepcopy(one) for _ in range(rounds)],
    }  # fmt: skip
    return {
        "format": 2, "time": "2026-01-01T00:00:00+00:00", "stamp": None,
        "machine": {"board": "Raspberry Pi 4 Model B Rev 1.4", "cpu": "Cortex-A72", "cores": 4,
                    "memory_bytes": 4 << 30, "machine": "aarch64", "arm": True, "emulated": None, "host": "pi",
                    "os": "Debian GNU/Linux 12", "kernel": "6.6"},
        "conditions": {"before": state, "after": state},
        "versions": {"runtime": "ai-edge-litert 2.3.0", "numpy": "2.0", "python": "3.11.2"},
        "results": [{**copy.deepcopy(result), "threads": count} for count in threads],
    }  # fmt: skip


def places(value, path=()):
    """The path of every value in JSON-like data."""
    yield path
    for key, each in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from places(each, (*path, key))


def replaced(value, path, new):
    """A copy with the value at `path` replaced; removed where `new` is KeyError."""
    if not path:
        return new
    changed = copy.deepcopy(value)
    parent = changed
    for key in path[:-1]:
        parent = parent[key]
    if new is KeyError:
        del parent[path[-1]]
    else:
        parent[path[-1]] = new
    return changed
