"""Recordings: Record, file formats, databases, split, check, fingerprint, download. Knows nothing of models."""
