"""Files that a meter takes in blocks: resumed, checked, made to run, and kept over a restart."""

from __future__ import annotations

import datetime as dt
import hashlib
import random
import zlib

import msgspec
import pytest

from meterwire.errors import LocalProtocolError
from meterwire.meter_model import Meter, VirtualClock
from meterwire.meter_model.files import LARGEST, Announced, NoTransfer
from meterwire.meter_model.saved import parts_of, restore
from meterwire.protocols.wire.checks import crc_x25

START = dt.datetime(2026, 1, 30, 22, 10)
IMAGE = random.Random(7).randbytes(10_000)


def meter_at():
    return Meter(clock=VirtualClock(START, frozen=True), seed=5)


def announced(check="md5", digest=None, image=IMAGE, block=512):
    digest = hashlib.md5(image).digest() if digest is None else digest
    return Announced("a.bin", "b.bin", len(image), "111", "V2", 0, block, check, digest)


def send(files, file, image=IMAGE, numbers=None):
    for number in range(file.blocks) if numbers is None else numbers:
        files.write(number, image[number * file.block :][: file.length(number)])


def test_blocks_in_any_order_and_twice_make_the_file():
    """What has come is known at every moment; the file is right once all of it has come, and not before."""
    files, file = meter_at().files, announced()
    files.start(file)
    order = random.Random(1).sample(range(file.blocks), file.blocks)
    for count, number in enumerate(order, 1):
        send(files, file, numbers=[number, order[0]])
        assert files.blocks.count("1") == count
        assert files.blocks[number] == "1"
        assert files.complete is (count == file.blocks)
        assert files.verified is files.complete
    assert b"".join(files.read(number) for number in range(file.blocks)) == IMAGE
    assert files.progress == 100


def test_the_same_file_again_goes_on_and_another_begins_anew():
    """An announcement that is repeated keeps what has come; one of another size, version or digest keeps nothing."""
    files, file = meter_at().files, announced()
    files.start(file)
    send(files, file, numbers=range(5))
    files.start(announced())
    assert files.blocks.count("1") == 5
    files.start(msgspec.structs.replace(file, version="V3"))
    assert files.blocks.count("1") == 0


def test_everything_survives_a_restart():
    """Blocks, announcement and the moment of activation are there again, and the image takes effect at its time."""
    meter, file = meter_at(), announced()
    meter.files.start(file)
    send(meter.files, file, numbers=range(9))
    later = meter_at()
    restore(
        later, msgspec.msgpack.decode(msgspec.msgpack.encode({name: one() for name, one in parts_of(meter).items()}))
    )
    assert later.files.blocks == meter.files.blocks
    send(later.files, file, numbers=range(9, file.blocks))
    later.files.schedule(START + dt.timedelta(hours=1))
    again = meter_at()
    restore(
        again, msgspec.msgpack.decode(msgspec.msgpack.encode({name: one() for name, one in parts_of(later).items()}))
    )
    again.clock.step(3599)
    again.advance()
    assert again.files.running is None
    again.clock.step(1)
    again.advance()
    assert again.files.running == file
    assert again.files.program(0, len(IMAGE) + 2) == IMAGE + b"\xff\xff"
    assert again.events.counts["upgraded"] == 1


@pytest.mark.parametrize(
    ("check", "digest", "right"),
    [
        ("none", b"", True),
        ("other", b"??", True),
        ("md5", hashlib.md5(IMAGE).digest(), True),
        ("md5", hashlib.md5(b"").digest(), False),
        ("sha1", hashlib.sha1(IMAGE).digest(), True),
        ("sha1", hashlib.md5(IMAGE).digest(), False),
        ("crc", crc_x25(IMAGE).to_bytes(2, "big"), True),
        ("crc", zlib.crc32(IMAGE).to_bytes(4, "big"), True),
        ("crc", b"\x00\x00", False),
    ],
)
def test_a_file_that_is_wrong_never_runs(check, digest, right):
    """Digests are held against what has come; a wrong file, or half of one, is never made to run."""
    meter, file = meter_at(), announced(check, digest)
    meter.files.start(file)
    assert not meter.files.activate()
    send(meter.files, file)
    assert meter.files.verified is right
    assert meter.files.activate() is right
    assert (meter.files.running == file) is right
    before = meter_at().files.program(100, 50)
    assert (meter.files.program(100, 50) == before) is not right


def test_what_cannot_be_is_refused_and_changes_nothing():
    """Sizes out of bounds, blocks that are not there or of another length, reading what has not come."""
    files = meter_at().files
    with pytest.raises(NoTransfer):
        files.write(0, b"")
    for size, block in ((0, 512), (LARGEST + 1, 512), (100, 0), (100, 15), (LARGEST, 16), (100, 70_000)):
        with pytest.raises(LocalProtocolError):
            files.start(Announced("", "", size, "000", "", 0, block))
    file = announced()
    files.start(file)
    for number, octets in ((0, b"x"), (file.blocks - 1, bytes(512))):
        with pytest.raises(LocalProtocolError):
            files.write(number, octets)
    for number in (file.blocks, -1):
        with pytest.raises(IndexError):
            files.write(number, bytes(512))
    with pytest.raises(IndexError):
        files.read(0)
    assert "1" not in files.blocks
    files.cancel()
    with pytest.raises(NoTransfer):
        files.read(0)


def test_an_activation_that_is_taken_back_does_not_happen():
    """A moment that is cleared, or whose file was given up, passes without effect."""
    meter, file = meter_at(), announced()
    for take_back in (lambda: meter.files.schedule(None), meter.files.cancel):
        meter.files.start(file)
        send(meter.files, file)
        meter.files.schedule(meter.now().replace(tzinfo=None) + dt.timedelta(minutes=1))
        take_back()
        meter.clock.step(300)
        meter.advance()
        assert meter.files.running is None
