"""The emulated module: every function in both roles, refusals with their codes, and what it says of its own accord."""

import pytest

from meterwire.errors import LocalProtocolError, Refused
from meterwire.protocols.dialogue import Answer
from meterwire.protocols.dlt645.client import Meter645
from meterwire.protocols.gdw376_2 import archive, asking, commands, forwarding, queries, reports, routes
from meterwire.protocols.gdw376_2.client import Module3762
from meterwire.protocols.gdw376_2.codes import Band, Denial, FileTarget, MeterProtocol, StateChange
from meterwire.protocols.gdw376_2.functions import FUNCTIONS, Unknown
from meterwire.protocols.gdw376_2.tunnel import framer
from meterwire.protocols.gdw376_2.unit import Unit, unit
from meterwire.protocols.wire.codec import codec
from meterwire.transports.hplc.line import HplcLine
from meterwire.transports.hplc.meters import Behind
from meterwire.transports.hplc.module import Module
from meterwire.transports.hplc.settings import ModuleSettings, NetworkSettings
from meterwire.transports.memory import ResponderLine

REQUEST = bytes.fromhex("6804330000000068110433333433E916")
CORRECTED = bytes.fromhex("6804330000000068110433333533EA16")
ANSWER = bytes.fromhex("6804330000000068910833333433443333334A16")
LOSSLESS = NetworkSettings(loss=0.0, last_gasp=1.0)


class Still:
    """A meter with one answer, given or not."""

    def __init__(self, answer=ANSWER):
        self.answer, self.heard = answer, []

    def receive(self, octets, now):
        self.heard.append(octets)
        return [Answer(self.answer)] if self.answer else []

    def idle(self, now):
        return []


def area(count=6, *, network=LOSSLESS, answer=ANSWER, joined=True, **settings):
    """A module with meters that answer the same, and its client."""
    meters = {f"{place:012d}": Still(answer) for place in range(1, count + 1)}
    behind = {address: Behind(MeterProtocol.DLT645_2007, lambda one=one: one) for address, one in meters.items()}
    module = Module(behind, ModuleSettings(**settings), network, seed=7)
    line = ResponderLine(module.connect())
    client = Module3762(line)
    if joined:
        client.listen(60.0)
    return module, client, line, meters


VALUES = {
    (0x03, 3): queries.HeardPage(1, 16),
    (0x03, 6): queries.InterferenceQuery(1),
    (0x03, 9): forwarding.Forward(2, REQUEST),
    (0x03, 11): queries.IndexQuery(0x03),
    (0x04, 1): commands.SendTest(1),
    (0x04, 3): commands.LocalTest(1, "000000000001", 2, REQUEST),
    (0x05, 1): queries.PrimaryAddress("000000002402"),
    (0x05, 2): commands.Switch(1),
    (0x05, 3): commands.Broadcast(2, REQUEST),
    (0x05, 4): queries.MonitorTimeout(60),
    (0x05, 5): queries.Radio(1, 2),
    (0x05, 6): commands.Switch(1),
    (0x05, 10): commands.LocalRate(4),
    (0x05, 16): queries.FrequencyBand(Band.MHZ_0_781_TO_2_930),
    (0x05, 20): commands.LongBroadcast(2, REQUEST),
    (0x05, 100): queries.FieldStrength(90),
    (0x05, 101): commands.ClockTime("260101000000"),
    (0x05, 200): commands.Switch(1),
    (0x10, 3): routes.NodeQuery("000000000006"),
    (0x10, 40): routes.ProductionQuery(3, "000000000001", 1),
    (0x11, 1): archive.AddNodes((reports.NodeProtocol("000000009999", 3),)),
    (0x11, 2): archive.DeleteNodes(("000000000002",)),
    (0x11, 3): archive.FixedPath("000000000001", ()),
    (0x11, 4): archive.WorkingMode(archive.WorkingState.of(1), queries.Rate.of(0)),
    (0x11, 5): archive.StartRegistration("260101000000", 1, 3, 10),
    (0x11, 100): routes.NetworkSize(6),
    (0x15, 1): asking.FileSegment(3, 1, 0, 1, 0, b"MW\x02\x00"),
}
PAGED = {(0x10, number) for number in (2, 5, 6, 7, 20, 21, 31, 101, 112)}
BEGUN = [
    row
    for row in FUNCTIONS.values()
    if not row.by_module and row.afn not in {0x00, 0x02, 0x13, 0xF1} and not isinstance(row.down, Unknown)
]


