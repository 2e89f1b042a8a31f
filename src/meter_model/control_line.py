"""One line of JSON asks a control surface, one line answers; whatever comes in, nothing is raised."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from meterwire.errors import LocalProtocolError
from meterwire.meter_model.values import NotServed

LONGEST_LINE: Final = 65_536
Request = Mapping[str, Any]
Do = Callable[[Request], Any]
"""Does what a request says, and gives the value of the reply.

Raises:
    LocalProtocolError: it cannot be done; likewise msgspec.ValidationError.
    NotServed: the meter does not have the quantity.
"""


def reply(line: bytes, do: Do) -> bytes:
    """The line that answers a line."""
    try:
        if len(line) > LONGEST_LINE:
            raise LocalProtocolError(f"a request is at most {LONGEST_LINE} octets")
        request = msgspec.json.decode(line, type=dict[str, Any])
    except (LocalProtocolError, msgspec.DecodeError, RecursionError) as error:
        return msgspec.json.encode(_refusal(error))
    return msgspec.json.encode(handled(request, do))


def handled(request: Request, do: Do) -> dict[str, Any]:
    """The reply to a request: an error is one too."""
    try:
        return {"ok": True, "value": do(request)}
    except (LocalProtocolError, NotServed, msgspec.ValidationError, RecursionError) as error:
        return _refusal(error)


def choose(table: Mapping[str, Any], operation: str, what: Any) -> Any:
    """What a table has for it; raises LocalProtocolError that says what there is."""
    found = table.get(what) if isinstance(what, str) else None
    if found is None:
        raise LocalProtocolError(f"{operation} what? one of {', '.join(table)}, not {what!r}")
    return found


def _refusal(error: Exception) -> dict[str, Any]:
    return {"ok": False, "error": str(error) or type(error).__name__}


SET_OR_GET: Final = ("set", "get")


def set_or_get(
    setters: Mapping[str, Any], getters: Mapping[str, Any], operation: str, what: Any, rest: dict[str, Any]
) -> Any:
    """Set something as the rest of a request says, or get it; raises LocalProtocolError, and what a setter raises."""
    if operation == "set":
        return choose(setters, operation, what)(rest)
    getter = choose(getters, operation, what)
    if rest:
        raise LocalProtocolError(f"get {what} takes nothing else: {', '.join(sorted(map(str, rest)))}")
    return getter()
