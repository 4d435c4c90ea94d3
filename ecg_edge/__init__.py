"""ECG recordings in, models that run on a Raspberry Pi or a microcontroller out."""

__version__ = "0.1.0"