@pytest.mark.parametrize("row", BEGUN, ids=lambda row: f"{row.afn:02X}H-F{row.number}")
def test_every_function_that_the_concentrator_begins(row):
    """Protects each row of the table: the client can ask it, and the module answers with its own data unit."""
    _, client, _, _ = area()
    value = routes.Page(1, 3) if (row.afn, row.number) in PAGED else VALUES.get((row.afn, row.number))
    found = client.ask(row.afn, row.number, value)
    assert type(found) is (row.up or forwarding.Confirm)


@pytest.mark.parametrize("key", [(0x03, 200), (0x05, 230), (0x10, 50), (0xF0, 1), (0x77, 1), (0x06, 1), (0x00, 1)])
def test_unknown_functions_are_denied(key):
    """Protects concentrators with provincial functions: they are told that the function is not there."""
    assert denied(Unit(up=False, begins=True, afn=key[0], number=key[1])) == Denial.UNKNOWN_FUNCTION


@pytest.mark.parametrize("key", [(0x05, 17), (0x05, 18), (0x10, 104), (0xF1, 2)])
def test_functions_without_a_known_layout_are_denied_as_unsupported(key):
    """Protects honesty: what is not known is not pretended."""
    assert denied(Unit(up=False, begins=True, afn=key[0], number=key[1], value=b"\x01")) == Denial.UNSUPPORTED


@pytest.mark.parametrize(("key", "data"), [((0x10, 2), b"\x01"), ((0x03, 1), b"\x00"), ((0x11, 1), None)])
def test_a_data_unit_of_the_wrong_length_is_denied(key, data):
    """Protects against serving a request that was only half read."""
    assert denied(Unit(up=False, begins=True, afn=key[0], number=key[1], value=data)) == Denial.WRONG_LENGTH


def denied(request):
    """The error that the module answers a frame with."""
    _, _, line, _ = area(1)
    line.write(request.octets())
    (found,) = [unit(piece.message) for piece in framer().receive(line.read(line.now() + 1))]
    assert found.key == (0x00, 2)
    assert not found.begins
    assert found.sequence == request.sequence
    return found.value.error


def reading(module, line, address, frames=REQUEST, sequence=9, afn=0xF1):
    """Order a meter to be read; nothing is waited for."""
    value = forwarding.ConcurrentRequest(2, 0, frames) if afn == 0xF1 else forwarding.MonitorRequest(2, 0, (), frames)
    line.write(
        Unit(
            up=False, begins=True, afn=afn, number=1, value=value, sequence=sequence,
            source=module.address, destination=address,
        ).octets()
    )  # fmt: skip


def heard(line, seconds):
    """What the module says within some seconds."""
    until, ears, found = line.now() + seconds, framer(), []
    while line.now() < until:
        found += [unit(piece.message) for piece in ears.receive(line.read(until))]
    return found


@pytest.mark.parametrize("afn", [0x13, 0xF1])
def test_a_meter_is_read(afn):
    """Protects both ways to a meter: its frame comes back as it is, with the addresses turned round."""
    module, _, line, meters = area()
    reading(module, line, "000000000003", afn=afn)
    (found,) = heard(line, 30.0)
    inner = found.value.frames if afn == 0xF1 else found.value.frame
    assert (inner, found.sequence, found.source, found.destination) == (ANSWER, 9, "000000000003", module.address)
    assert meters["000000000003"].heard == [REQUEST]


