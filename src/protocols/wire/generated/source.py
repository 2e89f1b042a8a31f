"""Writing Python source: lines, indentation, fresh names and named constants."""

from __future__ import annotations

import copy
import itertools
import linecache
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from meterwire.protocols.wire.declare import bits_info, info
from meterwire.protocols.wire.facts import resolve
from meterwire.protocols.wire.nodes import Named, Node, Record, Ref

_serial = itertools.count(1)

Scope = dict[str, tuple[str, Any]]
"""Earlier fields of the message being written: name to its local variable and layout."""


Write = Callable[["Source", str, Any, str], None]
"""Writes into a source the function of a kind for a layout, under a name."""


class Source:
    """One module of generated functions. Each is asked for by kind and layout, and written when it is first called.

    An APDU leads to a hundred messages, of which a program meets a few: what it does not meet is never written.

    Two threads may write the same function: each on a page of its own, and one of the two is kept.
    """

    def __init__(self, edition: int | None, write: Write) -> None:
        self.edition = edition
        self.lines: list[str] = []
        self._write = write
        self.names: dict[str, Any] = {}
        self._indent = 0
        self._fresh = itertools.count()
        self._constants: dict[int, str] = {}
        self._kept: list[Any] = []
        self._functions: dict[tuple[str, int], str] = {}
        self._written: set[str] = set()

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
            name = self.fresh(stem + "_")
            self._kept.append(value)  # keeps the id taken
            self.names[name] = value
            self._constants[key] = name  # last: another thread may be writing too
        return self._constants[key]

    def function(self, kind: str, layout: Any) -> str:
        """The name of the function of this kind for a message class or named layout; calling it writes it."""
        key = kind, id(layout)
        if key not in self._functions:
            declared = layout if isinstance(layout, Named) else info(layout)
            stem = declared.name if declared is not None else type(layout).__name__
            name = self.fresh(f"{kind}_{stem.replace('.', '_')}_")
            self._kept.append(layout)  # keeps the id taken

            def first_call(*arguments: Any) -> Any:
                return self.written(kind, layout)(*arguments)

            self.names[name] = first_call
            self._functions[key] = name  # last: another thread may be writing too
        return self._functions[key]

    def written(self, kind: str, layout: Any) -> Any:
        """The function itself."""
        name = self.function(kind, layout)
        if name not in self._written:
            page = copy.copy(self)
            page.lines, page._indent = [], 0  # noqa: SLF001  of this class
            self._write(page, kind, layout, name)
            page._compile()  # noqa: SLF001  see above
            self._written.add(name)
        return self.names[name]

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

    def _compile(self) -> None:
        """Run what has been written; its source is there for tracebacks."""
        text = "\n".join(self.lines) + "\n"
        file = f"<meterwire codec {next(_serial)}>"
        linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
        exec(compile(text, file, "exec"), self.names)  # noqa: S102  the text is written from declarations alone


Emitter = Callable[..., None]
_FEW = 3


def branches(
    source: Source,
    tag: str,
    cases: Sequence[tuple[Any, list[Any]]],
    put: Callable[[Any, list[Any]], None],
    otherwise: Callable[[], None],
) -> None:
    """Write what tells cases apart by the value of a tag: halves of them first where there are many.

    Args:
        source: that is written to.
        tag: the local variable.
        cases: each with its tags.
        put: writes what is done for a case with these tags.
        otherwise: writes what is done for any other tag.
    """
    if len(cases) > _FEW and all(isinstance(one, int) for _, tags in cases for one in tags):
        ordered = sorted(cases, key=lambda case: min(case[1]))
        low, high = ordered[: len(cases) // 2], ordered[len(cases) // 2 :]
        border = min(high[0][1])
        if all(max(tags) < border for _, tags in low):
            with source.block(f"if {tag} < {border}:"):
                branches(source, tag, low, put, otherwise)
            with source.block("else:"):
                branches(source, tag, high, put, otherwise)
            return
    first = "if"
    for case, tags in cases:
        with source.block(f"{first} {tag} == {tags[0]!r}:" if len(tags) == 1 else f"{first} {tag} in {tuple(tags)!r}:"):
            put(case, tags)
        first = "elif"
    with source.block("else:" if cases else "if True:"):
        otherwise()
