"""The ledger of the abuse cases of DLMS/COSEM: which test holds each of them, on each side that it names.

C is the client that parses, S the meter that receives. The cases that are missing here belong to other dialects.
"""

import ast
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DECODERS, LINKS, CONNECTIONS = "abuse/test_decoders.py", "abuse/test_links.py", "abuse/test_connections.py"
SERVICES, SECURITY, OTHER = "abuse/test_dlms_services.py", "abuse/test_dlms_security.py", "abuse/test_other_side.py"
CLIENT, BLOCKS = "protocols/dlms/test_client.py", "protocols/dlms/test_general_blocks.py"
IMAGES, HEARD = "meter_model/faces/test_dlms_image.py", "protocols/dlms/test_listen.py"

_IN_BOTH = {"S": (OTHER, "test_A_in_a_request"), "C": (OTHER, "test_A_in_an_answer")}
_JUNK = (LINKS, "test_junk_in_front_of_every_frame")
LEDGER = {
    **{f"A{number}": _IN_BOTH for number in (*range(1, 13), 14)},
    "A13": {"S": (DECODERS, "test_A13_an_aarq_that_is_none"), "C": (DECODERS, "test_A13_an_aare_that_is_none")},
    **{f"B{number}": {"S": _JUNK, "C": _JUNK} for number in (1, 2, 3, 5, 6, 7, 8)},
    "B4": {"S": (OTHER, "test_B4_an_unknown_control_octet_at_the_meter"), "C": (LINKS, "test_B4_a_disc_is_no_ua")},
    "B9": {"S": (LINKS, "test_B9_numbers_that_are_wrong_change_nothing")},
    "B10": {"S": (LINKS, "test_B10_parameters_beyond_reason")},
    "B11": {
        "S": (LINKS, "test_B11_segments_without_end"),
        "C": (OTHER, "test_B11_a_client_that_is_sent_segments_without_end"),
    },
    "B12": dict.fromkeys("SC", (LINKS, "test_B12_information_longer_than_agreed")),
    "B13": {"S": (LINKS, "test_B13_the_wrapper"), "C": (OTHER, "test_B13_a_client_and_strange_wrappers")},
    "B14": {"S": (CONNECTIONS, "test_B14_a_thousand_slow_connections")},
    "B15": {
        "S": (CONNECTIONS, "test_B15_a_client_that_is_gone_in_the_middle_of_an_apdu"),
        "C": (CONNECTIONS, "test_B15_a_meter_that_is_gone_in_the_middle_of_an_apdu"),
    },
    "B16": {
        "S": (LINKS, "test_B16_an_optical_port_at_the_wrong_speed"),
        "C": (OTHER, "test_B16_a_client_of_an_optical_port_that_hears_garbage"),
    },
    "B22": {"C": (LINKS, "test_B22_answers_of_others")},
    "C1": {"S": (SERVICES, "test_C1_nothing_before_an_association")},
    "C2": {"S": (SERVICES, "test_C2_associations_that_cannot_be")},
    "C3": {"S": (SERVICES, "test_C3_a_second_association_takes_the_place_of_the_first")},
    "C4": {"S": (SERVICES, "test_C4_selections_that_select_nothing")},
    "C5": {
        "S": (SERVICES, "test_C5_blocks_out_of_turn_set_nothing"),
        "C": (CLIENT, "test_C5_broken_transfers_end_as_errors"),
    },
    "C6": {
        "S": (SERVICES, "test_C6_windows_and_acknowledgements"),
        "C": (BLOCKS, "test_C6_endless_repetition_has_an_end"),
    },
    "C7": {"S": (SERVICES, "test_C7_lists_that_do_not_match_set_nothing")},
    "C8": {"S": (SERVICES, "test_C8_C17_values_that_are_none_change_nothing")},
    "C9": {"C": (SERVICES, "test_C9_answers_to_somebody_else_are_not_taken")},
    "C10": {"C": (SERVICES, "test_C10_blocks_that_never_parse")},
    "C11": {"C": (HEARD, "test_C11_a_flood_holds_no_more_than_one_push")},
    "C12": {"S": (IMAGES, "test_C12_what_is_not_verified_does_not_run")},
    "C13": {"C": (SERVICES, "test_C13_a_profile_that_announces_too_much")},
    "C17": {"S": (SERVICES, "test_C8_C17_values_that_are_none_change_nothing")},
    "D1": {
        "S": (SECURITY, "test_D1_server_refuses_a_replay"),
        "C": (SECURITY, "test_D1_client_refuses_a_replay"),
    },
    "D2": {
        "S": (SECURITY, "test_D2_server"),
        "C": (SECURITY, "test_D2_client_parses_nothing_that_does_not_verify"),
    },
    "D3": dict.fromkeys("SC", (SECURITY, "test_D3_tags_of_another_length")),
    "D4": {
        "S": (SECURITY, "test_D4_only_a_tag_that_verifies_moves_the_counter"),
        "C": (SECURITY, "test_D4_client"),
    },
    "D5": dict.fromkeys("SC", (SECURITY, "test_D5_the_end_of_the_counter_on_both_sides")),
    "D6": {
        "S": (SECURITY, "test_D6_server_takes_nothing_weaker"),
        "C": (SECURITY, "test_D6_client_takes_nothing_weaker"),
    },
    "D7": {"C": (SECURITY, "test_D7_no_weaker_mechanism")},
    "D8": dict.fromkeys("SC", (SECURITY, "test_D8_challenges_of_a_wrong_size")),
    "D9": {"S": (SECURITY, "test_D9_guessing_passwords_is_locked_out")},
    "D10": {"S": (SECURITY, "test_D10_the_broadcast_key_is_for_no_unicast_association")},
    "D11": {"S": (SECURITY, "test_D11_key_transfer")},
    "D12": {"S": (SECURITY, "test_D12_dedicated_keys"), "C": (OTHER, "test_D12_a_client_without_chance")},
    "D13": {"S": (SECURITY, "test_D13_titles_of_a_client"), "C": (SECURITY, "test_D13_titles_of_a_meter")},
    "D14": {"S": (SECURITY, "test_D14_the_policy_goes_upwards_through_strong_associations")},
    "D15": dict.fromkeys("SC", (SECURITY, "test_D15_compression_is_not_taken")),
    "D16": dict.fromkeys("SC", (SECURITY, "test_D16_signatures_and_points")),
    "D20": {"S": (SECURITY, "test_D20_secrets_are_not_read")},
}

