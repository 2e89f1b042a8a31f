"""Serial lines and served pseudo-terminals, on real pseudo-terminals."""

import asyncio
import os
import tty

import pytest
import serial

from meterwire.errors import Disconnected, LocalProtocolError, TransportError
from meterwire.protocols.dialogue import LineSettings
from meterwire.transports import termios_settings
from meterwire.transports.lines import aopen_line, open_line
from meterwire.transports.parity import EVEN
from meterwire.transports.serve import serve


@pytest.fixture
def pseudo():
    """The meter's side of a pseudo-terminal and the path of the user's side."""
    master, slave = os.openpty()
    tty.setraw(slave)
    path = os.ttyname(slave)
    os.close(slave)
    closed = []

    class Side:
        fd = master

        @staticmethod
        def hang_up():
            closed.append(os.close(master))

    Side.path = path
    yield Side
    if not closed:
        os.close(master)


def read_all(line, size):
    octets, until = b"", line.now() + 5
    while len(octets) < size and line.now() < until:
        octets += line.read(until)
    return octets


async def aread_all(line, size):
    octets, until = b"", line.now() + 5
    while len(octets) < size and line.now() < until:
        octets += await line.read(until)
    return octets


def test_a_blocking_serial_line(pseudo):
    """Protects the plain way in both directions, and that opening twice is refused by name."""
    line = open_line(f"dlt645+serial://{pseudo.path}?baud=9600")
    line.write(b"\x68\x00\xff\x11\x13\x03\r\n")
    assert os.read(pseudo.fd, 99) == b"\x68\x00\xff\x11\x13\x03\r\n"
    os.write(pseudo.fd, b"\x69\x00\xff\x11\x13\x03\r\n\xfe")
    assert read_all(line, 9) == b"\x69\x00\xff\x11\x13\x03\r\n\xfe"
    assert line.read(line.now() + 0.01) == b""
    with pytest.raises(TransportError, match=f"cannot open serial port {pseudo.path}: another program"):
        open_line(f"dlt645+serial://{pseudo.path}")
    line.close()
    line.close()
    with pytest.raises(Disconnected, match="closed by us"):
        line.write(b"x")
    open_line(f"dlt645+serial://{pseudo.path}").close()


async def test_an_async_serial_line(pseudo):
    """Protects the same on asyncio."""
    line = await aopen_line(f"dlt645+serial://{pseudo.path}?baud=9600")
    await line.write(b"\x68\x00\xff\x11\x13\x03\r\n")
    assert os.read(pseudo.fd, 99) == b"\x68\x00\xff\x11\x13\x03\r\n"
    os.write(pseudo.fd, b"\x69\x00\xff\x11\x13\x03\r\n\xfe")
    assert await aread_all(line, 9) == b"\x69\x00\xff\x11\x13\x03\r\n\xfe"
    assert await line.read(line.now() + 0.01) == b""
    with pytest.raises(TransportError, match=f"cannot open serial port {pseudo.path}: another program"):
        await aopen_line(f"dlt645+serial://{pseudo.path}")
    await line.close()
    await line.close()
    with pytest.raises(Disconnected):
        await line.write(b"x")
    await (await aopen_line(f"dlt645+serial://{pseudo.path}")).close()


@pytest.mark.parametrize("path", ["/dev/nowhere", "/dev", "/etc/hostname", "/dev/null"])
async def test_a_port_that_cannot_be_opened_is_named(path):
    """Protects that termios, pyserial and the system all end in one documented error."""
    with pytest.raises(TransportError, match=f"cannot .*{path}"):
        open_line(f"dlt645+serial://{path}")
    with pytest.raises(TransportError, match=f"cannot .*{path}"):
        await aopen_line(f"dlt645+serial://{path}")
    with pytest.raises(TransportError, match=f"cannot .*{path}"):
        await serve(f"dlt645+serial://{path}", lambda: None)


def test_settings_are_set_at_once_and_read_back(pseudo):
    """Protects reconfiguring: the other side sees the speed; a change of format alone is no error on a pty."""
    line = open_line(f"dlt645+serial://{pseudo.path}")
    for settings in (LineSettings(9600, 8, "E"), LineSettings(9600, 8, "O", 2), LineSettings(300, 7, "E")):
        line.reconfigure(settings)
        assert termios_settings.read(pseudo.fd).baud == settings.baud
        assert line.settings == settings
    with pytest.raises(LocalProtocolError, match="12345 baud is not a speed"):
        line.reconfigure(LineSettings(12345))
    line.close()


