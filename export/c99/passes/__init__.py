"""Passes: rewrites of the graph before it is lowered, and rules that lower an operator without any code."""
