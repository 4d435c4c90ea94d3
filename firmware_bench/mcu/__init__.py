"""Microcontrollers: boards, TensorFlow Lite Micro, firmware, and generated programs in QEMU."""
