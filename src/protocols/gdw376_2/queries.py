"""Data units of AFN 03H, query data, and of the commands of AFN 05H that set what is queried."""

from typing import Final

from meterwire.protocols.gdw376_2.codes import ADDRESS, Band, IdFormat
from meterwire.protocols.wire.declare import bits, field, message, part
from meterwire.protocols.wire.nodes import U8, U16L, Bcd, Enum, Many, Octets, Ref, Text

BITMAP_OCTETS: Final = 32


@message(cite="Q/GDW 10376.2-2019, AFN 03H F1 and F10")
class Version:
    """Vendor code and version of a module; the order of the letters is as they come (uncertain)."""

    vendor: str | bytes = field(Text(2), "vendor code")
    chip: str | bytes = field(Text(2), "chip code")
    day: str = field(Bcd(1), "day of the version")
    month: str = field(Bcd(1), "month of the version")
    year: str = field(Bcd(1), "year of the version")
    version: str = field(Bcd(2), "version")


@bits(U8)
class NoiseStrength:
    """Strength of the noise."""

    reserved: int = part(4, "D7 to D4: reserved")
    strength: int = part(4, "D3 to D0: strength, 0 to 15")


@message(cite="Q/GDW 10376.2-2019, AFN 03H F2, uplink")
class Noise:
    """How noisy the line is."""

    noise: NoiseStrength = field(NoiseStrength, "strength of the noise")


@message(cite="Q/GDW 10376.2-2019, AFN 03H F3, downlink")
class HeardPage:
    """Which of the nodes heard are wanted."""

    start: int = field(U8, "first node, from 1")
    count: int = field(U8, "how many, 16 at most")


@bits(U8)
class RelayQuality:
    """Relay level and quality of a node heard."""

    quality: int = part(4, "D7 to D4: signal quality, 1 worst")
    relays: int = part(4, "D3 to D0: relay level")


@bits(U8)
class HeardCount:
    """How often a node was heard."""

    reserved: int = part(3, "D7 to D5: reserved")
    count: int = part(5, "D4 to D0: how often")


@message(cite="Q/GDW 10376.2-2019, AFN 03H F3, uplink")
class HeardNode:
    """One node heard."""

    address: str = field(ADDRESS, "address")
    signal: RelayQuality = field(RelayQuality, "relay level and quality")
    heard: HeardCount = field(HeardCount, "how often it was heard")


@message(cite="Q/GDW 10376.2-2019, AFN 03H F3, uplink")
class HeardNodes:
    """Nodes that were heard."""

    total: int = field(U8, "all nodes heard")
    nodes: tuple[HeardNode, ...] = field(Many(U8, HeardNode), "nodes of this answer")


@message(cite="Q/GDW 10376.2-2019, AFN 03H F4, AFN 05H F1")
class PrimaryAddress:
    """Address of the primary node, the module itself."""

    address: str = field(ADDRESS, "address of the primary node")


@bits(U16L)
class Rate:
    """A rate of the channel."""

    kilo: int = part(1, "D15: 0 bit/s, 1 kbit/s")
    rate: int = part(15, "D14 to D0: rate, 0 default")


@bits(U16L)
class LocalState:
    """State of the local module."""

    reserved: int = part(4, "D15 to D12: reserved")
    channels: int = part(4, "D11 to D8: number of channels")
    reading: int = part(2, "D7 to D6: reading mode, 1 led by the concentrator, 2 by the module, 3 either")
    feature: int = part(2, "D5 to D4: channel feature of the primary node")
    rates: int = part(4, "D3 to D0: number of rates")


@message(cite="Q/GDW 10376.2-2019, AFN 03H F5, uplink")
class StateAndRates:
    """State of the local module and the rates it knows."""

    state: LocalState = field(LocalState, "state")
    rates: tuple[Rate, ...] = field(Many(Ref("state.rates"), Rate), "rates")


@message(cite="Q/GDW 10376.2-2019, AFN 03H F6, downlink")
class InterferenceQuery:
    """For how long interference is looked for."""

    minutes: int = field(U8, "duration, minutes")


@message(cite="Q/GDW 10376.2-2019, AFN 03H F6, uplink")
class Interference:
    """Whether there is interference."""

    interference: int = field(U8, "0 none, 1 some")


@message(cite="Q/GDW 10376.2-2019, AFN 03H F7, AFN 05H F4")
class MonitorTimeout:
    """How long the module waits for a secondary node."""

    seconds: int = field(U8, "longest time, seconds")


@message(cite="Q/GDW 10376.2-2019, AFN 03H F8, AFN 05H F5")
class Radio:
    """Parameters of the radio channel."""

    group: int = field(U8, "channel group")
    power: int = field(U8, "transmission power")