SIDES = {
    "B": "A1 A2 A3 A4 A5 A6 A7 A8 A9 A10 A11 A12 A13 A14 B1 B2 B3 B4 B5 B6 B7 B8 B11 B12 B13 B15 B16 C5 C6 "
    "D1 D2 D3 D4 D5 D6 D8 D12 D13 D15 D16",
    "S": "B9 B10 B14 C1 C2 C3 C4 C7 C8 C12 C17 D9 D10 D11 D14 D20",
    "C": "B22 C9 C10 C11 C13 D7",
}
"""Which sides each case names, as the list has them; B is both. B17 to B21, C14 to C16 and D17 to D19 are of others."""
CASES = {case: role for role, cases in SIDES.items() for case in cases.split()}


@cache
def functions(path):
    """The tests of a file, with what they say of themselves."""
    tree = ast.parse((ROOT / path).read_text("utf-8"))
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return {node.name: ast.get_docstring(node) or "" for node in tree.body if isinstance(node, kinds)}


@pytest.mark.parametrize("case", CASES)
def test_a_case_is_held_on_every_side_it_names(case):
    """By a test that is there and bears its id in its name, its parameters or its words."""
    sides = {"B": {"C", "S"}}.get(CASES[case], set(CASES[case]))
    assert set(LEDGER[case]) == sides
    for path, name in LEDGER[case].values():
        said = functions(path)
        assert name in said
        parametrized = name.startswith("test_A_") or name == _JUNK[1]
        assert parametrized or f"{case}_" in f"{name}_"


def test_nothing_is_left_out():
    """62 of the 73 cases of the sections A to D concern DLMS/COSEM."""
    assert LEDGER.keys() == CASES.keys()
    assert len(CASES) == 62
