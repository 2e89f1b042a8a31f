"""The key file of a DLMS/COSEM client, and the file beside it that keeps its invocation counters.

Keys are hexadecimal digits; what is left out is not there:
```toml
title = "4D4D4D0000000001"
unicast_key = "000102030405060708090A0B0C0D0E0F"
authentication_key = "D0D1D2D3D4D5D6D7D8D9DADBDCDDDEDF"
```
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import stat
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import msgspec

from meterwire.errors import LocalProtocolError, SecurityError
from meterwire.protocols.dlms.acse import AuthenticationMechanism
from meterwire.protocols.dlms.obis import Obis
from meterwire.protocols.dlms.security.ciphering import SIGNED, Level
from meterwire.protocols.dlms.security.counters import ReceivedCounter, SendingCounter
from meterwire.protocols.dlms.security.curves import private_key, public_key
from meterwire.protocols.dlms.security.forms import Form
from meterwire.protocols.dlms.security.gcm import AUTHENTICATED, ENCRYPTED
from meterwire.protocols.dlms.security.keys import Keys
from meterwire.protocols.dlms.security.settings import COUNTER_OBJECT, Security
from meterwire.protocols.dlms.security.suites import suite

LARGEST: Final = 65536
"""Octets of the longest key file that is read."""
SUFFIX: Final = ".counters"
"""Of the file beside the key file that keeps the counters."""

TITLE: Final = "4D4D4D0000000001"
"""Our system title, unless told otherwise."""

MECHANISMS: Final = {
    "none": AuthenticationMechanism.NONE,
    "low": AuthenticationMechanism.LOW,
    "high": AuthenticationMechanism.HIGH,
    "md5": AuthenticationMechanism.HIGH_MD5,
    "sha1": AuthenticationMechanism.HIGH_SHA1,
    "gmac": AuthenticationMechanism.HIGH_GMAC,
    "sha256": AuthenticationMechanism.HIGH_SHA256,
    "ecdsa": AuthenticationMechanism.HIGH_ECDSA,
}
"""Mechanisms as people call them."""
OF_CLIENTS: Final = {16: "none", 17: "low", 18: "high", 19: "md5", 20: "sha1", 22: "sha256", 23: "ecdsa"}
"""The mechanism of a client that says none; any other client uses GMAC."""
LEVELS: Final = {
    "none": 0,
    "authenticated": AUTHENTICATED,
    "encrypted": ENCRYPTED,
    "both": AUTHENTICATED | ENCRYPTED,
}


class KeyFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a key file may say.

    Attributes:
        client: number of the client; the URL's when left out, and 1 when that says none either.
        mechanism: one of `MECHANISMS`; by the client's number when left out.
        secret: password or shared secret.
        title: own system title; meter_title: the meter's, if it is to be checked.
        suite: security suite.
        protection: none, authenticated, encrypted or both; both with keys, none without, when left out.
        signed: whether APDUs are signed, too.
        form: service, general, identified, wrapped, one_pass or static.
        dedicated: whether each association gets a key of its own.
        user_id: of the client's user.
        counter_object: where the meter tells the invocation counter.
        unicast_key, authentication_key, broadcast_key, master_key: symmetric keys.
        signing_key, agreement_key: own private keys.
        meter_signing_key, meter_agreement_key: public keys of the meter, x || y.
        certificate: file with the own certificate of signatures, in DER or PEM.
        authorities: files with certificates of those who certify meters.
    """

    client: int | None = None
    mechanism: str = ""
    secret: str = ""
    title: str = TITLE
    meter_title: str = ""
    suite: int = 0
    protection: str = ""
    signed: bool = False
    form: str = "service"
    dedicated: bool = False
    user_id: int | None = None
    counter_object: str = ""
    unicast_key: str = ""
    authentication_key: str = ""
    broadcast_key: str = ""
    master_key: str = ""
    signing_key: str = ""
    agreement_key: str = ""
    meter_signing_key: str = ""
    meter_agreement_key: str = ""
    certificate: str = ""
    authorities: list[str] = []

    def __repr__(self) -> str:
        return "KeyFile(...)"


def read_keys(path: str | Path) -> KeyFile:
    """A key file; raises LocalProtocolError saying what is wrong with it."""
    place = Path(path)
    try:
        with place.open("rb") as file:
            octets = file.read(LARGEST + 1)
        if len(octets) > LARGEST:
            raise LocalProtocolError(f"{place}: longer than {LARGEST} octets")
        return msgspec.convert(_flat(tomllib.loads(octets.decode())), KeyFile)
    except OSError as error:
        raise LocalProtocolError(f"{place}: {error.strerror or 'cannot be read'}") from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise LocalProtocolError(f"{place}: {error}") from None
    except msgspec.ValidationError as error:
        raise LocalProtocolError(f"{place}: {error}") from None