async def test_seven_bits_are_carried_with_software_parity(pseudo):
    """Protects IEC 62056-21 on a line that only knows 8N: parity goes out, is checked and taken away."""
    url = f"iec62056-21+serial://{pseudo.path}?echo=off"
    line = open_line(url)
    line.write(b"/?!\r\n")
    assert os.read(pseudo.fd, 99) == b"/?!\r\n".translate(EVEN) == b"\xaf\x3f\x21\x8d\x0a"
    os.write(pseudo.fd, b"/MWT5\r\n".translate(EVEN))
    assert read_all(line, 7) == b"/MWT5\r\n"
    line.reconfigure(LineSettings(9600, 8, "N"))
    os.write(pseudo.fd, b"\xff\x80")
    assert read_all(line, 2) == b"\xff\x80"
    line.close()
    aline = await aopen_line(url)
    await aline.write(b"/?!\r\n")
    assert os.read(pseudo.fd, 99) == b"\xaf\x3f\x21\x8d\x0a"
    await aline.reconfigure(LineSettings(9600, 7, "O"))
    os.write(pseudo.fd, b"\xb0\xb1")  # 0x30 has two ones and 0x31 three: odd parity adds a bit to the first alone
    assert await aread_all(aline, 2) == b"01"
    await aline.close()


async def test_the_port_is_hung_up_in_the_middle_of_a_frame(pseudo):
    """Protects from a pulled USB adapter: what came is delivered, then the loss is told, for ever after."""
    line = open_line(f"dlt645+serial://{pseudo.path}")
    os.write(pseudo.fd, b"\x68half")
    assert read_all(line, 5) == b"\x68half"
    pseudo.hang_up()
    for _ in range(2):
        with pytest.raises(Disconnected, match=pseudo.path):
            line.read(line.now() + 5)
    with pytest.raises(Disconnected):
        line.write(b"x")
    with pytest.raises(Disconnected):
        line.reconfigure(LineSettings(9600))
    line.close()


async def test_the_port_is_hung_up_in_the_middle_of_a_frame_async(pseudo):
    """Protects the same on asyncio."""
    line = await aopen_line(f"dlt645+serial://{pseudo.path}")
    os.write(pseudo.fd, b"\x68half")
    assert await aread_all(line, 5) == b"\x68half"
    pseudo.hang_up()
    for _ in range(2):
        with pytest.raises(Disconnected, match=pseudo.path):
            await line.read(line.now() + 5)
    with pytest.raises(Disconnected):
        await line.write(b"x")
    with pytest.raises(Disconnected):
        await line.reconfigure(LineSettings(9600))
    await line.close()


async def test_a_long_write_goes_out_in_pieces(pseudo):
    """Protects from drivers that lose, and from a library that spins, when given more than a few kB at once."""
    octets = bytes(range(256)) * 80

    async def collect():
        loop, got, done = asyncio.get_running_loop(), bytearray(), asyncio.Event()

        def ready():
            got.extend(os.read(pseudo.fd, 4096))
            if len(got) >= len(octets):
                done.set()

        loop.add_reader(pseudo.fd, ready)
        try:
            async with asyncio.timeout(5):
                await done.wait()
        finally:
            loop.remove_reader(pseudo.fd)
        return bytes(got)

    line = await aopen_line(f"dlt645+serial://{pseudo.path}?baud=115200&echo=off")
    _, got = await asyncio.gather(line.write(octets), collect())
    assert got == octets
    await line.close()
    line = open_line(f"dlt645+serial://{pseudo.path}?baud=115200&echo=off")
    _, got = await asyncio.gather(asyncio.to_thread(line.write, octets), collect())
    assert got == octets
    line.close()


async def test_closing_does_not_wait_for_a_peer_that_reads_nothing(pseudo):
    """Protects the event loop: octets that nobody takes must not block the closing."""
    line = await aopen_line(f"dlt645+serial://{pseudo.path}?baud=115200")
    await line.write(bytes(1000))
    await line.close()
    line = open_line(f"dlt645+serial://{pseudo.path}?baud=115200")
    line.write(bytes(1000))
    line.close()


# ---------------------------------------------------------------- serving


async def test_a_served_pseudo_terminal_is_opened_again_and_again(Reverser, frame):
    """Protects the meter on a serial line: users come and go, the responder and its state stay."""
    responder = Reverser()
    async with await serve("dlt645+pty:", lambda: responder) as served:
        assert served.url.startswith("dlt645+serial:///dev/pts/")
        for content in (b"ab", b"cd", b"ef"):
            line = await aopen_line(served.url)
            await line.write(frame(content))
            assert await aread_all(line, 4) == frame(content[::-1])
            await line.close()
            await asyncio.sleep(0.002)
        line = await asyncio.to_thread(open_line, served.url)
        await asyncio.to_thread(line.write, frame(b"gh"))
        assert await asyncio.to_thread(read_all, line, 4) == frame(b"hg")
        line.close()
        with serial.Serial(served.endpoint.path, 2400, timeout=2) as port:  # somebody else's program
            port.write(frame(b"ij"))
            assert await asyncio.to_thread(port.read, 4) == frame(b"ji")
        assert responder.heard == b"".join(frame(c) for c in (b"ab", b"cd", b"ef", b"gh", b"ij"))
        assert served.connections == 1
    with pytest.raises(TransportError):
        await aopen_line(served.url)