def test_the_limits_of_the_concurrent_service():
    """Protects the three refusals of the vectors: 109 too many meters, 110 too many frames, 111 the meter is busy."""
    module, _, line, _ = area(6, outstanding=3, frames=13, network=NetworkSettings(loss=0.0, hop_seconds=1.0))
    for place in (1, 2, 3):
        reading(module, line, f"{place:012d}", sequence=place)
    reading(module, line, "000000000004", sequence=4)
    reading(module, line, "000000000001", sequence=5)
    reading(module, line, "000000000005", REQUEST * 14, sequence=6)
    found = {one.sequence: one for one in heard(line, 60.0)}
    assert {number: found[number].value.error for number in (4, 5, 6)} == {4: 109, 5: 111, 6: 110}
    assert all(found[number].value.frames == ANSWER for number in (1, 2, 3))


def test_several_frames_for_one_meter_are_answered_together():
    """Protects bundles: each frame goes to the meter by itself, and the answers stand back to back."""
    module, _, line, meters = area()
    reading(module, line, "000000000002", REQUEST * 13)
    (found,) = heard(line, 60.0)
    assert found.value.frames == ANSWER * 13
    assert meters["000000000002"].heard == [REQUEST] * 13


@pytest.mark.parametrize(
    ("address", "answer", "afn", "code"),
    [("000000009999", ANSWER, 0x13, 7), ("000000009999", ANSWER, 0xF1, 7), ("000000000001", b"", 0x13, 8)],
)
def test_why_a_meter_was_not_read(address, answer, afn, code):
    """Protects people: unknown meter and silent meter are told apart."""
    module, _, line, _ = area(answer=answer)
    reading(module, line, address, afn=afn)
    (found,) = heard(line, 100.0)
    assert found.value.error == code


def test_a_meter_that_has_not_joined():
    """Protects the two forms of refusal: 13H says that the meter is not in the network, F1H answers with nothing."""
    module, _, line, _ = area()
    module.network.drop("000000000001")
    reading(module, line, "000000000001", afn=0x13)
    reading(module, line, "000000000001", sequence=10)
    first, second = heard(line, 0.5)
    assert (first.value.error, second.value.frames, second.source) == (12, b"", "000000000001")


def test_only_one_meter_is_monitored_at_a_time():
    """Protects the order of 13H: a second one is told that the module is busy, and the first one is answered."""
    module, _, line, _ = area()
    reading(module, line, "000000000001", afn=0x13)
    reading(module, line, "000000000002", sequence=10, afn=0x13)
    found = {one.sequence: one for one in heard(line, 30.0)}
    assert found[10].value.error == Denial.PRIMARY_BUSY
    assert found[9].value.frame == ANSWER


def test_a_dead_network_ends_in_a_refusal():
    """Protects against waiting for ever: when every try of a hop is lost the reading ends."""
    module, _, line, _ = area(network=NetworkSettings(loss=0.0))
    module.network.noise(1.0, 1000.0)
    reading(module, line, "000000000001", afn=0x13)
    (found,) = heard(line, 100.0)
    assert found.value.error == Denial.SECONDARY_SILENT


def test_a_client_of_a_dialect_reads_through_the_module():
    """Protects the gateway as a transport: the client does not know that there is one."""
    module, client, line, _ = area()
    tunnel = client.tunnel("000000000004", MeterProtocol.DLT645_2007)
    meter = Meter645(HplcLine(line, tunnel), address="000000003304")
    assert str(meter.read("00010000").value) == "0.11"
    assert not module.reading


def test_the_client_is_told_why_there_is_no_answer():
    """Protects people: the module's refusal reaches whoever asked the meter."""
    module, client, line, _ = area()
    module.network.drop("000000000001")
    tunnel = client.tunnel("000000000001", MeterProtocol.DLT645_2007)
    with pytest.raises(Refused, match="not in network"):
        Meter645(HplcLine(line, tunnel), address="000000000001").read("00010000")
    with pytest.raises(LocalProtocolError, match="twelve digits"):
        client.tunnel("AAAAAAAAAAAA", MeterProtocol.DLT645_2007)


