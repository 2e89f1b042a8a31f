"""Who the meter is, and its secrets."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec

Digits = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{12}$")]
Text = Annotated[str, msgspec.Meta(pattern=r"^[ -~]*$", max_length=32)]
Level = Annotated[str, msgspec.Meta(pattern=r"^0[0-9]$")]
SixDigits = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{6}$")]
FLAG: Final = "MWR"
"""Three letters in front of system title and logical device name."""


class Secrets(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Passwords and keys; the defaults are public test secrets and protect nothing.

    Attributes:
        dlt645_passwords: six digits by level (02, 04).
        dlt645_operator: operator code, eight digits.
        dlt69845_password: of CONNECT with a password.
        dlms: password or shared secret by DLMS client.
        unicast_key: global unicast encryption key.
        authentication_key: global authentication key.
        master_key: wraps new keys.
        broadcast_key: global broadcast encryption key; empty for none.
        dlms_suite: security suite of DLMS/COSEM.
        signing_key: the meter's private key of signatures, 32 or 48 octets; made of the master key when left out.
        agreement_key: likewise of key agreement.
        client_signing_keys: public key of signatures (x || y) by DLMS client.
        client_agreement_keys: likewise of key agreement.
        authorities: certificates of those who certify clients, DER or PEM.
    """

    dlt645_passwords: dict[Level, SixDigits] = msgspec.field(default_factory=lambda: {"02": "000000", "04": "000000"})
    dlt645_operator: Annotated[str, msgspec.Meta(pattern=r"^[0-9]{8}$")] = "00000000"
    dlt69845_password: str = "00000000"  # noqa: S105  published test secrets, all of them
    dlms: dict[Annotated[int, msgspec.Meta(ge=1, le=0x7F)], str] = msgspec.field(
        default_factory=lambda: dict.fromkeys((17, 18, 19, 20, 22), "12345678"),
    )
    unicast_key: bytes = bytes.fromhex("000102030405060708090A0B0C0D0E0F")
    authentication_key: bytes = bytes.fromhex("D0D1D2D3D4D5D6D7D8D9DADBDCDDDEDF")
    master_key: bytes = bytes.fromhex("00112233445566778899AABBCCDDEEFF")
    broadcast_key: bytes = b""
    dlms_suite: Annotated[int, msgspec.Meta(ge=0, le=2)] = 0
    signing_key: bytes = b""
    agreement_key: bytes = b""
    client_signing_keys: dict[int, bytes] = msgspec.field(default_factory=dict)
    client_agreement_keys: dict[int, bytes] = msgspec.field(default_factory=dict)
    authorities: tuple[bytes, ...] = ()

    @property
    def are_public(self) -> bool:
        """Whether any of them is still a published test secret: warn before serving off loopback."""
        return any(getattr(self, name) == getattr(_PUBLIC, name) for name in _PUBLISHED)

    def __repr__(self) -> str:
        return "Secrets(hidden)"


_PUBLIC: Final = Secrets()
_PUBLISHED: Final = (
    "dlt645_passwords",
    "dlt645_operator",
    "dlt69845_password",
    "dlms",
    "unicast_key",
    "authentication_key",
    "master_key",
)


class Identity(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Names and numbers of one meter.

    Attributes:
        number: meter number, 12 digits.
        address: communication address of DL/T 645 and 698.45, 12 digits; the number when left out.
        asset_number: the owner's number; made from the number when left out.
        customer_number: 12 digits.
        logical_device: DLMS server address in the wrapper, upper address in HDLC.
        physical_device: lower HDLC address.
        client_titles: system title that a DLMS client must show, by client.
        secrets: passwords and keys.
    """

    number: Digits = "000000000161"
    address: Digits = ""
    asset_number: Text = ""
    customer_number: Digits = "000000330161"
    logical_device: Annotated[int, msgspec.Meta(ge=1, le=0x3FFF)] = 1
    physical_device: Annotated[int, msgspec.Meta(ge=0, le=0x3FFF)] = 17
    client_titles: dict[int, bytes] = msgspec.field(default_factory=lambda: {1: bytes.fromhex("4D4D4D0000000001")})
    secrets: Secrets = Secrets()

    def __post_init__(self) -> None:
        if not self.address:
            msgspec.structs.force_setattr(self, "address", self.number)
        if not self.asset_number:
            msgspec.structs.force_setattr(self, "asset_number", f"{FLAG}20230{self.number}")

    @property
    def system_title(self) -> bytes:
        """DLMS system title: the flag letters and ten digits of the number in BCD, 8 octets."""
        return FLAG.encode() + bytes.fromhex(self.number[-10:])

    @property
    def logical_device_name(self) -> bytes:
        """COSEM logical device name: the flag letters and the number, 16 octets."""
        return f"{FLAG}{self.number:0>13}".encode()

    @property
    def flag(self) -> str:
        """The manufacturer's three letters."""
        return FLAG


class Plate(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is printed on a type of meter: texts of its profile."""

    model: Text
    rated_voltage: Text
    rated_current: Text
    maximum_current: Text
    active_accuracy_class: Text = "1.0"
    reactive_accuracy_class: Text = "2.0"
    production_date: Text = "2023-05-11"
    protocol_version: Text = "DLT645-2007"
    firmware_version: Text = "V104"
    hardware_version: Text = "V102"
    manufacturer: Text = "MWR1"


def texts(identity: Identity, plate: Plate) -> dict[str, str]:
    """The strings a meter tells, by the register names of the table of quantities."""
    own = {
        "address": identity.address,
        "meter_number": identity.number,
        "asset_number": identity.asset_number,
        "customer_number": identity.customer_number,
        "meter_model": plate.model,
    }
    return own | {name: getattr(plate, name) for name in plate.__struct_fields__ if name != "model"}