async def test_a_pseudo_terminal_under_a_path_of_ones_own(Reverser, frame, tmp_path):
    """Protects configurations that name the port: the link is there while serving, a stale one is replaced."""
    link = tmp_path / "meter"
    link.symlink_to(tmp_path / "nothing")
    async with await serve(f"dlt645+pty://{link}", Reverser) as served:
        assert served.url == f"dlt645+serial://{link}"
        line = await aopen_line(served.url)
        await line.write(frame(b"ab"))
        assert await aread_all(line, 4) == frame(b"ba")
        await line.close()
        with pytest.raises(TransportError, match="cannot make the link"):
            await serve(f"dlt645+pty://{link}", Reverser)
    assert not link.is_symlink()


async def test_a_pseudo_terminal_with_a_speed_hears_that_speed_alone(Reverser, frame):
    """Protects scanning: at a wrong speed there is silence, at the right one an answer, and it can change."""
    faster = LineSettings(9600, 8, "E")
    async with await serve("dlt645+pty:?baud=1200", lambda: Reverser(settings=faster)) as served:
        line = await aopen_line(served.url.replace("1200", "2400"))
        await line.write(frame(b"ab"))
        assert await line.read(line.now() + 0.03) == b""
        await line.reconfigure(LineSettings(1200, 8, "E"))
        await line.write(frame(b"ab"))
        assert await aread_all(line, 4) == frame(b"ba")
        await line.write(frame(b"cd"))  # the meter has gone to 9600 by now
        assert await line.read(line.now() + 0.03) == b""
        await line.reconfigure(faster)
        await line.write(frame(b"ef"))
        assert await aread_all(line, 4) == frame(b"fe")
        await line.close()


async def test_a_user_who_never_reads_costs_no_memory(Repeater):
    """Protects a served line without flow control: what nobody takes is lost, and counted."""
    async with await serve("dlt645+pty:", Repeater) as served:
        terminal = next(iter(served._service.connections))._transport
        terminal.write(bytes(200_000))
        assert terminal.get_write_buffer_size() <= 1 << 16
        assert terminal.lost >= 100_000


async def test_seven_bits_on_a_served_pseudo_terminal(Reverser):
    """Protects IEC 62056-21 served on a pty: the user's program adds parity, the responder never sees it."""
    responder = Reverser()
    async with await serve("iec62056-21+pty:", lambda: responder) as served:
        line = await aopen_line(served.url)
        await line.write(b"\x03abc\x26")
        assert await aread_all(line, 5) == b"\x03cba\x26"
        assert responder.heard == b"\x03abc\x26"
        await line.close()


async def test_serving_on_a_serial_port(pseudo, Reverser, frame):
    """Protects a meter emulated behind a real port: answers, new settings after the answer, the port pulled out."""
    served = await serve(f"dlt645+serial://{pseudo.path}", lambda: Reverser(settings=LineSettings(9600, 8, "E")))
    loop, got, came = asyncio.get_running_loop(), bytearray(), asyncio.Event()

    def ready():
        got.extend(os.read(pseudo.fd, 99))
        came.set()

    loop.add_reader(pseudo.fd, ready)
    assert termios_settings.read(pseudo.fd).baud == 2400
    os.write(pseudo.fd, frame(b"ab"))
    async with asyncio.timeout(5):
        await came.wait()
        assert bytes(got) == frame(b"ba")
        while termios_settings.read(pseudo.fd).baud != 9600:  # noqa: ASYNC110
            await asyncio.sleep(0.001)
        loop.remove_reader(pseudo.fd)
        assert served.connections == 1
        pseudo.hang_up()
        while served.connections:  # noqa: ASYNC110
            await asyncio.sleep(0.001)
    await served.aclose()


def test_everything_runs_on_uvloop(Reverser, frame):
    """Protects the fast event loop: the same lines and the same serving, on TCP, UDP and a pseudo-terminal."""
    uvloop = pytest.importorskip("uvloop")

    async def main():
        for url in ("dlms+tcp://127.0.0.1:0", "dlms+udp://127.0.0.1:0", "dlt645+pty:", "iec62056-21+pty:"):
            async with await serve(url, Reverser) as served:
                line = await aopen_line(served.url)
                await line.write(b"\x03abc\x26")
                assert await aread_all(line, 5) == b"\x03cba\x26"
                await line.reconfigure(LineSettings(9600, 7, "E"))
                await line.close()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())
