"""Passes 3 and 4 of high-level security: a method of the association object, by logical or by short name.

DLMS UA 1000-2, 9.2.7.4; IEC 62056-6-2, 5.3.2 (Association SN) and 5.3.5 (Association LN).
"""

from __future__ import annotations

from typing import Any, Final, cast

from meterwire.errors import SecurityError
from meterwire.protocols.dialogue import IGNORED, Ignored
from meterwire.protocols.dlms.apdu import ApduTag
from meterwire.protocols.dlms.cosem.method_offsets import method_name
from meterwire.protocols.dlms.data import octet_string
from meterwire.protocols.dlms.enums import ActionResult
from meterwire.protocols.dlms.xdlms import short_names as names
from meterwire.protocols.dlms.xdlms.action import ActionRequestNormal, ActionResponseNormal
from meterwire.protocols.dlms.xdlms.common import DATA_CHOSEN, Invoke, MethodDescriptor
from meterwire.protocols.wire.nodes import Variant

_LN, _SN = (15, 1), (12, 8)
_CURRENT_ASSOCIATION: Final = bytes((0, 0, 40, 0, 0, 255))
_ASSOCIATION_NAME: Final = 0xFA00
_SELECTOR: Final = 0
"""Of a method that is invoked by READ; recalled, and servers look at the name alone."""


def request(answer: bytes, invoke: Invoke, *, short_names: bool) -> Variant:
    """Pass 3: the plain APDU that tells the association object our answer to its challenge."""
    parameter = octet_string(answer)
    if not short_names:
        descriptor = MethodDescriptor(_LN[0], _CURRENT_ASSOCIATION, _LN[1])
        return Variant(ApduTag.ACTION_REQUEST, ActionRequestNormal(invoke, descriptor, parameter))
    name = method_name(_ASSOCIATION_NAME, *_SN) or 0
    called = names.ParameterizedAccess(name, _SELECTOR, parameter)
    return Variant(ApduTag.READ_REQUEST, names.ReadRequest((called,)))


def returned(answer: Any, invoke: Invoke) -> Variant | Ignored | None:
    """Pass 4: the Data that the method returned, None for none; `IGNORED` for the answer to something else.

    Raises:
        SecurityError: the server does not accept our answer.
    """
    data: Variant | None
    if isinstance(answer, names.ReadResponse) and len(answer.results) == 1:
        (result,) = answer.results
        success, data = result.tag == names.READ_DATA, result
    elif isinstance(answer, ActionResponseNormal) and answer.invoke.number == invoke.number:
        success, data = answer.outcome.result == ActionResult.SUCCESS, answer.outcome.returned
    else:
        return IGNORED
    if not success:
        raise SecurityError("the meter does not accept our answer to its challenge")
    return cast("Variant", data.value) if data is not None and data.tag == DATA_CHOSEN else None
