"""ssh:// addresses and brackets."""

import pytest

from firmware_bench.rpi.ssh_address import parse_address
from firmware_bench.runtime.errors import InputError


@pytest.mark.parametrize(
    "text, found",
    [
        ("pi@raspberrypi.local", ("pi@raspberrypi.local", None)),
        ("ssh://pi@raspberrypi.local", ("pi@raspberrypi.local", None)),
        ("ssh://pi@raspberrypi.local:2222", ("pi@raspberrypi.local", 2222)),
        ("ssh://raspberrypi:22/", ("raspberrypi", 22)),
        ("ssh://pi@[fe80::1%eth0]:2222", ("pi@fe80::1%eth0", 2222)),
        ("pi@[::1]", ("pi@::1", None)),
        ("[::1]:2222", ("::1", 2222)),
        ("pi@fe80::1", ("pi@fe80::1", None)),
        ("pi@host:22", ("pi@host:22", None)),  # ssh says that there is no such host
        ("alias", ("alias", None)),
        ("", ("", None)),
    ],
)
def test_user_host_and_port_are_found(text, found):
    assert parse_address(text) == found


def test_a_port_beside_the_address_counts():
    assert parse_address("pi@host", 5) == parse_address("ssh://pi@host:5", 5) == ("pi@host", 5)


@pytest.mark.parametrize("text", ["ssh://", "ssh://pi@", "ssh://a/b", "ssh://pi@h:0", "ssh://pi@h:65536", "ssh://pi@h:x",
                                  "ssh://pi@h:", "ssh://[::1", "ssh://a@b@c", "ssh://pi@::1"])  # fmt: skip
def test_no_address_is_one_line(text):
    with pytest.raises(InputError, match="is no address|is no port") as caught:
        parse_address(text)
    assert "\n" not in str(caught.value)


def test_two_ports_are_one_line():
    with pytest.raises(InputError, match="names port 22, and --port is 23"):
        parse_address("ssh://pi@host:22", 23)
