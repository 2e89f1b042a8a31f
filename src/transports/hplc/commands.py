"""What the module does for AFN 01H, 04H, 05H, 11H and 12H; each gives the seconds to wait, for the confirmation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from meterwire.protocols.dialogue import LineSettings
from meterwire.protocols.gdw376_2.asking import AreaQuery
from meterwire.protocols.gdw376_2.codes import Denial, MeterProtocol, UartRate
from meterwire.protocols.gdw376_2.unit import Unit
from meterwire.transports.hplc.denied import Denied
from meterwire.transports.hplc.questions import VALUE
from meterwire.transports.hplc.settings import DEFAULT_BAND, NODES

if TYPE_CHECKING:
    from meterwire.transports.hplc.module import Module

_VOLTAGE: Final = (1, bytes.fromhex("00010102"))
"""What identification of the area compares: the concentrator's own voltage of phase A (DI 02010100, plausible)."""
PHASE_IDENTIFICATION: Final = 3
"""Control octet of a broadcast that makes nodes look for their phase; their meters hear nothing."""


def _reset(module: Module, _: Unit) -> int:
    module.reading.clear()
    module.leading.stop()
    module.rate = UartRate.BAUD_9600
    module.questions.clear()
    module.power_up()
    return 0


def _clear_archive(module: Module, _: Unit) -> int:
    module.archive.clear()
    module.read.clear()
    module.registered.clear()
    return 0


def _clear_data(module: Module, _: Unit) -> int:
    module.parameters.clear()
    module.band = DEFAULT_BAND
    module.read.clear()
    return 0


def _nothing(_: Module, __: Unit) -> int:
    return 0


def _keep(module: Module, asked: Unit) -> int:
    module.parameters[asked.afn, asked.number or 0] = asked.value
    return 0


def _own_address(module: Module, asked: Unit) -> int:
    module.address = module.network.cco.address = asked.value.address
    return 0


def _broadcast(module: Module, asked: Unit) -> int:
    """Every node in the network hands the frame to its meter, which does not answer."""
    frame = asked.value.frame
    seconds = module.network.delay(len(frame))
    if asked.value.control != PHASE_IDENTIFICATION:
        module.clock.at(module.clock.now() + seconds, lambda: _hand_out(module, frame))
    return round(seconds)


def _hand_out(module: Module, frame: bytes) -> None:
    for address, node in module.network.nodes.items():
        if node.joined:
            module.meters[address].ask(frame, module.clock.now())


def _local_rate(module: Module, asked: Unit) -> LineSettings:
    if asked.value.rate not in set(UartRate):
        raise Denied(Denial.WRONG_FORMAT)
    module.rate = asked.value.rate
    return LineSettings(module.rate.baud, 8, "E", 1)


def _band(module: Module, asked: Unit) -> int:
    module.switch_band(asked.value.band)
    return 0


def _area(module: Module, asked: Unit) -> int:
    _keep(module, asked)
    if asked.value.on:
        module.questions.ask(VALUE, AreaQuery(*_VOLTAGE), module.values.append)
        module.clock.at(module.clock.now() + module.settings.area_seconds, module.reports.area_identified)
    return 0


def _time(module: Module, asked: Unit) -> int:
    module.time = asked.value.time
    return 0


def _add(module: Module, asked: Unit) -> int:
    rows = asked.value.nodes
    addresses = [row.address for row in rows]
    if len(set(addresses)) < len(addresses) or any(
        module.archive.get(row.address, row.protocol) != row.protocol for row in rows
    ):
        raise Denied(Denial.METER_TWICE)
    if len(module.archive | dict.fromkeys(addresses)) > NODES:
        raise Denied(Denial.UNSUPPORTED)
    module.archive.update(
        (row.address, MeterProtocol(row.protocol)) for row in rows if row.protocol in set(MeterProtocol)
    )
    return 0


def _delete(module: Module, asked: Unit) -> int:
    if any(address not in module.archive for address in asked.value.addresses):
        raise Denied(Denial.UNKNOWN_METER)
    for address in asked.value.addresses:
        module.archive.pop(address, None)
        module.read.discard(address)
    return 0


def _register(module: Module, asked: Unit) -> int:
    seconds = asked.value.minutes * 60
    module.registered.clear()
    module.registering_until = module.clock.now() + seconds
    for address, node in module.network.nodes.items():
        if node.joined and address not in module.archive:
            module.registered.append(address)
            module.reports.found(address)
    module.clock.at(module.registering_until, module.reports.search_done)
    return 0


def _stop_registering(module: Module, _: Unit) -> int:
    module.registering_until = module.clock.now()
    return 0


def _restart(module: Module, _: Unit) -> int:
    module.read.clear()
    module.leading.restart()
    return 0


def _pause(module: Module, _: Unit) -> int:
    module.leading.pause()
    return 0


def _resume(module: Module, _: Unit) -> int:
    module.leading.resume()
    return 0


COMMANDS: Final[Mapping[tuple[int, int | None], Callable[[Module, Unit], Any]]] = {
    (0x01, 1): _reset,
    (0x01, 2): _clear_archive,
    (0x01, 3): _clear_data,
    (0x04, 1): _nothing,
    (0x04, 2): _nothing,
    (0x04, 3): _nothing,
    (0x05, 1): _own_address,
    (0x05, 2): _keep,
    (0x05, 3): _broadcast,
    (0x05, 4): _keep,
    (0x05, 5): _keep,
    (0x05, 6): _area,
    (0x05, 10): _local_rate,
    (0x05, 16): _band,
    (0x05, 20): _broadcast,
    (0x05, 100): _keep,
    (0x05, 101): _time,
    (0x05, 200): _keep,
    (0x11, 1): _add,
    (0x11, 2): _delete,
    (0x11, 3): _keep,
    (0x11, 4): _keep,
    (0x11, 5): _register,
    (0x11, 6): _stop_registering,
    (0x11, 100): _keep,
    (0x11, 101): _nothing,
    (0x11, 102): _nothing,
    (0x12, 1): _restart,
    (0x12, 2): _pause,
    (0x12, 3): _resume,
}
"""What each command does: gives the seconds to wait, or the settings that the line changes to afterwards."""
