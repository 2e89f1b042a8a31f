"""Writing Python source: lines, indentation, fresh names and named constants."""

from __future__ import annotations

import itertools
import linecache
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from meterwire.protocols.wire.declare import bits_info, info
from meterwire.protocols.wire.facts import resolve
from meterwire.protocols.wire.nodes import Named, Node, Record, Ref

_serial = itertools.count(1)

Scope = dict[str, tuple[str, Any]]
"""Earlier fields of the message being written: name to its local variable and layout."""


class Source:
    """One module of generated readers. Each kind of reader asks for functions by layout; they are written once."""

    def __init__(self, edition: int | None) -> None:
        self.edition = edition
        self.lines: list[str] = []
        self.names: dict[str, Any] = {}
        self._indent = 0
        self._fresh = itertools.count()
        self._constants: dict[int, str] = {}
        self._kept: list[Any] = []
        self._functions: dict[tuple[str, int], str] = {}
        self._todo: list[tuple[str, Any, str]] = []

    def line(self, *texts: str) -> None:
        """Add lines at the current indentation."""
        self.lines += ["    " * self._indent + text for text in texts]

    @contextmanager
    def block(self, head: str) -> Iterator[None]:
        """Lines under a head such as `if x:`; never left empty."""
        self.line(head)
        self._indent += 1
        before = len(self.lines)
        yield
        if len(self.lines) == before:
            self.line("pass")
        self._indent -= 1

    def fresh(self, stem: str) -> str:
        """A local name not used before."""
        return f"{stem}{next(self._fresh)}"

    def constant(self, value: Any, stem: str = "k") -> str:
        """The module-level name of an object."""
        key = id(value)
        if key not in self._constants:
            self._constants[key] = self.fresh(stem + "_")
            self._kept.append(value)  # keeps the id taken
            self.names[self._constants[key]] = value
        return self._constants[key]

    def function(self, kind: str, layout: Any) -> str:
        """The name of the function of this kind for a message class or named layout; it will be written."""
        key = kind, id(layout)
        if key not in self._functions:
            declared = layout if isinstance(layout, Named) else info(layout)
            stem = declared.name if declared is not None else type(layout).__name__
            name = self.fresh(f"{kind}_{stem.replace('.', '_')}_")
            self._functions[key] = name
            self._todo.append((kind, layout, name))
        return self._functions[key]

    def pending(self) -> Iterator[tuple[str, Any, str]]:
        """Functions asked for and not written yet; writing one may ask for more."""
        while self._todo:
            yield self._todo.pop()

    def resolve(self, node: Any) -> Node[Any]:
        """The layout in this edition."""
        return resolve(node, self.edition)

    def reference(self, ref: Ref, scope: Scope) -> str:
        """The expression for the value of an earlier field."""
        head, *rest = ref.name.split(".")
        if head not in scope:
            raise TypeError(f"a reference to {ref.name}, which is no earlier field of the message")
        name, node = scope[head]
        held = bits_info(node.cls) if isinstance(node, Record) else None
        if held is not None and len(rest) == 1:
            found = next(p for p in held.parts if p.name == rest[0])
            text = f"({name} >> {found.shift} & {found.mask})" if found.shift else f"({name} & {found.mask})"
        else:
            text = ".".join([name, *rest])
        return f"({text} + {ref.plus})" if ref.plus else text

    def compile(self) -> dict[str, Any]:
        """Run the module; its source is there for tracebacks."""
        text = "\n".join(self.lines) + "\n"
        file = f"<meterwire codec {next(_serial)}>"
        linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
        exec(compile(text, file, "exec"), self.names)  # noqa: S102  the text is written from declarations alone
        return self.names


Emitter = Callable[..., None]
