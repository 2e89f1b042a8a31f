"""Fixtures: small responders with a framing of their own: `[length][octets][sum]`, answered with the octets reversed."""

import threading

import pytest

from meterwire.protocols.dialogue import Answer


def make_frame(content: bytes) -> bytes:
    return bytes([len(content)]) + content + bytes([sum(content) & 0xFF])


def take_frame(octets: bytes) -> bytes | None:
    """The content of one whole, undamaged frame, or None."""
    if len(octets) < 2 or len(octets) != octets[0] + 2:
        return None
    content = octets[1:-1]
    return content if octets[-1] == sum(content) & 0xFF else None


class _Reverser:
    """Answers every frame with its content reversed; tells idleness; remembers what it heard."""

    def __init__(self, *, durable: bool = False, settings=None, quiet: bool = False) -> None:
        self.buffer = b""
        self.heard = b""
        self.idles = 0
        self.durable = durable
        self.settings = settings
        self.quiet = quiet

    def receive(self, octets: bytes, now: float) -> list[Answer]:
        self.heard += octets
        self.buffer += octets
        answers = []
        while self.buffer and len(self.buffer) >= self.buffer[0] + 2:
            size = self.buffer[0] + 2
            content, self.buffer = take_frame(self.buffer[:size]), self.buffer[size:]
            if content is not None:
                answers.append(Answer(make_frame(content[::-1]), self.durable, self.settings))
        return answers

    def idle(self, now: float) -> list[Answer]:
        self.idles += 1
        unfinished, self.buffer = self.buffer, b""
        if self.quiet or not unfinished:
            return []
        return [Answer(make_frame(b"?"))]


class _Repeater:
    """Answers with what came."""

    def receive(self, octets: bytes, now: float) -> list[Answer]:
        return [Answer(octets)]

    def idle(self, now: float) -> list[Answer]:
        return []


@pytest.fixture
def frame():
    return make_frame


@pytest.fixture
def unframe():
    return take_frame


@pytest.fixture
def Reverser():
    return _Reverser


@pytest.fixture
def Repeater():
    return _Repeater


@pytest.fixture
def peer():
    """Runs a function in a thread and waits for it at the end; its failure is the test's failure."""
    threads, failures = [], []

    def start(function, *args):
        def run():
            try:
                function(*args)
            except BaseException as error:  # noqa: BLE001
                failures.append(error)

        threads.append(threading.Thread(target=run, daemon=True))
        threads[-1].start()

    yield start
    for thread in threads:
        thread.join(5)
        assert not thread.is_alive()
    assert not failures
