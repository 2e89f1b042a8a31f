"""The network as a picture: a tree from the CCO downwards, as SVG.

Each proxy has its leaves beside each other below it, then those that are proxies themselves, each with everything
behind it. The branches of the root are set in columns like those of a newspaper, so that a large network is about as
high as it is wide.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple
from xml.sax.saxutils import escape

Node = dict[str, Any]
Children = Mapping[str | None, Sequence[Node]]

_INDENT, _ROW, _LEAF, _STUB, _MARGIN, _GAP, _TOP = 28, 20, 116, 16, 20, 40, 48
_SIDE_BY_SIDE: Final = 5
"""Leaves of one proxy on one line."""
_COLOURS: Final = {"CCO": "#b03a2e", "PCO": "#1f618d", "STA": "#616a6b"}
_NO_ROLE: Final = "#616a6b"


class _Spot(NamedTuple):
    """A node on its line of a branch, and the place of the one it speaks through; lines count from 0."""

    node: Node
    line: int
    depth: int
    place: int
    above: int


def drawing(nodes: Sequence[Node]) -> str:
    """An SVG of rows of a topology; a dashed line leads to nodes of whose proxy nothing is known."""
    children = _children(nodes)
    root = next((node for node in nodes if node["proxy"] is None), None)
    branches = _branches(nodes, root, children)
    wide = max((_across(spot) for branch in branches for spot in branch), default=_LEAF) + _LEAF
    height = _column_height(branches, wide)
    shown = [] if root is None else [_dot(root, _MARGIN, _TOP)]
    x, y, lowest = _MARGIN, _TOP, _TOP
    for branch in branches:
        size = (branch[-1].line + 1) * _ROW
        if y > _TOP and y + size - _TOP > height:
            x, y = x + wide + _GAP, _TOP
            shown.append(f'<path d="M{_MARGIN + _LEAF - _STUB} {_TOP} H{x}"/>')
        known = root is not None and branch[0].node["proxy"] == root["address"]
        dashes = "" if known else ' stroke-dasharray="2 4"'
        shown.append(f'<path d="M{x} {_TOP} V{y + _ROW} H{x + _INDENT}"{dashes}/>')
        shown += _drawn(branch, x, y + _ROW)
        y += size
        lowest = max(lowest, y)
    return _svg((x + max(wide, 5 * _LEAF), lowest + _MARGIN), [_legend(nodes), *shown])


def in_order(nodes: Sequence[Node]) -> list[Node]:
    """Each node once, below the one it speaks through and before what belongs to the next."""
    root = next((node for node in nodes if node["proxy"] is None), None)
    spots = [spot.node for branch in _branches(nodes, root, _children(nodes)) for spot in branch]
    return spots if root is None else [root, *spots]


def _branches(nodes: Sequence[Node], root: Node | None, children: Children) -> list[list[_Spot]]:
    """What hangs on the root, and then whatever has not been met: each node once, whatever the rows say."""
    met = set() if root is None else {root["address"]}
    first = [] if root is None else list(children.get(root["address"], ()))
    orphans = [node for node in nodes if node["proxy"] not in {one["address"] for one in nodes}]
    return [list(_branch(node, children, met)) for node in (*first, *orphans, *nodes) if node["address"] not in met]


def _children(nodes: Sequence[Node]) -> Children:
    found: dict[str | None, list[Node]] = {}
    for node in nodes:
        found.setdefault(node["proxy"], []).append(node)
    return found


def _branch(top: Node, children: Children, met: set[str]) -> Iterator[_Spot]:
    """A node and everything behind it that has not been met."""
    met.add(top["address"])
    line, waiting = 0, [(top, 0, 0)]
    while waiting:
        node, depth, above = waiting.pop()
        yield _Spot(node, line, depth, 0, above)
        here, line = line, line + 1
        fresh = {one["address"]: one for one in children.get(node["address"], ()) if one["address"] not in met}
        met.update(fresh)
        behind = fresh.values()
        leaves = [one for one in behind if one["address"] not in children]
        for number, leaf in enumerate(leaves):
            line_of, place = divmod(number, _SIDE_BY_SIDE)
            yield _Spot(leaf, line + line_of, depth + 1, place, here)
        line += -(-len(leaves) // _SIDE_BY_SIDE)
        waiting += [(one, depth + 1, here) for one in reversed(list(behind)) if one["address"] in children]


def _across(spot: _Spot) -> int:
    return (spot.depth + 1) * _INDENT + spot.place * _LEAF


def _column_height(branches: Sequence[Sequence[_Spot]], wide: int) -> float:
    """So high that all columns together are about as high as they are wide, and no branch is cut."""
    sizes = [(branch[-1].line + 1) * _ROW for branch in branches]
    return max(math.sqrt(sum(sizes) * (wide + _GAP)), *sizes, 0) if sizes else 0


def _drawn(branch: Sequence[_Spot], left: int, top: int) -> Iterator[str]:
    for node, line, depth, place, above in branch:
        x, y = left + _across(_Spot(node, line, depth, place, above)), top + line * _ROW
        if place:
            yield f'<path d="M{x - _STUB} {y} H{x}"/>'
        elif depth:
            yield f'<path d="M{x - _INDENT} {top + above * _ROW} V{y} H{x}"/>'
        yield _dot(node, x, y)


def _dot(node: Node, x: int, y: int) -> str:
    told = f"{node['role']}, level {node['level']}, TEI {node['tei']}, proxy {node['proxy'] or '-'}"
    return (
        f'<g><title>{escape(told)}</title><circle cx="{x}" cy="{y}" r="4" fill="{_colour(node)}"/>'
        f'<text x="{x + 8}" y="{y + 4}">{escape(node["address"])}</text></g>'
    )


def _colour(node: Node) -> str:
    return _COLOURS.get(node["role"], _NO_ROLE)


def _legend(nodes: Sequence[Node]) -> str:
    levels = max((node["level"] for node in nodes), default=0)
    parts = [f'<text x="{_MARGIN}" y="{_MARGIN}">{len(nodes)} nodes, {levels} levels</text>']
    for number, (role, colour) in enumerate(_COLOURS.items()):
        count = sum(node["role"] == role for node in nodes)
        x, y = _MARGIN + 200 + 90 * number, _MARGIN - 4
        parts.append(f'<circle cx="{x}" cy="{y}" r="4" fill="{colour}"/>')
        parts.append(f'<text x="{x + 8}" y="{_MARGIN}">{count} {role}</text>')
    return "".join(parts)


def _svg(size: tuple[int, int], parts: Sequence[str]) -> str:
    lines = [part for part in parts if part.startswith("<path")]
    rest = [part for part in parts if not part.startswith("<path")]
    wide, high = size
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{wide}" height="{high}" font-family="monospace" '
        f'viewBox="0 0 {wide} {high}" font-size="12">\n<rect width="100%" height="100%" fill="white"/>'
    )
    return "\n".join([head, '<g fill="none" stroke="#b2babb">', *lines, "</g>", *rest, "</svg>\n"])
