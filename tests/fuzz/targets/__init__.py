"""One module per target of fuzzing; `TARGET` in each is a FuzzTarget."""