# ---------------------------------------------------------------- what it says of its own accord


def test_it_says_what_it_is_when_it_starts():
    """Protects the start-up of the standard: the running mode comes unasked, and again until it is confirmed."""
    _, client, line, _ = area(joined=False)
    found = heard(line, 20.0)
    assert [one.key for one in found] == [(0x03, 10)] * 3
    assert len({one.sequence for one in found}) == 1
    assert found[0].value.capacity == 1015
    assert client.listen(20.0) == []


def test_registration_reports_nodes_and_its_end():
    """Protects the flow of registration: nodes that are not archived are reported one by one, then the end."""
    module, client, _, _ = area(archived=False)
    client.ask(0x11, 5, VALUES[0x11, 5])
    found = client.listen(90.0)
    nodes = [row.address for one in found if one.key == (0x06, 1) for row in one.value.nodes]
    assert sorted(nodes) == sorted(module.meters)
    assert found[-1].value == reports.StateReport(StateChange.SEARCH_DONE)
    assert client.ask(0x10, 6, routes.Page(1, 10)).total == 6


def test_an_outage_is_reported_once_and_so_is_its_end():
    """Protects the concentrator from storms: one minute's failures come in one report, each address once, in order."""
    module, client, _, _ = area(60, network=NetworkSettings(loss=0.0, last_gasp=1.0, levels=1))
    lost = list(module.meters)[:50]
    module.power(lost, on=False)
    module.power(lost, on=False)
    down = client.listen(90.0)
    module.power(lost, on=True)
    up = client.listen(200.0)
    for found, change in ((down, 1), (up, 2)):
        outages = [codec(reports.Outage).parse(one.value.content) for one in found if one.key == (0x06, 5)]
        assert {one.change for one in outages} == {change}
        assert [len(one.addresses) for one in outages] == [41, 9]
        addresses = [address for one in outages for address in one.addresses]
        assert sorted(addresses) == sorted(lost)
        assert change == 2 or addresses == lost


def test_refused_nodes_are_reported_where_that_is_permitted():
    """Protects the report of strangers: nobody is told before the concentrator wants it."""
    module, client, _, _ = area(4, joined=False)
    client.delete(["000000000002"])
    client.ask(0x05, 200, commands.Switch(1))
    found = [one.value for one in client.listen(150.0) if one.key == (0x06, 5)]
    (nodes,) = [codec(reports.RefusedNodes).parse(one.content).nodes for one in found]
    assert [one.address for one in nodes] == ["000000000002"]
    assert module.reports.dropped == 0


def test_the_module_leads():
    """Protects reading led by the module: it asks what to send, reports every answer, and says when it is done."""
    _, client, line, meters = area(5, module_leads=True)
    line.write(Unit(up=False, begins=True, afn=0x12, number=1).octets())
    until, ears, read, done = line.now() + 300.0, framer(), {}, []
    while line.now() < until and not done:
        for piece in ears.receive(line.read(until)):
            one = unit(piece.message)
            if one.key == (0x14, 1):
                done_with_it = one.value.index in read
                order = asking.ReadOrder(1, 0, b"", ()) if done_with_it else asking.ReadOrder(2, 0, REQUEST, ())
                line.write(one.answered(order))
            elif one.begins:
                line.write(one.confirmed())
                if one.key == (0x06, 2):
                    read[one.value.index] = one.value.frame
                if one.key == (0x06, 3):
                    done.append(one.value.change)
    assert (read, done) == (dict.fromkeys(range(1, 6), ANSWER), [StateChange.READING_DONE])
    assert client.ask(0x10, 4).read == 5
    assert all(len(meter.heard) == 1 for meter in meters.values())


