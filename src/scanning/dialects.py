"""How each dialect is searched for on an open line, behind one face."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Final, Protocol

import msgspec

from meterwire.errors import Disconnected, LocalProtocolError, MeterwireError, NoAnswer, Refused
from meterwire.protocols.dialogue import Line, Patience, converse
from meterwire.protocols.listening import Attention, Tally
from meterwire.scanning.clients import CLIENTS, FEW, PUBLIC, in_words, known_clients
from meterwire.scanning.plan import Settings, Trial
from meterwire.scanning.progress import Progress
from meterwire.transports.endpoint import Endpoint


class Meter(msgspec.Struct, frozen=True):
    """A meter that was found.

    Attributes:
        dialect: that it speaks.
        address: in the dialect's own form.
        settings: of the serial line, None where they are not ours.
        edition: of the standard, as a year; None where it does not show.
        note: what else there is to know, for people.
        options: of the URL that it is read with, beside the settings of the line.
    """

    dialect: str
    address: str
    settings: Settings = None
    edition: int | None = None
    note: str = ""
    options: dict[str, int] = {}


class Scanner(Protocol):
    """One dialect.

    Attributes:
        bauds: speeds to try, the usual ones first.
        questions: how many of them find out whether anybody is there at one setting.
        ways: fewest and most questions for one octet of the address where several meters answer; None where nobody
            looks for them.
        scope: what is tried on a line whose settings are not ours.
        meters: those found so far.
    """

    scope: str
    bauds: tuple[int, ...]
    questions: int
    ways: tuple[int, int] | None
    meters: list[Meter]

    def attention(self, settings: Settings) -> Attention:
        """How long to listen after one question."""

    def search(self, line: Line, settings: Settings, progress: Progress) -> Trial:
        """Look for meters at one setting."""


_ADDRESSES: Final = "addresses alone, speed and parity being the gateway's,"


class Scanner645:
    """DL/T 645 in both editions."""

    scope = _ADDRESSES

    def __init__(self, endpoint: Endpoint, edition: str, *, thorough: bool) -> None:
        from meterwire.protocols.dlt645 import questions, search  # noqa: PLC0415  a dialect is loaded when it is scanned

        _one_of(edition, [str(year) for year in questions.EDITIONS])
        self._questions, self._search, self._thorough = questions, search, thorough
        self._timeout = endpoint.option("timeout")
        self._years = questions.EDITIONS if edition == "auto" else (int(edition),)
        self._found: list[Any] = []
        self.bauds: tuple[int, ...] = questions.BAUDS
        self.ways: tuple[int, int] | None = questions.WAYS
        self.questions = questions.opening_questions(self._years)
        self.meters: list[Meter] = []

    def attention(self, settings: Settings) -> Attention:
        """How long to listen after one question."""
        return self._questions.attention_for(settings, self._timeout)

    def search(self, line: Line, settings: Settings, progress: Progress) -> Trial:
        """Look for meters at one setting."""
        told = _Told(settings, progress)
        run = self._search.Search(
            settings,
            attention=self.attention(settings),
            years=self._years,
            thorough=self._thorough,
            known=self._found,
            tell=told,
        )
        try:
            converse(run.run(), line)
        finally:
            self._found += run.found
            self.meters += [
                Meter("dlt645", one.address, settings, one.edition, _note(one.address, shared=one.shared))
                for one in run.found
            ]
        return Trial(settings, run.tally, len(run.found), told.several, run.noisy)


def _note(address: str, *, shared: bool) -> str:
    if shared:
        return "several meters seem to have this address"
    return "repeats the wildcard in place of its address" if "A" in address else ""


class _Told:
    """What a search tells, put into words."""

    def __init__(self, settings: Settings, progress: Progress) -> None:
        self.several = False
        self._where, self._progress = f"{settings}: " if settings else "", progress

    def __call__(self, happening: str, detail: str) -> None:
        if happening == "asking":
            self._progress.asking(f"{self._where}{detail}")
        elif happening == "several":
            self.several = True
            self._progress.expect(None)
            behind = f" to addresses that end in {detail}" if detail else ", looking at them from the low digits"
            self._progress.say(f"{self._where}several meters answer{behind}")
        elif happening == "found":
            self._progress.say(f"{self._where}{detail} answers")
        else:
            self._progress.say(f"{self._where}given up: {detail}")


class Scanner69845:
    """DL/T 698.45."""

    scope = _ADDRESSES
    ways: tuple[int, int] | None = None

    def __init__(self, endpoint: Endpoint, edition: str) -> None:
        from meterwire.protocols.dlt69845 import link, search  # noqa: PLC0415  a dialect is loaded when it is scanned

        _one_of(edition, [str(year) for year in link.EDITIONS])
        self._search = search
        self._edition = link.EDITION if edition == "auto" else int(edition)
        self._timeout = endpoint.option("timeout")
        self._wake = 4 if endpoint.has_settings else 0
        self.bauds: tuple[int, ...] = search.BAUDS
        self.questions = search.QUESTIONS
        self.meters: list[Meter] = []

    def attention(self, settings: Settings) -> Attention:
        """How long to listen after one question."""
        return self._search.attention_for(settings, self._timeout)

    def search(self, line: Line, settings: Settings, progress: Progress) -> Trial:
        """Look for meters at one setting."""
        where = f"{settings}: " if settings else ""
        progress.asking(f"{where}wildcard")
        attention = self.attention(settings)
        run = self._search.Search(settings, attention=attention, edition=self._edition, wake=self._wake)
        addresses: list[str] = converse(run.run(), line)
        known = {meter.address for meter in self.meters}
        new = [Meter("dlt69845", address, settings) for address in addresses if address not in known]
        self.meters += new
        for meter in new:
            progress.say(f"{where}{meter.address} answers")
        if run.collided:
            progress.say(f"{where}several meters answer at once: there are more than were found")
        return Trial(settings, run.tally, len(new), run.collided and not addresses)


SERVERS: Final = (1, 2, 3, 4, 16, 17)
"""Logical devices that are looked for in the wrapper: management, and those that are met behind it."""
_WAIT: Final = 2.0
_NAME: Final = "1/0-0:42.0.0.255/2"


class ScannerDlms:
    """DLMS/COSEM over the wrapper: which servers let the client associate, or say no; then HDLC on the same line."""

    bauds: tuple[int, ...] = ()
    ways: tuple[int, int] | None = None

    def __init__(self, endpoint: Endpoint, edition: str) -> None:
        _one_of(edition, [])
        given = endpoint.option("server")
        self._servers = SERVERS if given is None else (given,)
        self._client: int = endpoint.option("client", PUBLIC)
        self._others = CLIENTS if endpoint.option("client") is None else ()
        self._wait: float = endpoint.option("timeout", _WAIT)
        stream = endpoint.carrier in {"tcp", "tcp-listen"}
        self._hdlc = ScannerHdlc(endpoint, edition) if stream and given is None else None
        self._pairs = [(server, self._client) for server in self._servers]
        self._pairs += [(self._servers[0], client) for client in FEW if self._others]
        self.questions = len(self._pairs) + (self._hdlc.questions if self._hdlc else 0)
        self.scope = f"servers {', '.join(map(str, self._servers))}" + (", then HDLC" if self._hdlc else "")
        self.meters: list[Meter] = []

    def attention(self, settings: Settings) -> Attention:  # noqa: ARG002  there are none
        """How long to listen after one question."""
        return Attention(self._wait, self._wait, self._wait)

    def search(self, line: Line, settings: Settings, progress: Progress) -> Trial:
        """Ask each server for an association, and where nobody answers the first one as other clients."""
        trial = Trial(settings, Tally())
        for server, client in self._pairs:
            if trial.found and client != self._client:
                break
            progress.asking(f"server {server}, client {client}")
            trial.tally.asked += 1
            try:
                note = self._associate(line, server, client, progress)
            except NoAnswer:
                continue
            except Disconnected:
                if not self.meters:
                    raise
                progress.say(f"the meter ended the connection when server {server} was asked: the others were not")
                break
            options = {} if client == PUBLIC else {"client": client}
            self.meters.append(Meter("dlms", str(server), note=note, options=options))
            progress.say(f"server {server} answers")
            trial.found += 1
        if not trial.found and self._hdlc is not None:
            trial = self._hdlc.search(line, settings, progress)
            self.meters += self._hdlc.meters
        return trial

    def _associate(self, line: Line, server: int, client: int, progress: Progress) -> str:
        from meterwire.protocols.dlms.client import MeterDlms  # noqa: PLC0415  a dialect is loaded when it is scanned

        def make(number: int) -> Any:
            return MeterDlms(line, server, client=number, patience=Patience(1, self._wait, f"server {server}"))

        return _introduced(make, client, self._others, progress)


def _introduced(make: Callable[[int], Any], client: int, others: Sequence[int], progress: Progress) -> str:
    """What there is to know of a server: whether it lets the client in, its name, and other clients that it knows."""
    meter = make(client)
    try:
        meter.associate()
    except Refused as refused:
        note = f"says no to client {client}: {refused.text}"
    else:
        note = f"client {client}"
        with suppress(MeterwireError):  # the name is for people; without it the server is there all the same
            note += f", {_text(meter.read(_NAME).value)}"
            meter.release()
    return note + in_words(known_clients(make, progress, [one for one in others if one != client]))


HDLC_BAUDS: Final = (9600, 19200, 4800, 2400, 115200, 57600, 38400, 1200, 300)
HDLC_SERVERS: Final = ((1, None), (1, 17), (1, 16), (16, None), (1, 1), (17, None))
"""Logical and physical devices that are met, the usual ones first; each pair in two octets and in four."""
_LINK_OCTETS: Final = 60


class ScannerHdlc:
    """DLMS/COSEM over HDLC: which addresses answer SNRM, in 1, 2 and 4 octets, at any speed and parity."""

    bauds: tuple[int, ...] = HDLC_BAUDS
    ways: tuple[int, int] | None = None

    def __init__(self, endpoint: Endpoint, edition: str) -> None:
        from meterwire.protocols.hdlc.address import server_address  # noqa: PLC0415  loaded when it is scanned

        _one_of(edition, [])
        given = endpoint.option("server"), endpoint.option("physical")
        pairs = HDLC_SERVERS if given == (None, None) else ((given[0] or 1, given[1]),)
        sizes = [endpoint.option("size")] if endpoint.option("size") else [1, 2, 4]
        self._places = [
            server_address(upper, lower, size)
            for size in sizes
            for upper, lower in pairs
            if (size == 1) == (lower is None) and (size == 4 or max(upper, lower or 0) <= 0x7F)
        ]
        self._client: int = endpoint.option("client", PUBLIC)
        self._others = CLIENTS if endpoint.option("client") is None else ()
        self._given: float | None = endpoint.option("timeout")
        usual = [next(place for place in self._places if place.size == size) for size in sizes if self._has(size)]
        self._pairs = [(place, self._client) for place in self._places]
        self._pairs += [(place, client) for place in usual for client in FEW if self._others]
        self.questions = len(self._pairs)
        self.scope = f"{len(self._places)} HDLC addresses"
        self.meters: list[Meter] = []

    def _has(self, size: int) -> bool:
        return any(place.size == size for place in self._places)

    def attention(self, settings: Settings) -> Attention:
        """How long to listen after one question."""
        wait = self._given or (0.3 + settings.seconds(2 * _LINK_OCTETS) if settings else _WAIT / 2)
        return Attention(wait, wait, wait)

    def search(self, line: Line, settings: Settings, progress: Progress) -> Trial:
        """Ask each address for a link."""
        if settings is not None:
            line.reconfigure(settings)
        trial, where = Trial(settings, Tally()), f"{settings}: " if settings else ""
        patience = Patience(1, self.attention(settings).begin, "server")
        for place, client in self._pairs:
            if trial.found and client != self._client:
                break
            progress.asking(f"{where}server {place} in {place.size} octets, client {client}")
            trial.tally.asked += 1
            try:
                note = self._knock(line, place, client, patience)
            except NoAnswer:
                continue
            if any(one.options.get("size") == place.size and one.address == str(place) for one in self.meters):
                continue  # known, at another speed: a line without one
            if not self.meters:  # the same meter answers to its other addresses, too
                note += self._clients(line, place, client, patience, progress)
            options = {"server": place.upper, "size": place.size}
            options |= {} if place.lower is None else {"physical": place.lower}
            options |= {} if client == PUBLIC else {"client": client}
            self.meters.append(Meter("dlms-hdlc", str(place), settings, note=note, options=options))
            progress.say(f"{where}server {place} answers to an address of {place.size} octets")
            trial.found += 1
        return trial

    def _knock(self, line: Line, place: Any, client: int, patience: Patience) -> str:
        """SNRM and, where the link is granted, DISC; what there is to know."""
        from meterwire.protocols.dlms.hdlc_carrier import HdlcCarrier  # noqa: PLC0415  see above

        carrier = HdlcCarrier(client, place)
        try:
            converse(carrier.open(patience), line)
        except Refused as refused:
            return f"address of {place.size} octets, {refused.text}"
        agreed = carrier.link.agreed
        with suppress(MeterwireError):
            converse(carrier.close(patience), line)
        return f"address of {place.size} octets, information of {agreed.info_tx}, window {agreed.window_tx}"

    def _clients(self, line: Line, place: Any, client: int, patience: Patience, progress: Progress) -> str:
        """What the application says, behind the link."""
        from meterwire.protocols.dlms.client import MeterDlms  # noqa: PLC0415  see above
        from meterwire.protocols.dlms.hdlc_carrier import HdlcCarrier  # noqa: PLC0415  see above

        def make(number: int) -> Any:
            return MeterDlms(line, carrier=HdlcCarrier(number, place), patience=patience)

        with suppress(MeterwireError):
            return f", {_introduced(make, client, self._others, progress)}"
        return ""


def _text(name: Any) -> str:
    return name.decode("latin-1") if isinstance(name, bytes) else str(name)


def _one_of(edition: str, years: list[str]) -> None:
    if edition != "auto" and edition not in years:
        raise LocalProtocolError(f"there is no edition {edition!r} to look for: {', '.join([*years, 'auto'])}")


def scanner(endpoint: Endpoint, edition: str | None, *, thorough: bool) -> Scanner:
    """What looks for meters at an endpoint; raises LocalProtocolError where nothing does yet."""
    if endpoint.through_module:
        raise LocalProtocolError(f"{endpoint.transport}: a module cannot be scanned through yet")
    edition = edition or str(endpoint.option("edition", "auto"))
    if endpoint.dialect == "dlt645":
        return Scanner645(endpoint, edition, thorough=thorough)
    if thorough:
        raise LocalProtocolError("--thorough is for DL/T 645")
    if endpoint.dialect == "dlt69845":
        return Scanner69845(endpoint, edition)
    if endpoint.dialect == "dlms":
        return ScannerDlms(endpoint, edition)
    if endpoint.dialect == "dlms-hdlc":
        return ScannerHdlc(endpoint, edition)
    raise LocalProtocolError(f"{endpoint.dialect} cannot be scanned yet: dlt645, dlt69845, dlms, dlms-hdlc")
