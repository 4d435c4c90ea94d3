"""Addresses of other machines, as ssh and its users write them."""

from __future__ import annotations

import re

from firmware_bench.runtime.errors import InputError

# The scheme, the user, a name or an address in brackets, the port.
ADDRESS = re.compile(r"(ssh://)?([^/@]+@)?(\[[^\[\]/]+\]|[^\[\]/:@]+)(?::([^/]*))?/?", re.DOTALL)


def parse_address(text: str, port: int | None = None) -> tuple[str, int | None]:
    """Return USER@HOST without scheme, brackets and port, and the port.

    Args:
        text: USER@HOST, ssh://USER@HOST:PORT or USER@[IPv6 ADDRESS]:PORT. USER@ and :PORT may be missing.
        port: The port that was given beside it.

    Raises:
        InputError: A ssh:// address has another form, the port is none, or two ports are given.
    """
    match = ADDRESS.fullmatch(text)
    if match is None or not (match[1] or match[3].startswith("[")):
        if text.startswith("ssh://"):
            raise InputError(f"{text!r} is no address: ssh://USER@HOST:PORT")
        return text, port  # an alias of ~/.ssh/config, a name, an IPv6 address
    user, host, written = match[2] or "", match[3].strip("[]"), match[4]
    if written is None:
        return user + host, port
    if not re.fullmatch("[0-9]{1,5}", written) or not 0 < int(written) < 65536:
        raise InputError(f"{text!r}: {written!r} is no port: a number from 1 to 65535")
    if port not in (None, int(written)):
        raise InputError(f"{text!r} names port {written}, and --port is {port}: leave one of them out")
    return user + host, int(written)
