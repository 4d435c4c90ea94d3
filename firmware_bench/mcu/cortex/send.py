#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Send windows.bin to a board whenever it asks, and print what it writes.

stty -F /dev/ttyACM0 115200 raw -echo && python3 send.py /dev/ttyACM0 windows.bin      and then reset the board
"""

import sys

ENQ = b"\x05"

with open(sys.argv[1], "r+b", buffering=0) as board, open(sys.argv[2], "rb") as windows:
    line, count = b"", 0
    while byte := board.read(1):
        if byte == ENQ:
            values = windows.read(count)
            if not count or len(values) < count:
                break
            board.write(values)
            continue
        line += byte
        if byte == b"\n":
            print(line.decode("ascii", "replace"), end="", flush=True)
            word, _, number = line.strip().partition(b" ")
            count = int(number) if word == b"bytes" else count
            line = b""
