"""A fuzz of the C99 generator, operator by operator: its programs against LiteRT and TensorFlow Lite Micro."""
