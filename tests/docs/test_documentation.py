"""The documentation is executed: what it shows is what happens."""

import inspect
import re
from pathlib import Path

import pytest

import meterwire
from meterwire.cli.concentrator_plan import plan_in
from meterwire.emulate import emulated
from meterwire.meter_model.area import Area
from meterwire.meter_model.device import Device

ROOT = Path(__file__).parent.parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
STANDINGS = {
    "dlt645+serial:///dev/ttyUSB0?baud=2400": "dlt645",
    "dlt69845+tcp://10.0.0.7:6000": "dlt69845",
    "dlms+tcp://meter.lan": "dlms",
}


def blocks(page, language):
    return [text for found, text in BLOCK.findall(page.read_text(encoding="utf-8")) if found == language]


@pytest.fixture(scope="module")
def standing_in():
    """An emulated meter in place of the meters that the documentation talks of."""
    listen = ["dlt645+pty:", "dlt69845+tcp://127.0.0.1:0", "dlms+tcp://127.0.0.1:0"]
    with emulated(Device.of_profile("three-phase"), listen, clock="frozen:2026-01-01T00:00:00") as served:
        yield {text: served.url(dialect) for text, dialect in STANDINGS.items()}


@pytest.mark.parametrize("page", [p for p in PAGES if blocks(p, "python")], ids=lambda page: page.name)
def test_python_blocks_run(page, standing_in, request, capsys):
    """Protects readers who copy an example: every Python block of a page runs, in order, against an emulated meter."""
    names = {"meterwire": meterwire}
    source = blocks(page, "python")
    for said, url in standing_in.items():
        source = [text.replace(said, url) for text in source]
    for text in source:
        exec(compile(text, page.name, "exec"), names)
        for name, function in list(names.items()):
            if name.startswith("test_") and callable(function):
                function(*(request.getfixturevalue(wanted) for wanted in inspect.signature(function).parameters))
                del names[name]
    capsys.readouterr()


def test_links_lead_somewhere():
    """Protects readers from dead links between the pages of the project."""
    for page in [*PAGES, ROOT / "CONTRIBUTING.md"]:
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_commands_shown_exist():
    """Protects readers who copy a command line: each `meterwire WORD` that is shown is a command."""
    from meterwire.cli.main import app

    shown = set()
    for page in PAGES:
        for text in blocks(page, ""):
            shown |= set(re.findall(r"^meterwire (\w+)", text, re.MULTILINE))
    assert shown
    assert shown <= set(app)


def test_messages_page_is_fresh():
    """Protects the page of messages from drifting away from the declarations."""
    from docs.generate import PAGE, page

    assert PAGE.read_text(encoding="utf-8") == page(), "run `make docs`"


def test_device_files_of_the_page_load(tmp_path):
    """Protects the examples of device files."""
    numbers = []
    for text in blocks(ROOT / "docs" / "emulating.md", "toml"):
        (tmp_path / "meter.toml").write_text(text, encoding="utf-8")
        numbers.append(Device.load(tmp_path / "meter.toml").identity.number)
    assert "000000004711" in numbers


def test_area_files_of_the_page_load(tmp_path):
    """Protects the example of an area file."""
    (text,) = blocks(ROOT / "docs" / "gateway.md", "toml")
    (tmp_path / "area.toml").write_text(text, encoding="utf-8")
    assert len(Area.load(tmp_path / "area.toml").places) == 184
    plan, text = blocks(ROOT / "docs" / "concentrator.md", "toml")
    (tmp_path / "area.toml").write_text(text, encoding="utf-8")
    (tmp_path / "plan.toml").write_text(plan, encoding="utf-8")
    assert len(Area.load(tmp_path / "area.toml").places) == 40
    assert len(plan_in(tmp_path / "plan.toml")) == 4