def test_a_band_makes_nodes_join_anew():
    """Protects switching of the band: the network is empty for a while and fills again."""
    _, client, _, _ = area()
    client.band(Band.MHZ_0_781_TO_2_930)
    assert len(client.topology()) == 1
    client.listen(60.0)
    assert (len(client.topology()), client.band()) == (7, Band.MHZ_0_781_TO_2_930)


def test_a_file_becomes_a_version():
    """Protects the upgrade: segments may be repeated and lost, the version changes when all are there."""
    _, client, _, _ = area(3, upgrade_seconds=30.0)
    client.send_file(FileTarget.CCO_AND_STA, b"MW\x03\x21" + bytes(5000), segment=512)
    assert client.version().version == "0102"
    client.listen(60.0)
    assert client.version().version == "0321"
    assert {one.version for one in client.chips()} == {"0321"}
    with pytest.raises(Refused, match="segment"):
        client.send_file(FileTarget.STA, bytes(9 << 20), segment=8000)
    assert client.ask(0x15, 1, asking.FileSegment(3, 1, 0, 5, 4, b"")).segment == asking.NO_SEGMENT


def test_a_jammed_node_takes_another_proxy():
    """Protects re-routing: within a few route periods a node leaves the proxy that it hardly hears."""
    network = NetworkSettings(loss=0.0, levels=3, near=0.5)
    module, client, _, _ = area(30, network=network)
    deep = next(node for node in module.network.nodes.values() if node.level == 3 and len(node.candidates) > 1)
    before = deep.proxy
    module.network.jam(deep.address, 0.9)
    client.listen(200.0)
    assert deep.proxy is not before
    assert deep.proxy_changes == 1
    assert deep.joined


def test_the_same_seed_gives_the_same_network():
    """Protects repeatable tests: topology, phases and the course of time depend on the seed alone."""
    first, second = (area(40, network=NetworkSettings(loss=0.1))[1].topology() for _ in range(2))
    assert first == second


@pytest.mark.parametrize(
    ("settings", "kind"),
    [({"levels": 16}, NetworkSettings), ({"loss": 2}, NetworkSettings), ({"address": "1"}, ModuleSettings),
     ({"outstanding": 0}, ModuleSettings), ({"meter_baud": 1}, ModuleSettings), ({"route_seconds": 0}, NetworkSettings)],
)  # fmt: skip
def test_settings_that_cannot_be(settings, kind):
    """Protects people from a network that never works."""
    with pytest.raises(LocalProtocolError):
        kind(**settings)


def test_the_southern_power_grid_is_not_answered():
    """Protects against the protocol that shares our shell and sum: it is not ours, and our next frame is answered."""
    _, client, line, _ = area()
    line.write(bytes.fromhex("680C00400301010300E83016"))
    assert line.read(line.now() + 2.0) == b""
    assert client.version().vendor == "MW"


# ---------------------------------------------------------------- what it asks of the concentrator


def led(count=3, **settings):
    """A module that leads, and a concentrator that answers what it asks; gives what was asked, too."""
    asked = []

    def answering(value, answer):
        asked.append(value)
        return answer

    serve = {
        (0x14, 1): lambda query: answering(query, asking.ReadOrder(*order(query.index), ())),
        (0x14, 2): lambda query: answering(query, commands.ClockTime("260102030405")),
        (0x14, 3): lambda query: answering(query, asking.Correction(CORRECTED)),
        (0x14, 4): lambda query: answering(query, asking.AreaValue(query.kind, query.item, b"\x02\x22")),
    }
    read = set()

    def order(index):
        if index in read:
            return 1, 0, b""
        read.add(index)
        return 2, settings.get("delayed", 0), REQUEST

    delayed = {name: value for name, value in settings.items() if name != "delayed"}
    module, _, line, meters = area(count, joined=False, **delayed)
    client = Module3762(line, serve=serve)
    return module, client, meters, asked