@bits(U8)
class ModeWays:
    """First octet of the mode word."""

    reading: int = part(2, "D7 to D6: reading mode, 1 led by the concentrator, 2 by the module, 3 either")
    archive: int = part(1, "D5: 1 where the module needs the archive of nodes")
    routing: int = part(1, "D4: 1 where the module routes")
    channel: int = part(4, "D3 to D0: 1 narrowband, 2 broadband, 3 radio, 4 dual mode")


@bits(U8)
class ModeDelays:
    """Second octet of the mode word."""

    channel_mode: int = part(2, "D7 to D6: channel mode")
    broadcast_confirm: int = part(1, "D5: broadcast confirmed 0 after it was executed, 1 before")
    concentrator_switches: int = part(1, "D4: the concentrator tells to go on after a failed node")
    module_switches: int = part(1, "D3: the module goes on after a failed node by itself")
    broadcast_delay: int = part(1, "D2: a delay parameter for broadcasts is supported")
    monitor_delay: int = part(1, "D1: a delay parameter for monitoring is supported")
    read_delay: int = part(1, "D0: a delay parameter for reading by route is supported")


@bits(U8)
class ModeChannels:
    """Third octet of the mode word; from the order of the table (uncertain)."""

    outage: int = part(3, "D7 to D5: power failure of phases A, B and C")
    channels: int = part(5, "D4 to D0: number of channels")


@bits(U8)
class ModeRates:
    """Fourth octet of the mode word."""

    reserved: int = part(4, "D7 to D4: reserved")
    rates: int = part(4, "D3 to D0: number of rates")


@message(cite="Q/GDW 10376.2-2019, AFN 03H F10, uplink")
class RunningMode:
    """What the module is and can do; also sent of its own accord when it starts."""

    ways: ModeWays = field(ModeWays, "channel, routing, archive and reading mode")
    delays: ModeDelays = field(ModeDelays, "delays, failed nodes and broadcasts")
    channels: ModeChannels = field(ModeChannels, "channels and phases without power")
    speeds: ModeRates = field(ModeRates, "number of rates")
    reserved: int = field(U16L, "reserved")
    monitor_timeout: int = field(U8, "longest time for monitoring a secondary node, seconds")
    broadcast_timeout: int = field(U16L, "longest time for a broadcast, seconds")
    frame_size: int = field(U16L, "longest frame, octets")
    packet_size: int = field(U16L, "longest packet of a file, octets")
    upgrade_wait: int = field(U8, "time to wait in an upgrade, minutes (unit uncertain)")
    address: str = field(ADDRESS, "address of the primary node")
    capacity: int = field(U16L, "most nodes")
    nodes: int = field(U16L, "nodes now")
    protocol_date: str = field(Bcd(3), "date of the protocol, YYMMDD")
    filing_date: str = field(Bcd(3), "date of the protocol's filing, YYMMDD")
    version: Version = field(Version, "vendor and version")
    rates: tuple[Rate, ...] = field(Many(Ref("speeds.rates"), Rate), "rates")


@message(cite="Q/GDW 10376.2-2019, AFN 03H F11, downlink")
class IndexQuery:
    """Of which application function the Fn are wanted."""

    function: int = field(U8, "application function (AFN)")


@message(cite="Q/GDW 10376.2-2019, AFN 03H F11, uplink")
class FunctionIndex:
    """Which Fn of an application function the module knows."""

    function: int = field(U8, "application function (AFN)")
    known: bytes = field(Octets(BITMAP_OCTETS), "bit n-1 for Fn, lowest bit of the first octet is F1")


@message(cite="Q/GDW 10376.2-2019, AFN 03H F12, uplink")
class ModuleIdentifier:
    """Identifier of the module itself."""

    vendor: str | bytes = field(Text(2), "vendor code")
    length: int = field(U8, "octets of the identifier")
    form: int = field(Enum(U8, IdFormat), "format of the identifier")
    identifier: bytes = field(Octets(Ref("length")), "identifier")


@message(cite="Q/GDW 10376.2-2019, AFN 03H F16, AFN 05H F16")
class FrequencyBand:
    """Band of the power-line network."""

    band: int = field(Enum(U8, Band), "band")


@message(cite="Q/GDW 10376.2-2024, AFN 03H F17, uplink")
class RadioBand:
    """Band of the radio in a dual-mode network."""

    modulation: int = field(U8, "modulation")
    channel: int = field(U8, "channel")
    negotiation: int = field(U8, "negotiation")


@message(cite="Q/GDW 10376.2-2024, AFN 03H F18, uplink")
class Encryption:
    """Encryption of the power-line network."""

    enabled: int = field(U8, "0 off, 1 on")
    mode: int = field(U8, "0 compatible, 1 forced")
    algorithm: int = field(U8, "0 SM, 1 CBC, 2 GCM")
    period: int = field(U16L, "life of a key, 10 s")


@message(cite="Q/GDW 10376.2-2019, AFN 03H F100, AFN 05H F100")
class FieldStrength:
    """Threshold of the field strength."""

    threshold: int = field(U8, "threshold, 50 to 120")
