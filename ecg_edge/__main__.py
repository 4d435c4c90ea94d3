"""python -m ecg_edge: the same as the command ecg-edge."""

from ecg_edge.cli.main import main

main()