def test_the_concentrator_serves_a_module_that_leads():
    """Protects the client's side of reading led by the module: it says what to send, and hears every answer."""
    _, client, meters, asked = led(module_leads=True)
    client.listen(60.0)
    client.ask(0x12, 1)
    found = client.listen(120.0)
    assert [one.value.index for one in found if one.key == (0x06, 2)] == [1, 2, 3]
    assert {one.value.frame for one in found if one.key == (0x06, 2)} == {ANSWER}
    assert found[-1].value.change == StateChange.READING_DONE
    assert [query.index for query in asked] == [1, 1, 2, 2, 3, 3]
    assert all(meter.heard == [REQUEST] for meter in meters.values())


def test_a_frame_is_corrected_for_the_delay_of_the_link():
    """Protects orders that depend on when they arrive: the module asks for the frame anew, and sends that one."""
    _, client, meters, asked = led(module_leads=True, delayed=1)
    client.listen(60.0)
    client.ask(0x12, 1)
    client.listen(120.0)
    assert sum(isinstance(query, asking.CorrectionQuery) for query in asked) == 3
    assert all(meter.heard == [CORRECTED] for meter in meters.values())


def test_the_module_asks_for_time_and_for_values():
    """Protects the other two questions: the time at start, the concentrator's own voltage for its area."""
    module, client, _, _ = led(asks_time=True)
    client.listen(60.0)
    assert module.time == "260102030405"
    client.ask(0x05, 6, commands.Switch(1))
    found = client.listen(200.0)
    assert list(module.values) == [asking.AreaValue(1, bytes.fromhex("00010102"), b"\x02\x22")]
    assert found[-1].value.change == StateChange.AREA_IDENTIFIED


def test_who_does_not_serve_denies():
    """Protects a concentrator that leads itself: the module's questions are denied, and it goes on."""
    module, client, _, _ = area(2, asks_time=True, module_leads=True)
    client.ask(0x12, 1)
    client.listen(60.0)
    assert (module.time, module.leading.working) == ("", False)


def test_registration_with_device_types():
    """Protects the longer report of registrations."""
    _, client, _, _ = area(2, archived=False, device_reports=True)
    client.ask(0x11, 5, VALUES[0x11, 5])
    found = [one.value for one in client.listen(30.0) if one.key == (0x06, 4)]
    assert sorted(row.address for one in found for row in one.devices) == ["000000000001", "000000000002"]


# ---------------------------------------------------------------- other ways to a meter


@pytest.mark.parametrize(
    ("key", "value", "answer"),
    [((0x02, 1), forwarding.Forward(2, REQUEST), forwarding.Forward(2, ANSWER)),
     ((0x13, 2), forwarding.LongMonitorRequest(2, 0, (), REQUEST), forwarding.LongMonitorAnswer(1, 2, ANSWER))],
)  # fmt: skip
def test_frames_are_forwarded(key, value, answer):
    """Protects the two other services that carry a meter's frame."""
    module, _, line, _ = area(2, network=NetworkSettings(loss=0.0, hop_seconds=0.5, levels=1))
    line.write(
        Unit(
            up=False, begins=True, afn=key[0], number=key[1], value=value, sequence=3,
            source=module.address, destination="000000000001",
        ).octets()
    )  # fmt: skip
    (found,) = heard(line, 30.0)
    assert (found.key, found.value) == (key, answer)


@pytest.mark.parametrize("number", [3, 20])
def test_a_broadcast_reaches_every_meter(number):
    """Protects broadcasts: every meter in the network hears the frame, and what it says is not passed on."""
    _, client, _, meters = area(3)
    client.ask(0x05, number, VALUES[0x05, number])
    assert client.listen(10.0) == []
    assert all(meter.heard == [REQUEST] for meter in meters.values())


def test_a_meters_own_event_is_passed_on():
    """Protects meters that have something to report: their frame goes up as it is, once."""
    module, client, _, _ = area(1)
    module.reports.meter_event("000000000001", ANSWER)
    (found,) = client.listen(30.0)
    assert (found.key, found.value.kind, found.value.content) == ((0x06, 5), 1, ANSWER)