def _flat(table: dict[str, Any]) -> dict[str, Any]:
    """Keys as `decode` takes them in a section [dlms] are those of the meter with that system title."""
    section = table.get("dlms")
    if not isinstance(section, dict):
        return table
    own: dict[str, Any] = {name: value for name, value in section.items() if name != "title"}
    for theirs, ours in (("encryption_key", "unicast_key"), ("system_title", "meter_title")):
        if theirs in own:
            own[ours] = own.pop(theirs)
    return {name: value for name, value in table.items() if name != "dlms"} | own


def client_of(told: KeyFile, asked: int | None) -> int:
    """The number of the client: the URL's, the file's, or that of the management client."""
    if asked is not None:
        return asked
    return 1 if told.client is None else told.client


def mechanism_named(text: str) -> AuthenticationMechanism:
    """A mechanism by its name or number; raises LocalProtocolError."""
    if text in MECHANISMS:
        return MECHANISMS[text]
    if text.isascii() and text.isdecimal() and int(text) in set(AuthenticationMechanism):
        return AuthenticationMechanism(int(text))
    raise LocalProtocolError(f"{text!r} is no mechanism: {', '.join(MECHANISMS)}, or its number")


def security_by_secret(mechanism: str, secret: bytes) -> Security:
    """What a client brings that has a secret and no keys: an association without ciphering.

    Raises:
        LocalProtocolError: the mechanism is none, or needs keys or a secret.
    """
    found = mechanism_named(mechanism)
    if found in (AuthenticationMechanism.HIGH_GMAC, AuthenticationMechanism.HIGH_ECDSA):
        raise LocalProtocolError(f"{mechanism} needs keys: give a key file")
    if not secret and found is not AuthenticationMechanism.NONE:
        raise LocalProtocolError(f"{mechanism} needs a password or secret")
    return Security(mechanism=found, secret=secret, title=bytes.fromhex(TITLE), random=secrets.token_bytes)


def security_of(path: str | Path, client: int, *, server: str = "", mechanism: str = "") -> Security:
    """What a client brings, with counters that are kept beside the key file.

    Args:
        path: of the key file.
        client: number of the client, which says the mechanism where nothing else does.
        server: whose counters these are, where one file serves several meters.
        mechanism: by name or number, in place of the file's.

    Raises:
        LocalProtocolError: the file cannot be read, or what it says does not fit together.
    """
    told, place = read_keys(path), Path(path)
    try:
        used = mechanism_named(mechanism or told.mechanism or OF_CLIENTS.get(client, "gmac"))
        bits = LEVELS[told.protection or ("both" if told.unicast_key else "none")]
        form = Form[told.form.upper()]
    except KeyError as error:
        raise LocalProtocolError(f"{place}: {error.args[0]!r} is no protection or form") from None
    bits |= SIGNED if told.signed else 0
    keys = keys_of(told, place)
    counters = CounterFile(place.with_name(place.name + SUFFIX), _identifier(told), server)
    return Security(
        mechanism=used,
        secret=told.secret.encode(),
        title=_octets(place, "title", told.title, (8,)),
        peer_title=_octets(place, "meter_title", told.meter_title, (0, 8)),
        suite=told.suite,
        keys=keys,
        level=Level(bits, bits, form) if bits else None,
        dedicated=told.dedicated,
        user_id=told.user_id,
        sending=counters.sending() if bits or used is AuthenticationMechanism.HIGH_GMAC else None,
        counter_from=counters.counter,
        received=counters.received(),
        remember=counters.remember,
        counter_object=bytes(Obis.parse(told.counter_object)) if told.counter_object else COUNTER_OBJECT,
        random=secrets.token_bytes,
        authorities=tuple(_certificate(place, name) for name in told.authorities),
        now=lambda: datetime.now(UTC),
    )


