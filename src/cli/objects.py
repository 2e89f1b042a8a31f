"""`--objects FILE`: the table of objects of a province or a maker, put on top of the standard's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from meterwire.errors import LocalProtocolError

if TYPE_CHECKING:
    from meterwire.protocols.dlt69845.object_table import ObjectTable

_LARGEST: Final = 16 << 20


def objects_in(file: Path, dialect: str | None = "dlt69845") -> ObjectTable:
    """The standard's table of objects with what is in a file; raises LocalProtocolError where it is none."""
    from meterwire.protocols.dlt69845.object_table import ObjectTable  # noqa: PLC0415  only when it is wanted

    if dialect not in (None, "dlt69845"):
        raise LocalProtocolError("--objects is for DL/T 698.45")
    try:
        if file.stat().st_size > _LARGEST:
            raise LocalProtocolError(f"{file} is too long for a table of objects")
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise LocalProtocolError(f"the table of objects cannot be read: {error}") from error
    return ObjectTable.standard().extended(text)


@contextmanager
def objects_from(file: Path | None) -> Iterator[None]:
    """Everything inside speaks of objects as the file does; without a file as the standard does."""
    if file is None:
        yield
        return
    from meterwire.protocols.dlt69845.objects import using  # noqa: PLC0415  only when it is wanted

    with using(objects_in(file)):
        yield
