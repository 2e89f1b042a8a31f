"""The endpoint URL: `DIALECT+TRANSPORT://PLACE?options`, parsed into a value and printed back.

`dlt645+serial:///dev/ttyUSB0?baud=2400`, `dlms+tcp://meter.lan`, `dlt69845+tcp-listen://:6000`, `dlt645+pty:`,
`dlt645+hplc+tcp://10.0.0.7:9001`. Percent-encoding is undone in paths and options; `+` means itself. Nothing is opened
here, and nothing heavy is imported.
"""

from __future__ import annotations

import re
from typing import Any, Final
from urllib.parse import quote, unquote

import msgspec

from meterwire.errors import LocalProtocolError
from meterwire.protocols.dialogue import LineSettings
from meterwire.transports.options import OPTIONS, Value

DIALECTS: Final = ("dlt645", "dlt69845", "dlms", "dlms-hdlc", "iec62056-21", "gdw376-2")
TRANSPORTS: Final = ("tcp", "tcp-listen", "udp", "serial", "rfc2217", "pty", "hplc+tcp", "hplc+serial")
MODULE: Final = "gdw376-2"  # what is spoken on the line itself when meters are reached through an HPLC module

SERIAL: Final = {
    "dlt645": LineSettings(2400, 8, "E", 1),
    "dlt69845": LineSettings(9600, 8, "E", 1),
    "dlms": LineSettings(9600, 8, "N", 1),
    "dlms-hdlc": LineSettings(9600, 8, "N", 1),
    "iec62056-21": LineSettings(300, 7, "E", 1),
    "gdw376-2": LineSettings(9600, 8, "E", 1),
}
"""Speed and character format of a serial line that is not told otherwise."""

PORTS: Final = {"dlms": 4059}
"""IANA ports; the other dialects have none, so one must be given."""

_SCHEME = re.compile(
    r"(?P<dialect>[a-z0-9-]+)\+(?P<transport>[a-z0-9+-]+):(?://)?(?P<rest>.*)", re.IGNORECASE | re.DOTALL
)
_AUTHORITY = re.compile(r"(?P<host>\[[0-9A-Za-z:.%_-]*\]|[^\s/?#@\[\]:%]*)(?::(?P<port>[0-9]{1,5}))?/?")


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """Where a dialect is spoken.

    Attributes:
        dialect: one of `DIALECTS`.
        transport: one of `TRANSPORTS`; `hplc+` says that the meters lie behind a module that the carrier reaches.
        host: name or address, without brackets; empty means every interface of a listener.
        port: TCP or UDP port; 0 for any free one, and for transports that have none.
        path: serial port, or the link that a pseudo-terminal is to be found under.
        options: those that were given, by name.
    """

    dialect: str
    transport: str
    host: str = ""
    port: int = 0
    path: str = ""
    options: dict[str, Value] = {}

    @classmethod
    def parse(cls, url: str) -> Endpoint:
        """Read an endpoint URL; raises `LocalProtocolError` saying what is wrong with it."""
        found = _SCHEME.fullmatch(url)
        if found is None or not _is_text(url):
            raise LocalProtocolError(f"{url!r} is no endpoint: DIALECT+TRANSPORT://PLACE?options is expected")
        dialect, transport = found["dialect"].lower(), found["transport"].lower()
        _one_of("dialect", dialect, DIALECTS)
        _one_of("transport", transport, TRANSPORTS)
        place, _, query = found["rest"].partition("?")
        options = _options(query)
        if _carrier(transport) in {"serial", "pty"}:
            path = unquote(place, errors="surrogateescape")
            return cls(dialect=dialect, transport=transport, path=_path(dialect, transport, path), options=options)
        host, port = _authority(dialect, transport, place)
        return cls(dialect=dialect, transport=transport, host=host, port=port, options=options)

    def __str__(self) -> str:
        query = "&".join(
            f"{name}={quote(OPTIONS[name].show(value), safe=':/,+', errors='surrogateescape')}"
            for name, value in self.options.items()
        )
        return f"{self.dialect}+{self.transport}:{self._where()}{'?' if query else ''}{query}"

    def _where(self) -> str:
        if self.carrier in {"serial", "pty"}:
            path = quote(self.path, safe="/:", errors="surrogateescape")
            return f"//{path}" if path or self.carrier == "serial" else ""
        return "//" + self.place

    @property
    def carrier(self) -> str:
        """The transport of the line itself: `tcp` for `hplc+tcp`."""
        return _carrier(self.transport)

    @property
    def has_settings(self) -> bool:
        """Whether speed and character format of the line are ours to set."""
        return self.carrier in {"serial", "rfc2217"}

    @property
    def through_module(self) -> bool:
        """Whether the meters lie behind an HPLC module, so that the line speaks Q/GDW 10376.2."""
        return self.transport.startswith("hplc+")

    @property
    def place(self) -> str:
        """Host and port, or the path: for people and for messages."""
        if self.carrier in {"serial", "pty"}:
            return self.path
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    @property
    def settings(self) -> LineSettings:
        """What the serial line is set to: the dialect's default, changed by `baud`, `bits`, `parity` and `stop`."""
        default = SERIAL[MODULE if self.through_module else self.dialect]
        changed = {name: self.options.get(option) for name, option in _SETTINGS.items()}
        return msgspec.structs.replace(default, **{name: value for name, value in changed.items() if value is not None})

    def option(self, name: str, default: Any = None) -> Any:
        """The value of an option that was given, else the default."""
        return self.options.get(name, default)

    def with_option(self, name: str, value: Value) -> Endpoint:
        """The same endpoint with one more option."""
        return msgspec.structs.replace(self, options={**self.options, name: value})

    def at(self, *, host: str | None = None, port: int | None = None, path: str | None = None) -> Endpoint:
        """The same endpoint at the place that was really opened."""
        return msgspec.structs.replace(
            self,
            host=self.host if host is None else host,
            port=self.port if port is None else port,
            path=self.path if path is None else path,
        )


