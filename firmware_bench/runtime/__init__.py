"""What a device needs to execute an exported model. Needs Python 3.9 or later and numpy, and nothing else of ours."""
