"""The endpoint URL."""

import re
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterwire.errors import LocalProtocolError
from meterwire.protocols.dialogue import LineSettings
from meterwire.transports.endpoint import DIALECTS, Endpoint
from meterwire.transports.options import OPTIONS

GOOD = {
    "dlt645+serial:///dev/ttyUSB0?baud=2400": ("dlt645", "serial", "", 0, "/dev/ttyUSB0"),
    "dlms+tcp://meter.lan": ("dlms", "tcp", "meter.lan", 4059, ""),
    "dlms+tcp://[::1]:1234/": ("dlms", "tcp", "::1", 1234, ""),
    "dlms-hdlc+tcp://10.0.0.1:0": ("dlms-hdlc", "tcp", "10.0.0.1", 0, ""),
    "dlt69845+tcp-listen://:6000": ("dlt69845", "tcp-listen", "", 6000, ""),
    "dlt645+pty:": ("dlt645", "pty", "", 0, ""),
    "dlt645+pty:///tmp/a%20meter": ("dlt645", "pty", "", 0, "/tmp/a meter"),
    "iec62056-21+serial://COM3": ("iec62056-21", "serial", "", 0, "COM3"),
    "dlt645+hplc+tcp://gw:9001": ("dlt645", "hplc+tcp", "gw", 9001, ""),
    "dlt645+hplc+serial:///dev/ttyS0": ("dlt645", "hplc+serial", "", 0, "/dev/ttyS0"),
    "gdw376-2+udp://h:1": ("gdw376-2", "udp", "h", 1, ""),
    "DLT645+TCP://h:1": ("dlt645", "tcp", "h", 1, ""),
}


@pytest.mark.parametrize("url", GOOD)
def test_urls_are_understood_and_printed_back(url):
    """Protects the syntax that people type, and that what is printed can be typed again."""
    endpoint = Endpoint.parse(url)
    assert (endpoint.dialect, endpoint.transport, endpoint.host, endpoint.port, endpoint.path) == GOOD[url]
    assert Endpoint.parse(str(endpoint)) == endpoint


BAD = {
    "": "no endpoint",
    "dlt645": "no endpoint",
    "tcp://host:1": "no endpoint",
    "dlt646+tcp://h:1": "unknown dialect 'dlt646'",
    "dlt645+ttcp://h:1": "unknown transport 'ttcp'",
    "dlt645+tcp://h": "a port must be given for dlt645+tcp",
    "dlms+hplc+tcp://h": "a port must be given",
    "dlms+tcp://h:65536": "port 65536 does not exist",
    "dlms+tcp://h:-1": "not HOST:PORT",
    "dlms+tcp://user@h:1": "not HOST:PORT",
    "dlms+tcp://a/b:1": "not HOST:PORT",
    "dlms+serial:///dev/ttyS0": "use dlms-hdlc",
    "dlt645+serial:": "a serial port must be given",
    "dlt645+serial:///dev/%00": "NUL",
    "dlt645+tcp://h:1?boud=1": "unknown option 'boud'",
    "dlt645+tcp://h:1?baud": "must be given once",
    "dlt645+tcp://h:1?baud=1200&baud=1200": "must be given once",
    "dlt645+tcp://h:1?baud=9k6": "option baud: '9k6' is not a whole number",
    "dlt645+tcp://h:1?baud=²400": "option baud",
    "dlt645+tcp://h:1?baud=2_400": "option baud",
    "dlt645+tcp://h:1?timeout=nan": "option timeout",
    "dlt645+tcp://h:1?timeout=-1": "option timeout",
    "dlt645+tcp://h:1?parity=X": "option parity: 'X' is none of N, E, O",
    "dlt645+tcp://h:1?echo=maybe": "option echo",
    "dlt645+tcp://h:1?registration=(": "option registration",
    "dlt645+tcp://h:1?hello=0": "option hello",
    "dlt645+tcp://h:1?address=": "option address",
}


@pytest.mark.parametrize("url", BAD)
def test_faults_are_named(url):
    """Protects that a wrong URL ends in one plain sentence and in no other error."""
    with pytest.raises(LocalProtocolError, match=re.escape(BAD[url])):
        Endpoint.parse(url)


