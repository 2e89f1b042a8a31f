"""What a scan tries, how long that takes, and what to check when nobody was found."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from meterwire.protocols.dialogue import LineSettings
from meterwire.protocols.listening import Attention, Tally
from meterwire.transports.endpoint import SERIAL, Endpoint

PARITIES: Final = ("E", "N", "O")
"""Even is the standards'; the others are met where a converter or a gateway was set up wrongly."""

Settings = LineSettings | None
"""Of a serial line; None for a line whose settings are not ours to choose."""


class Stage(msgspec.Struct, frozen=True):
    """Settings that are tried together; a later stage is for the case that nobody was found yet."""

    settings: tuple[Settings, ...]

    def seconds(self, questions: int, attention: Callable[[Settings], Attention]) -> float:
        """How long it takes if nobody answers."""
        return sum(questions * attention(one).begin for one in self.settings)


def stages(endpoint: Endpoint, bauds: Sequence[int], *, pseudo: bool = False) -> list[Stage]:
    """What to try on a line: all speeds with the usual parity, then the others; what the URL gives is kept.

    Args:
        endpoint: of the line; only on a serial port there is a choice.
        bauds: speeds of the dialect.
        pseudo: the port is a pseudo-terminal, on which parity means nothing.
    """
    if not endpoint.has_settings:
        return [Stage((None,))]
    given = endpoint.option("parity")
    usual = SERIAL[endpoint.dialect].parity
    parities = [given] if given else [usual] if pseudo else [usual, *(one for one in PARITIES if one != usual)]
    bauds = [endpoint.settings.baud] if endpoint.option("baud") else bauds

    def of(parity: str) -> list[Settings]:
        return [msgspec.structs.replace(endpoint.settings, baud=baud, parity=parity) for baud in bauds]

    first, *others = parities
    later = [settings for parity in others for settings in of(parity)]
    return [Stage(tuple(of(first)))] + ([Stage(tuple(later))] if later else [])


def estimate(
    plan: Sequence[Stage], questions: int, attention: Callable[[Settings], Attention], scope: str
) -> list[str]:
    """The time that a scan takes, for people, computed from speeds, time-outs and the number of questions.

    Args:
        plan: what is tried.
        questions: how many are asked at one setting.
        attention: how long is listened after one question.
        scope: what is tried on a line whose settings are not ours.
    """
    first, *others = plan
    lines = [f"about {_duration(first.seconds(questions, attention))} for {_named(first, scope)} if nobody answers"]
    lines += [
        f"about {_duration(other.seconds(questions, attention))} more for {_named(other, scope)} if nobody was found"
        for other in others
    ]
    return lines


def estimate_search(ways: tuple[int, int], settings: Settings, attention: Attention) -> str:
    """The time that one octet of the address takes where several meters answer."""
    fewest, most = (_duration(number * attention.begin) for number in ways)
    where = f" at {settings}" if settings else ""
    return f"where several meters answer at once, {fewest} to {most} more for each octet of their addresses{where}"


def _named(stage: Stage, scope: str) -> str:
    chosen = [one for one in stage.settings if one is not None]
    if not chosen:
        return scope
    if len(chosen) == 1:
        return str(chosen[0])
    bauds = dict.fromkeys(one.baud for one in chosen)
    characters = dict.fromkeys(str(one).split()[1] for one in chosen)
    return f"{', '.join(map(str, bauds))} bit/s {' and '.join(characters)}"


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{round(seconds / 60)} min"


class Trial(msgspec.Struct):
    """One setting that was tried.

    Attributes:
        settings: of the line.
        tally: what came.
        found: how many meters.
        several: more than one meter answered at once.
        noisy: octets came back that no meter had sent.
    """

    settings: Settings
    tally: Tally
    found: int = 0
    several: bool = False
    noisy: bool = False


def advice(trials: Sequence[Trial], echoed: int, *, serial: bool) -> list[str]:
    """What to check when nobody was found, from what came instead.

    Args:
        trials: all settings that were tried.
        echoed: octets of our own that a filter has dropped.
        serial: whether the line's settings are ours.
    """
    lines = [text for trial in trials for text in _of(trial, serial=serial)]
    echoed += sum(trial.tally.echoed for trial in trials)
    if lines:
        return lines
    if echoed:
        return [_ECHO_ONLY.format(echoed)]
    return [_NOTHING_ON_THE_WIRES if serial else _NOTHING_BEHIND_THE_GATEWAY]


_ECHO_ONLY: Final = (
    "only our own octets came back ({} of them): the adapter echoes and the port is right, but no meter answers: "
    "check that A and B are not swapped, that the meter has power, and that it speaks this dialect"
)
_NOTHING_ON_THE_WIRES: Final = (
    "nothing came back at all: check that A and B are not swapped, that the meter has power, that this is the right "
    "port, and an optical probe's place; the meter may also speak another dialect"
)
_NOTHING_BEHIND_THE_GATEWAY: Final = (
    "nothing came back at all: check speed and parity that the gateway is set to, A and B behind it, and the meter's "
    "power; a slow link needs ?timeout=SECONDS"
)


def _of(trial: Trial, *, serial: bool) -> list[str]:
    where = f"at {trial.settings}" if trial.settings else "from the gateway"
    tally, lines = trial.tally, []
    if trial.noisy:
        lines.append(
            f"{where} octets come back even from an address that nobody has ({_shown(tally)}): "
            "an echo that is damaged, a missing termination or bias of the line, or noise"
        )
    elif trial.several:
        lines.append(
            f"{where} several answers destroy each other ({_shown(tally)}), and none comes when low digits of the "
            "address are given: disconnect all meters but one, or read with --address"
        )
    elif tally.garbage:
        cause = "a mistake in parity or speed" if serial else "a mistake in the gateway's parity or speed"
        lines.append(f"{where} garbage came ({_shown(tally)}): {cause}, or another dialect")
    if tally.foreign:
        lines.append(
            f"{where} {tally.foreign} frames came that answer nothing we asked: another master polls this line, "
            "or answers come later than we wait (?timeout=SECONDS)"
        )
    return lines


def _shown(tally: Tally) -> str:
    more = " ..." if tally.garbage > len(tally.sample) else ""
    return f"{tally.garbage} octets: {tally.sample.hex(' ').upper()}{more}"
