"""A local page to look at recordings together with what a model says of them: `ecg-edge view`, `ecg-edge live --view`.

Built with Dash, whose Plotly charts draw, pan and zoom in the browser from files of the package alone, so that the page
needs no network. Every pan asks the server for the visible part, reduced to a value pair for each pixel (envelope.py).
"""
