"""File formats of recordings: one module per format, `format_registry` lists them."""