def _is_text(url: str) -> bool:
    """Whether a URL is text, or text with octets of a file name that are none."""
    try:
        url.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return False
    return True


_SETTINGS: Final = {"baud": "baud", "data_bits": "bits", "parity": "parity", "stop_bits": "stop"}


def _carrier(transport: str) -> str:
    return transport.removeprefix("hplc+")


def _one_of(what: str, given: str, known: tuple[str, ...]) -> None:
    if given not in known:
        raise LocalProtocolError(f"unknown {what} {given!r}: {', '.join(known)}")


def _path(dialect: str, transport: str, path: str) -> str:
    if dialect == "dlms" and not transport.startswith("hplc+"):
        raise LocalProtocolError("the DLMS wrapper runs over TCP or UDP: use dlms-hdlc on a serial line")
    if transport.endswith("serial") and not path:
        raise LocalProtocolError(f"a serial port must be given: {dialect}+{transport}:///dev/ttyUSB0")
    if "\0" in path:
        raise LocalProtocolError("a path cannot contain a NUL character")
    return path


def _authority(dialect: str, transport: str, place: str) -> tuple[str, int]:
    if dialect == "dlms" and transport == "rfc2217":
        raise LocalProtocolError("the DLMS wrapper runs over TCP or UDP: use dlms-hdlc on a serial line")
    found = _AUTHORITY.fullmatch(place)
    if found is None:
        raise LocalProtocolError(f"{place!r} is not HOST:PORT")
    host = found["host"].removeprefix("[").removesuffix("]")
    if found["port"] is not None:
        port = int(found["port"])
    elif dialect in PORTS and not transport.startswith("hplc+"):
        port = PORTS[dialect]
    else:
        raise LocalProtocolError(f"a port must be given for {dialect}+{transport}: there is no default")
    if port > 0xFFFF:
        raise LocalProtocolError(f"port {port} does not exist: 0 to 65535")
    return host, port


def _options(query: str) -> dict[str, Value]:
    options: dict[str, Value] = {}
    for item in query.split("&") if query else ():
        name, equals, text = item.partition("=")
        if name not in OPTIONS:
            raise LocalProtocolError(f"unknown option {name!r}: {', '.join(OPTIONS)}")
        if not equals or name in options:
            raise LocalProtocolError(f"option {name} must be given once, as {name}=VALUE")
        try:
            options[name] = OPTIONS[name].read(unquote(text, errors="surrogateescape"))
        except ValueError as error:
            raise LocalProtocolError(f"option {name}: {error}") from error
    return options
