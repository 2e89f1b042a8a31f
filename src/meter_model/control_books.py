"""The control surface, third part: what a meter stores and charges.

{"op": "get", "what": "tariff"}                              or credit, freezes (the last of each kind)
{"op": "set", "what": "credit", "purchase": 100.5, "count": 3}          count: where the order is to carry one
{"op": "set", "what": "freeze", "kind": "instant"}
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import msgspec

from meterwire.errors import LocalProtocolError
from meterwire.meter_model.columns import column
from meterwire.meter_model.credit import PurchaseRefused
from meterwire.meter_model.values import Demand, NotServed, truncated

if TYPE_CHECKING:
    from meterwire.meter_model.meter import Meter
    from meterwire.meter_model.row import Row


class _Purchase(msgspec.Struct, forbid_unknown_fields=True):
    purchase: Decimal
    count: int | None = None


class _Freeze(msgspec.Struct, forbid_unknown_fields=True):
    kind: str = "instant"


class BooksControl:
    """The part of the control surface of one meter that is about its books."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter
        self.setters: Mapping[str, Callable[[dict[str, Any]], Any]] = {
            "credit": self._buy,
            "freeze": self._freeze,
        }
        self.getters: Mapping[str, Callable[[], Any]] = {
            "tariff": self._tariff,
            "credit": self._credit,
            "freezes": self._freezes,
            "display": self._display,
        }

    def _display(self) -> dict[str, Any]:
        display = self._meter.display
        shown = display.shown()
        return {
            "shown": None if shown is None else shown.line,
            "cyclic": [msgspec.structs.asdict(screen) for screen in display.cyclic()],
            "key": [msgspec.structs.asdict(screen) for screen in display.by_key()],
        }

    def _tariff(self) -> dict[str, Any]:
        meter = self._meter
        return {"rates": meter.rate_count, "rate": meter.rate_in_force, "sets": dict(meter.tariff.sets)}

    def _credit(self) -> dict[str, Any]:
        credit = self._meter.credit
        return {
            "kind": credit.settings.kind,
            "balance": _digits(credit.balance, 4),
            "charged": _digits(credit.charged, 4),
            "level": str(credit.level),
            "purchases": credit.count,
            "price": _digits(credit.price, 4),
            "step": credit.step,
            "usage": _digits(credit.period_usage, 4),
        }

    def _buy(self, rest: dict[str, Any]) -> Any:
        wanted = msgspec.convert(rest, _Purchase)
        if not (wanted.purchase.is_finite() and abs(wanted.purchase) < 1_000_000):
            raise LocalProtocolError("an amount below 1,000,000 is needed")
        try:
            self._meter.credit.purchase(wanted.purchase, wanted.count)
        except PurchaseRefused as error:
            raise LocalProtocolError(str(error)) from error
        return self._credit()

    def _freezes(self) -> dict[str, Any]:
        freezes = self._meter.freezes
        return {kind: _plain(rows[-1]) for kind in freezes.kinds if (rows := freezes.rows(kind))}

    def _freeze(self, rest: dict[str, Any]) -> Any:
        kind = msgspec.convert(rest, _Freeze).kind
        try:
            return _plain(self._meter.freezes.trigger(kind))
        except NotServed as error:
            raise LocalProtocolError(str(error)) from error


def _plain(row: Row) -> dict[str, Any]:
    """A row as JSON: digits as text, cut towards zero."""
    found: dict[str, Any] = {"time": row.time.isoformat()}
    for name, value in row.values.items():
        decimals = column(name).decimals or 0
        if isinstance(value, Demand):
            time = None if value.time is None else value.time.isoformat()
            found[name] = {"value": _digits(value.value, decimals), "time": time}
        else:
            found[name] = _digits(value, decimals) if isinstance(value, Fraction) else str(value)
    return found


def _digits(value: Fraction, decimals: int) -> str:
    return str(Decimal(truncated(value, -decimals)).scaleb(-decimals))
