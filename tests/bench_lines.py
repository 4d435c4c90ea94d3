"""Lines that a benchmark prints while tests of benchmarks run at the same time, which then wait for each other."""

WAITING = "waiting: another benchmark measures on this machine"


def without_waiting(lines):
    return [line for line in lines if line.rstrip() != WAITING]


def read_line(stream):
    """The next line of a stream that is not about waiting."""
    line = stream.readline()
    while line.rstrip() == WAITING:
        line = stream.readline()
    return line
