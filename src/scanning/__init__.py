"""Who is on a line, at which speed, parity and address: one call for programs, the parts of it for the command.

```python
for found in meterwire.scan("dlt645+serial:///dev/ttyUSB0"):
    with meterwire.connect(found.url, address=found.address) as meter:
        print(found.address, meter.read("active_energy_import").value)
```
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # `import meterwire` stays cheap
    from meterwire.scanning.progress import Progress
    from meterwire.scanning.search import Found
    from meterwire.transports.filtering import Filter


def scan(
    url: str,
    *,
    edition: str | None = None,
    thorough: bool = False,
    filters: Sequence[Filter] = (),
    told: Progress | None = None,
) -> list[Found]:
    """Look for meters; what the URL gives (`baud`, `parity`, `server`) is not varied.

    Args:
        url: endpoint, such as `dlt645+serial:///dev/ttyUSB0` or `dlms+tcp://gateway.lan`.
        edition: 1997, 2007 or auto for DL/T 645.
        thorough: all questions at each setting (DL/T 645).
        filters: middleware of `meterwire.transports`, from the line outwards.
        told: hears the estimate, each question, and when nobody was found what to check.

    Returns:
        The meters; an empty list where nobody answered.

    Raises:
        LocalProtocolError: the URL cannot be right, or its dialect cannot be scanned.
        TransportError: the line cannot be opened, or is gone.
    """
    from meterwire.scanning.progress import Unheard  # noqa: PLC0415  see above
    from meterwire.scanning.search import Search  # noqa: PLC0415
    from meterwire.transports.endpoint import Endpoint  # noqa: PLC0415
    from meterwire.transports.lines import open_line  # noqa: PLC0415

    search = Search(Endpoint.parse(url), edition, thorough=thorough)
    told = told or Unheard()
    line = open_line(search.endpoint, *search.echoes, *filters)
    try:
        search.run(line, told)
    finally:
        line.close()
    found = search.found
    for text in () if found else search.advice():
        told.say(text)
    return found


async def ascan(
    url: str,
    *,
    edition: str | None = None,
    thorough: bool = False,
    filters: Sequence[Filter] = (),
    told: Progress | None = None,
) -> list[Found]:
    """The same for asyncio: it runs in a thread, where `told` is called; cancelling ends it at its next question."""
    import asyncio  # noqa: PLC0415  see above

    from meterwire.scanning.progress import Unheard  # noqa: PLC0415
    from meterwire.scanning.stopping import Stopping  # noqa: PLC0415

    stopping = Stopping(told or Unheard())
    work = asyncio.to_thread(scan, url, edition=edition, thorough=thorough, filters=filters, told=stopping)
    try:
        return await work
    except asyncio.CancelledError:
        stopping.stop()
        raise
