"""The network as a picture: a tree from the CCO downwards, as SVG."""

from __future__ import annotations

from typing import Any, Final
from xml.sax.saxutils import escape

_COLUMN, _ROW, _MARGIN = 150, 22, 20
_COLOURS: Final = {"CCO": "#b03a2e", "PCO": "#1f618d", "STA": "#616a6b"}


def drawing(nodes: list[dict[str, Any]]) -> str:
    """An SVG of rows of a topology: level by level from left to right, each node below its elder siblings."""
    children: dict[str | None, list[dict[str, Any]]] = {}
    for node in nodes:
        children.setdefault(node["proxy"], []).append(node)
    places: dict[str, tuple[int, int]] = {}
    lines: list[str] = []
    texts: list[str] = []
    waiting: list[tuple[dict[str, Any], tuple[int, int] | None]] = [
        (node, None) for node in reversed(children.get(None, []))
    ]
    row = 0
    while waiting:
        node, above = waiting.pop()
        if node["address"] in places:
            continue
        x, y = _MARGIN + node["level"] * _COLUMN, _MARGIN + row * _ROW
        places[node["address"]] = x, y
        row += 1
        if above is not None:
            left, top = above
            lines.append(f'<path d="M{left} {top} V{y} H{x}" fill="none" stroke="#b2babb"/>')
        colour = _COLOURS.get(node["role"], "#616a6b")
        texts.append(
            f'<circle cx="{x}" cy="{y}" r="4" fill="{colour}"/>'
            f'<text x="{x + 8}" y="{y + 4}">{escape(node["address"])}</text>'
        )
        waiting += [(child, (x, y)) for child in reversed(children.get(node["address"], []))]
    width = max((x for x, _ in places.values()), default=0) + _COLUMN
    height = _MARGIN * 2 + row * _ROW
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'font-family="monospace" font-size="12">\n' + "\n".join([*lines, *texts]) + "\n</svg>\n"
    )
