"""The socket of a control surface: lines in, lines out, within bounds, for those who may."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from meterwire.errors import LocalProtocolError, MalformedError, NoAnswer, TransportError
from meterwire.transports.control import LONGEST_LINE, control, serve_control


def echo(line: bytes) -> bytes:
    return json.dumps({"ok": True, "value": line.decode()}).encode()


async def ask(url: str, request: dict[str, Any], **settings: Any) -> dict[str, Any]:
    return await asyncio.to_thread(control, url, request, **settings)


async def test_tcp_and_unix(tmp_path: Path) -> None:
    """Both places answer; port 0 becomes a real one; the socket's file is its owner's and goes away."""
    path = tmp_path / "meter.sock"
    for url in ("tcp://127.0.0.1:0", "tcp://[::1]:0", f"unix:{path}"):
        async with await serve_control(url, echo) as server:
            assert not server.url.endswith(":0")
            assert (await ask(server.url, {"op": "get"}))["value"] == '{"op": "get"}'
            if url.startswith("unix"):
                assert stat.S_IMODE(path.stat().st_mode) == 0o600
        with pytest.raises(TransportError):
            await ask(server.url, {}, timeout=1.0)
    assert not path.exists()


async def test_many_requests_on_one_connection() -> None:
    """A connection is a conversation: each line has its reply, in order, wherever the octets are cut."""
    async with await serve_control("tcp://127.0.0.1:0", echo) as server:
        host, port = server.url.removeprefix("tcp://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        for octets in (b"a", b"b\nc\r\n", b"d\n"):
            writer.write(octets)
            await writer.drain()
        assert [json.loads(await reader.readline())["value"] for _ in range(3)] == ["ab", "c", "d"]
        writer.close()
        await writer.wait_closed()


async def test_a_line_too_long_ends_the_connection() -> None:
    """Memory is bounded: an endless line is refused, not gathered."""
    async with await serve_control("tcp://127.0.0.1:0", echo) as server:
        host, port = server.url.removeprefix("tcp://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(b"x" * (LONGEST_LINE + 10))
        assert json.loads(await reader.readline())["ok"] is False
        with contextlib.suppress(ConnectionError):  # the rest of the line was never read
            assert await reader.read() == b""
        writer.close()


async def test_closing_ends_open_connections() -> None:
    """A server that stops does not wait for clients that stay."""
    server = await serve_control("tcp://127.0.0.1:0", echo)
    host, port = server.url.removeprefix("tcp://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(b"hello\n")
    await reader.readline()
    await server.aclose()
    await server.aclose()
    assert await reader.read() == b""
    writer.close()


@pytest.mark.parametrize(
    "url", ["", "tcp:127.0.0.1:1", "tcp://:1", "tcp://127.0.0.1", "tcp://127.0.0.1:99999", "unix:", "http://x:1"]
)
async def test_what_is_no_place(url: str) -> None:
    """A wrong place is the caller's mistake, on both sides."""
    with pytest.raises(LocalProtocolError):
        await serve_control(url, echo)
    with pytest.raises(LocalProtocolError):
        control(url, {})


async def test_loopback_only_unless_told_otherwise() -> None:
    """Whoever reaches the surface owns the meter."""
    for url in ("tcp://0.0.0.0:0", "tcp://192.0.2.1:0", "tcp://example.invalid:0"):
        with pytest.raises(LocalProtocolError, match="loopback"):
            await serve_control(url, echo)
    async with await serve_control("tcp://0.0.0.0:0", echo, anywhere=True) as server:
        assert server.url.startswith("tcp://0.0.0.0:")


async def test_a_stale_socket_is_replaced_and_a_living_one_is_not(tmp_path: Path) -> None:
    """A crash leaves a file behind; another server's socket, or a file of somebody's, is left alone."""
    path = tmp_path / "meter.sock"
    first = await serve_control(f"unix:{path}", echo)
    with pytest.raises(TransportError):
        await serve_control(f"unix:{path}", echo)
    os.link(path, tmp_path / "kept")
    await first.aclose()
    (tmp_path / "kept").rename(path)
    async with await serve_control(f"unix:{path}", echo):
        assert (await ask(f"unix:{path}", {}))["ok"]
    path.write_text("precious")
    with pytest.raises(TransportError):
        await serve_control(f"unix:{path}", echo)
    assert path.read_text() == "precious"


@pytest.mark.parametrize("reply", [b"nonsense", b"[]", b'{"value":1}', b'{"ok":1}', b"[" * 100_000])
async def test_a_peer_that_answers_nonsense(reply: bytes) -> None:
    """What is no reply is the peer's fault, whatever it is."""
    async with await serve_control("tcp://127.0.0.1:0", lambda _: reply) as server:
        with pytest.raises(MalformedError):
            await ask(server.url, {})


async def test_a_peer_that_says_nothing_or_hangs_up() -> None:
    """Silence ends in time, and a connection that closes is told."""

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = await reader.readline()
        if b"wait" in line:
            await reader.read()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    url = f"tcp://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    with pytest.raises(NoAnswer):
        await ask(url, {"wait": 1}, timeout=0.2)
    with pytest.raises(TransportError, match="closed"):
        await ask(url, {})
    server.close()
    with pytest.raises(LocalProtocolError):
        control(url, {"x": object()})
