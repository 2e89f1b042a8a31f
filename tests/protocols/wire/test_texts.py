"""Text in the encodings that meters use."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterwire.protocols.axdr.plain import pretty
from meterwire.protocols.dlt645.values import Text
from meterwire.protocols.dlt69845.items import meaning
from meterwire.protocols.wire.nodes import Variant
from meterwire.protocols.wire.texts import readable

TEXTS = [
    (b"V1.02\0\0\0", "V1.02"),
    ("国网 V2".encode("gbk"), "国网 V2"),
    ("电表厂（一）".encode("gb2312") + b"\0\0", "电表厂（一）"),
    ("电表".encode(), "电表"),
    (b"\xb1", None),
    (b"\x01\x02", None),
    (b"\xff\xff\xff\xff", None),
    (b"\xa2\xa1\x41", None),  # a Roman numeral in GB 18030, and no text of a meter
]


@pytest.mark.parametrize(("octets", "text"), TEXTS)
def test_text_in_any_encoding(octets, text):
    """Protects names of makers and tariffs: Chinese in GBK and in UTF-8; what is no text is not made one."""
    assert readable(octets) == text


def test_chinese_is_shown_and_read():
    """Protects what people see of both Chinese dialects, which declare such fields as ASCII."""
    name = "国网电表"
    assert pretty(Variant(10, name.encode("gbk"))) == f"visible-string '{name}'"
    assert meaning(Variant(10, name.encode("gbk"))) == name
    assert pretty(Variant(9, name.encode("gbk"))) == "octet-string B9FACDF8B5E7B1ED"
    item = Text(32)
    assert item.decode(item.encode(name)) == name


@given(st.binary(max_size=40))
def test_any_octets_raise_nothing(octets):
    """Protects from what stands in a field of text."""
    found = readable(octets)
    assert found is None or found.isprintable() or not found