def keys_of(told: KeyFile, place: Path) -> Keys:
    """The keys of a key file; raises LocalProtocolError."""
    try:
        group = suite(told.suite)
        sizes = (0, group.key_octets)
        number, point = (0, group.coordinate_octets), (0, 2 * group.coordinate_octets)
        signing = _octets(place, "signing_key", told.signing_key, number)
        agreement = _octets(place, "agreement_key", told.agreement_key, number)
        peer_signing = _octets(place, "meter_signing_key", told.meter_signing_key, point)
        peer_agreement = _octets(place, "meter_agreement_key", told.meter_agreement_key, point)
        return Keys(
            unicast=_octets(place, "unicast_key", told.unicast_key, sizes),
            authentication=_octets(place, "authentication_key", told.authentication_key, sizes),
            broadcast=_octets(place, "broadcast_key", told.broadcast_key, sizes),
            master=_octets(place, "master_key", told.master_key, sizes),
            signing=private_key(group, signing) if signing else None,
            agreement=private_key(group, agreement) if agreement else None,
            peer_signing=public_key(group, peer_signing) if peer_signing else None,
            peer_agreement=public_key(group, peer_agreement) if peer_agreement else None,
            certificate=_certificate(place, told.certificate),
        )
    except SecurityError as error:
        raise LocalProtocolError(f"{place}: {error}") from None


def _certificate(place: Path, name: str) -> bytes:
    from meterwire.protocols.dlms.security import certificates  # noqa: PLC0415  for those who have one

    if not name:
        return b""
    try:
        with (place.parent / name).open("rb") as file:
            return certificates.octets_of(certificates.read(file.read(certificates.LARGEST + 1)))
    except OSError as error:
        raise LocalProtocolError(f"{name}: {error.strerror or 'cannot be read'}") from None


def _octets(place: Path, name: str, digits: str, sizes: tuple[int, ...]) -> bytes:
    try:
        octets = bytes.fromhex(digits)
    except ValueError:
        raise LocalProtocolError(f"{place}: {name}: hexadecimal digits are needed") from None
    if len(octets) not in sizes:
        raise LocalProtocolError(f"{place}: {name}: {max(sizes)} octets are needed, not {len(octets)}")
    return octets


def _identifier(told: KeyFile) -> str:
    """Names a counter without telling the key: another key or title has another counter, another meter has not."""
    text = f"{told.title.lower()}/{told.unicast_key.lower()}"
    return hashlib.sha256(b"meterwire counter " + text.encode()).hexdigest()[:16]


class CounterFile:
    """Where the counters under one key are kept; several programs may use it at once.

    Args:
        path: made when the first counter is reserved, for its owner alone.
        name: of the counter of what is sent: one for all meters, since key, title and number make the nonce.
        server: whose counter is kept of what is received.
    """

    def __init__(self, path: Path, name: str, server: str = "") -> None:
        self._path, self._sent, self._received = path, f"{name}.sent", f"{name}.received.{server}"

    def sending(self) -> SendingCounter | None:
        """The counter that goes on behind all that was reserved; None where nothing was."""
        first = self._load().get(self._sent)
        return None if first is None else self.counter(first)

    def counter(self, first: int) -> SendingCounter:
        """A counter that is kept here."""
        return SendingCounter(first, self._reserve)

    def received(self) -> ReceivedCounter:
        """What was taken of the meter."""
        return ReceivedCounter(self._load().get(self._received, 0))

    def remember(self, expected: int) -> None:
        """Keep what has been taken of the meter."""
        with self._locked() as known:
            if known.get(self._received, 0) < expected:
                self._store({**known, self._received: expected})

    def _reserve(self, first: int, count: int) -> int:
        """Keep that a block is used, before any number of it is; another program's block lies before it."""
        with self._locked() as known:
            begun = max(first, known.get(self._sent, 0))
            self._store({**known, self._sent: begun + count})
            return begun

    def _load(self) -> dict[str, int]:
        try:
            known = json.loads(self._path.read_text("utf-8"))
            return msgspec.convert(known, dict[str, int])
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            raise LocalProtocolError(f"{self._path}: the counters cannot be read: {error}") from None

    @contextmanager
    def _locked(self) -> Iterator[dict[str, int]]:
        import fcntl  # noqa: PLC0415  POSIX alone has it

        try:
            place = os.open(self._path.with_name(self._path.name + ".lock"), os.O_CREAT | os.O_RDWR, 0o600)
        except OSError as error:
            raise LocalProtocolError(f"{self._path}: the counters cannot be kept: {error.strerror}") from None
        try:
            fcntl.flock(place, fcntl.LOCK_EX)
            yield self._load()
        finally:
            os.close(place)

    def _store(self, known: Mapping[str, Any]) -> None:
        """Whole or not at all, and on the disk when this returns."""
        fresh = self._path.with_name(self._path.name + ".new")
        try:
            place = os.open(fresh, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, stat.S_IRUSR | stat.S_IWUSR)
            with os.fdopen(place, "w", encoding="utf-8") as file:
                json.dump(known, file, indent=1, sort_keys=True)
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(self._path)
            folder = os.open(self._path.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        except OSError as error:
            raise LocalProtocolError(f"{self._path}: the counters cannot be kept: {error.strerror}") from None
