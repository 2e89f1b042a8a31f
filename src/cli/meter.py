"""`meterwire meter`: words for people in front of the control surface of a served meter."""

from __future__ import annotations

import json as jsonlib
from typing import Any

from meterwire.cli.output import print_json
from meterwire.errors import LocalProtocolError
from meterwire.transports.control import control

USAGE = """say what to do, behind the URL of the control surface:
  set load constant active=1000 reactive=200   or household, industrial ... with their settings
  set phase b off | on | voltage=187.5 active=0
  set clock freeze | run | rate=60 | step=900 | jump=2026-02-01T00:00:00
  set power off | on
  set programming on | off
  set cover open | closed      (and terminal-cover)
  set magnet on | off
  set battery clock=2.5 outage=3.0
  set auxiliary on | off | none
  set wiring phase=b turned | phase=b right | voltage=reversed current=normal
  set limit under_voltage_delay=5
  set report items=voltage_a,00100201 | port=F2010202 octets=6816FF      (DL/T 698.45: told unasked)
  set fault drop=0.1 flip=0.001 link=dlt645 | clear
  set misbehave silent=1 late=2.5 wrong_address=1 abnormal=1 disconnect=1 link=dlt645 | clear
  get load | phases | clock | power | programming | relay | fault | misbehave | identity | events | quantity NAME
  get inputs | wiring | limits | status | counts | record KIND
  event cover-open
of an area (serve --gateway): all of this with --meter ADDRESS or --meter all, and without it
  set power off | on | off phase=b | off meters=000000000001,000000000002
  set node 000000000003 drop | jam=0.8 | phase=b
  set noise loss=0.3 seconds=60
  set band 2
  get area | nodes | network"""


def meter(words: list[str], of: str | None = None, *, json: bool) -> int:
    """Ask one thing, of the meter or of one behind a gateway; 1 if it says no."""
    if len(words) < 2:
        raise LocalProtocolError(USAGE)
    url, *rest = words
    named = {} if of is None else {"meter": of}
    reply = control(url, request(rest) | named, timeout=_PATIENCE)
    if json:
        print_json([reply])
    elif not reply["ok"]:
        raise LocalProtocolError(str(reply.get("error")))
    elif reply.get("value") is not None:
        print(jsonlib.dumps(reply["value"], ensure_ascii=False, indent=1))
    return 0 if reply["ok"] else 1


def request(words: list[str]) -> dict[str, Any]:
    """The request that words stand for; raises LocalProtocolError."""
    op, *rest = words
    if op == "event" and len(rest) == 1:
        return {"op": "event", "name": rest[0]}
    if op == "get" and rest:
        named = {"name": rest[1]} if rest[0] in {"quantity", "record"} and len(rest) == 2 else {}
        return {"op": "get", "what": rest[0], **named}
    if op != "set" or len(rest) < 2:
        raise LocalProtocolError(USAGE)
    what, *settings = rest
    asked: dict[str, Any] = {"op": "set", "what": what}
    if what == "phase":
        asked["phase"] = settings.pop(0).lower()
    if what == "node":
        asked["address"] = settings.pop(0)
    if what == "band" and "=" not in settings[0]:
        asked["band"] = _value(settings.pop(0))
    if what == "load" and "=" not in settings[0]:
        asked["kind"] = settings.pop(0)
    for word in settings:
        asked |= _setting(word)
    return asked


_PATIENCE = 60.0
"""Seconds: what is said to all meters of an area takes a while."""
_FLAGS = {"on": {"on": True}, "off": {"on": False}}


def _setting(word: str) -> dict[str, Any]:
    name, equals, text = word.partition("=")
    if not equals:
        return _FLAGS.get(name, {name: True})
    if name == "meters":
        return {name: text.split(",")}
    return {name: _value(text)}


def _value(text: str) -> Any:
    if text in {"null", "none"}:
        return None
    if "," in text:
        return [_value(part) for part in text.split(",")]
    try:
        return float(text) if any(mark in text for mark in ".eE") else int(text)
    except ValueError:
        return text
