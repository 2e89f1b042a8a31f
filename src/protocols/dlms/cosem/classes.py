"""Names of the COSEM interface classes, and of the attributes of those that meters use most (IEC 62056-6-2, 4).

Class identifiers agree between several open implementations; the attributes of classes are those of the versions that
meters use, and stand here for people to read: nothing is decoded by them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

CLASS_NAMES: Final[Mapping[int, str]] = {
    1: "Data",
    3: "Register",
    4: "Extended register",
    5: "Demand register",
    6: "Register activation",
    7: "Profile generic",
    8: "Clock",
    9: "Script table",
    10: "Schedule",
    11: "Special days table",
    12: "Association SN",
    15: "Association LN",
    17: "SAP assignment",
    18: "Image transfer",
    19: "IEC local port setup",
    20: "Activity calendar",
    21: "Register monitor",
    22: "Single action schedule",
    23: "IEC HDLC setup",
    24: "IEC twisted pair (1) setup",
    25: "M-Bus slave port setup",
    26: "Utility tables",
    27: "Modem configuration",
    28: "Auto answer",
    29: "Auto connect",
    30: "COSEM data protection",
    40: "Push setup",
    41: "TCP-UDP setup",
    42: "IPv4 setup",
    43: "MAC address setup",
    44: "PPP setup",
    45: "GPRS modem setup",
    46: "SMTP setup",
    47: "GSM diagnostic",
    48: "IPv6 setup",
    50: "S-FSK Phy&MAC setup",
    51: "S-FSK Active initiator",
    52: "S-FSK MAC synchronization timeouts",
    53: "S-FSK MAC counters",
    55: "IEC 61334-4-32 LLC setup",
    56: "S-FSK Reporting system list",
    57: "ISO/IEC 8802-2 LLC Type 1 setup",
    58: "ISO/IEC 8802-2 LLC Type 2 setup",
    59: "ISO/IEC 8802-2 LLC Type 3 setup",
    61: "Register table",
    62: "Compact data",
    63: "Status mapping",
    64: "Security setup",
    65: "Parameter monitor",
    66: "Measurement data monitoring",
    67: "Sensor manager",
    68: "Arbitrator",
    70: "Disconnect control",
    71: "Limiter",
    72: "M-Bus client",
    73: "Wireless Mode Q channel",
    74: "M-Bus master port setup",
    76: "DLMS/COSEM server M-Bus port setup",
    77: "M-Bus diagnostic",
    80: "61334-4-32 LLC SSCS setup",
    81: "PRIME NB OFDM PLC Physical layer counters",
    82: "PRIME NB OFDM PLC MAC setup",
    83: "PRIME NB OFDM PLC MAC functional parameters",
    84: "PRIME NB OFDM PLC MAC counters",
    85: "PRIME NB OFDM PLC MAC network administration data",
    86: "PRIME NB OFDM PLC Application identification",
    90: "G3-PLC MAC layer counters",
    91: "G3-PLC MAC setup",
    92: "G3-PLC 6LoWPAN adaptation layer setup",
    95: "Wi-SUN setup",
    96: "Wi-SUN diagnostic",
    97: "RPL diagnostic",
    98: "MPL diagnostic",
    100: "NTP setup",
    101: "ZigBee SAS startup",
    102: "ZigBee SAS join",
    103: "ZigBee SAS APS fragmentation",
    104: "ZigBee network control",
    105: "ZigBee tunnel setup",
    111: "Account",
    112: "Credit",
    113: "Charge",
    115: "Token gateway",
    116: "IEC 62055-41 attributes",
    122: "Function control",
    123: "Array manager",
    124: "Communication port protection",
    126: "SCHC-LPWAN setup",
    127: "SCHC-LPWAN diagnostic",
    128: "LoRaWAN setup",
    129: "LoRaWAN diagnostic",
    130: "ISO/IEC 14908 identification",
    131: "ISO/IEC 14908 protocol setup",
    132: "ISO/IEC 14908 protocol status",
    133: "ISO/IEC 14908 diagnostic",
    140: "HS-PLC ISO/IEC 12139-1 MAC setup",
    141: "HS-PLC ISO/IEC 12139-1 CPAS setup",
    142: "HS-PLC ISO/IEC 12139-1 IP SSAS setup",
    143: "HS-PLC ISO/IEC 12139-1 HDLC SSAS setup",
    151: "LTE monitoring",
    152: "CoAP setup",
    153: "CoAP diagnostic",
    160: "G3-PLC Hybrid RF MAC layer counters",
    161: "G3-PLC Hybrid RF MAC setup",
    162: "G3-PLC Hybrid 6LoWPAN adaptation layer setup",
    170: "Attestation",
}

_VALUE: Final = ("value",)
_REGISTER: Final = ("value", "scaler_unit")

ATTRIBUTE_NAMES: Final[Mapping[int, tuple[str, ...]]] = {
    1: _VALUE,
    3: _REGISTER,
    4: (*_REGISTER, "status", "capture_time"),
    5: (
        "current_average_value",
        "last_average_value",
        "scaler_unit",
        "status",
        "capture_time",
        "start_time_current",
        "period",
        "number_of_periods",
    ),
    7: (
        "buffer",
        "capture_objects",
        "capture_period",
        "sort_method",
        "sort_object",
        "entries_in_use",
        "profile_entries",
    ),
    8: (
        "time",
        "time_zone",
        "status",
        "daylight_savings_begin",
        "daylight_savings_end",
        "daylight_savings_deviation",
        "daylight_savings_enabled",
        "clock_base",
    ),
    15: (
        "object_list",
        "associated_partners_id",
        "application_context_name",
        "xdlms_context_info",
        "authentication_mechanism_name",
        "secret",
        "association_status",
        "security_setup_reference",
        "user_list",
        "current_user",
    ),
    17: ("sap_assignment_list",),
    64: (
        "security_policy",
        "security_suite",
        "client_system_title",
        "server_system_title",
        "certificates",
    ),
    70: ("output_state", "control_state", "control_mode"),
}
"""Attributes from 2 on, in order; attribute 1 is the logical name of every class."""


def class_name(class_id: int) -> str:
    """Name of an interface class, empty where it has none here."""
    return CLASS_NAMES.get(class_id, "")


def attribute_name(class_id: int, attribute: int) -> str:
    """Name of an attribute, empty where it has none here."""
    if attribute == 1:
        return "logical_name"
    names = ATTRIBUTE_NAMES.get(class_id, ())
    return names[attribute - 2] if 2 <= attribute < len(names) + 2 else ""
