"""Databases of recordings: one module per database, `catalogue` lists them."""