def test_serial_defaults_follow_the_dialect():
    """Protects the table of line defaults (conventions), and that each part of it can be overridden."""
    shown = {name: str(Endpoint(dialect=name, transport="serial", path="p").settings) for name in DIALECTS}
    assert shown == {
        "dlt645": "2400 8E1",
        "dlt69845": "9600 8E1",
        "dlms": "9600 8N1",
        "dlms-hdlc": "9600 8N1",
        "iec62056-21": "300 7E1",
        "gdw376-2": "9600 8E1",
    }
    assert str(Endpoint.parse("dlt645+hplc+serial://p").settings) == "9600 8E1"  # the module's line, not the meter's
    url = "dlt645+serial://p?baud=1200&bits=7&parity=o&stop=2"
    assert Endpoint.parse(url).settings == LineSettings(1200, 7, "O", 2)


def test_plus_is_a_plus():
    """Protects patterns: in a query of ours `+` is no space."""
    assert Endpoint.parse("dlt645+tcp-listen://:1?registration=%5cx00+.").option("registration") == "\\x00+."


# lone surrogates stand for octets that are no UTF-8 in file names; others are no text that a URL can carry
TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=20)
WHOLE = st.integers(50, 0x3FFF)
VALUES = {
    "bits": st.sampled_from([7, 8]),
    "parity": st.sampled_from("NEO"),
    "stop": st.sampled_from([1, 2]),
    "size": st.sampled_from([1, 2, 4]),
    "info": st.integers(8, 2030),
    "window": st.integers(1, 7),
    "mode": st.sampled_from("ABCDE"),
    "way": st.sampled_from(["monitor", "concurrent"]),
    "echo": st.sampled_from(["auto", "on", "off"]),
    "tries": st.integers(1, 100),
    "edition": st.integers(1990, 2100),
    "address": TEXT,
    "module": TEXT,
    "node": TEXT,
    "mechanism": TEXT,
    "keys": TEXT,
    "registration": st.sampled_from(["[+&=%]+", "\\x00{6}", "a b", ".*#?"]),
    "dial": st.booleans(),
    "names": st.sampled_from(["logical", "short"]),
    "hello": st.binary(max_size=12),
    **dict.fromkeys(
        ("timeout", "wait", "heartbeat", "silence", "push"), st.integers(0, 9_999_999).map(lambda n: n / 1000)
    ),
}
OPTIONS_GIVEN = st.fixed_dictionaries({}, optional={name: VALUES.get(name, WHOLE) for name in OPTIONS})
HOSTS = st.sampled_from(["", "h", "meter-1.lan", "127.0.0.1", "::1", "fe80::1%eth0", "höst"])


@given(
    st.sampled_from(DIALECTS),
    st.sampled_from(["tcp", "tcp-listen", "udp", "serial", "pty", "hplc+tcp", "hplc+serial", "rfc2217"]),
    HOSTS,
    st.integers(0, 0xFFFF),
    TEXT,
    OPTIONS_GIVEN,
)
def test_every_endpoint_survives_its_url(dialect, transport, host, port, path, options):
    """Protects `parse(str(endpoint)) == endpoint` for everything an endpoint can hold."""
    if dialect == "dlms" and transport.endswith(("serial", "pty", "rfc2217")):
        dialect = "dlms-hdlc"
    if transport.endswith(("serial", "pty")):
        endpoint = Endpoint(dialect=dialect, transport=transport, path=path, options=options)
    else:
        endpoint = Endpoint(dialect=dialect, transport=transport, host=host, port=port, options=options)
    assert Endpoint.parse(str(endpoint)) == endpoint


@given(st.text(max_size=40), st.sampled_from(["", "dlt645+tcp://", "dlms+serial:", "dlt645+tcp://h:1?"]))
def test_nothing_but_the_documented_error(text, start):
    """Protects the command line from whatever is typed or pasted."""
    try:
        endpoint = Endpoint.parse(start + text)
    except LocalProtocolError:
        return
    assert Endpoint.parse(str(endpoint)) == endpoint


def test_nothing_heavy_is_imported():
    """Protects the start of the command: parsing a URL needs neither asyncio nor serial."""
    program = (
        "import sys, meterwire.transports.lines, meterwire.transports.endpoint;"
        "print([m for m in ('asyncio', 'serial', 'socket', 'serial_asyncio') if m in sys.modules])"
    )
    assert subprocess.check_output([sys.executable, "-c", program], text=True).strip() == "[]"
