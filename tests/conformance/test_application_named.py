"""Tests of the meter's application layer, named after the 20 cases of the DLMS conformance test plan for that layer.

RECONSTRUCTED. Only the names are known to us; procedure and expectation of each are ours, worked out from
DLMS UA 1000-2. Passing them certifies nothing. Every one has been seen to fail: `test_a_planted_fault_is_seen` plants
the fault that belongs to it.
"""

import hmac

import pytest

from meterwire.meter_model.faces.dlms import client as dlms_client
from meterwire.meter_model.faces.dlms import cosem_association
from meterwire.meter_model.faces.dlms import services as dlms_services
from meterwire.meter_model.faces.dlms import short_name_services as dlms_short_names
from meterwire.meter_model.faces.dlms.client import ClientDlms
from meterwire.meter_model.faces.dlms.cosem_association import Policy
from meterwire.meter_model.faces.dlms.face import FaceDlms
from meterwire.meter_model.meter import Meter
from meterwire.protocols.dlms.acse import (
    AuthenticationMechanism,
    AuthenticationValue,
    Rlre,
    Rlrq,
    context_name,
    mechanism_name,
)
from meterwire.protocols.dlms.apdu import ApduTag
from meterwire.protocols.dlms.enums import AcseServiceProviderDiagnostic as Provider
from meterwire.protocols.dlms.enums import AcseServiceUserDiagnostic as User
from meterwire.protocols.dlms.enums import DataAccessResult, InitiateError, ReleaseResponseReason
from meterwire.protocols.dlms.xdlms import short_names
from meterwire.protocols.dlms.xdlms.exceptions import ExceptionResponse
from meterwire.protocols.dlms.xdlms.get import GetResponseNormal, GetResponseWithDatablock
from meterwire.protocols.dlms.xdlms.initiate import ConfirmedServiceError, Conformance, InitiateResponse
from meterwire.protocols.wire.nodes import Variant
from tests.dlms_peer import CODEC, EVERYTHING, Peer

METER = Meter()
CURRENT, CLOCK = bytes((0, 0, 40, 0, 0, 255)), bytes((0, 0, 1, 0, 0, 255))
NONE = AuthenticationMechanism.NONE


def face():
    return FaceDlms(METER)


def public(**fields):
    peer = Peer(face(), client=16)
    return peer, peer.associate(**fields)


def initiated(aare):
    return CODEC.parse(aare.user_information).value


def refused(peer, aare, user=None, provider=None):
    """The AARE says no with this diagnostic, and nothing is served afterwards."""
    assert aare.result in (1, 2)
    assert (aare.diagnostic.user, aare.diagnostic.provider) == (user, provider)
    assert isinstance(peer.get(8, CLOCK, 2), ExceptionResponse)


# ---------------------------------------------------------------- the procedures


def appl_idle_n1():
    """Without an association: GET of the clock. Expected: no data, an exception or nothing."""
    assert isinstance(Peer(face(), client=16).get(8, CLOCK, 2), (ExceptionResponse, type(None)))


def appl_open_1():
    """AARQ without security, all services proposed. Expected: accepted, a part of what was proposed, version 6, LN."""
    _, aare = public(conformance=Conformance(get=1, set=1, read=1))
    assert (aare.result, aare.diagnostic.user, aare.context) == (0, User.NULL, context_name(1))
    response = initiated(aare)
    assert isinstance(response, InitiateResponse)
    assert (response.dlms_version, response.vaa_name) == (6, 7)
    assert response.conformance == Conformance(get=1, set=1)


def appl_open_2():
    """AARQ with the right password. Expected: accepted, and the object list can be read."""
    peer = Peer(face())
    assert peer.associate().result == 0
    assert isinstance(peer.get(15, CURRENT, 2), (GetResponseNormal, GetResponseWithDatablock))


def appl_open_3():
    """A second AARQ within an association, a wrong one. Expected: refused, and the first association is gone."""
    peer, aare = public()
    assert aare.result == 0
    refused(peer, peer.associate(mechanism=mechanism_name(1)), user=User.AUTHENTICATION_MECHANISM_NAME_NOT_RECOGNISED)


def appl_open_4():
    """AARQ with a protocol version that is not 1. Expected: the provider's diagnostic 2."""
    peer, aare = public(protocol_version=b"\x07\x00")
    refused(peer, aare, provider=Provider.NO_COMMON_ACSE_VERSION)


def appl_open_5():
    """AARQ with an application context nobody knows. Expected: diagnostic 2."""
    peer, aare = public(context=9)
    refused(peer, aare, user=User.APPLICATION_CONTEXT_NAME_NOT_SUPPORTED)


def appl_open_6():
    """AARQ with titles, qualifiers and invocation ids that nothing needs. Expected: accepted, they are passed over."""
    _, aare = public(calling_ap_invocation=b"\x01", called_ae_invocation=b"\x02", implementation=b"test")
    assert (aare.result, aare.diagnostic.user) == (0, User.NULL)


def appl_open_7():
    """AARQ with another mechanism than the client's. Expected: diagnostic 11."""
    peer = Peer(face())
    aare = peer.associate(mechanism=mechanism_name(3), authentication=AuthenticationValue(characters=b"12345678"))
    refused(peer, aare, user=User.AUTHENTICATION_MECHANISM_NAME_NOT_RECOGNISED)


def appl_open_9():
    """AARQ with a wrong password. Expected: diagnostic 13."""
    peer = Peer(face())
    aare = peer.associate(
        mechanism=mechanism_name(1),
        sender_requirements=b"\x07\x80",
        authentication=AuthenticationValue(characters=b"12345679"),
    )
    refused(peer, aare, user=User.AUTHENTICATION_FAILURE)


def appl_open_11():
    """AARQ that proposes DLMS version 5. Expected: initiate error 1."""
    peer, aare = public(version=5)
    refused(peer, aare, user=User.NO_REASON_GIVEN)
    assert initiated(aare) == ConfirmedServiceError(1, 6, InitiateError.DLMS_VERSION_TOO_LOW)


def appl_open_12():
    """AARQ that proposes no service the meter has. Expected: initiate error 2."""
    peer, aare = public(conformance=Conformance(delta_value_encoding=1))
    refused(peer, aare, user=User.NO_REASON_GIVEN)
    assert initiated(aare) == ConfirmedServiceError(1, 6, InitiateError.INCOMPATIBLE_CONFORMANCE)


def appl_open_13():
    """AARQ with a PDU size of 11. Expected: initiate error 3."""
    peer, aare = public(max_pdu=11)
    refused(peer, aare, user=User.NO_REASON_GIVEN)
    assert initiated(aare) == ConfirmedServiceError(1, 6, InitiateError.PDU_SIZE_TOO_SHORT)


def appl_open_14():
    """AARQ with a PDU size of 64, then GET of the object list. Expected: accepted, and no answer is longer."""
    peer, aare = public(max_pdu=64)
    assert aare.result == 0
    request = bytes.fromhex("C001C1000F0000280000FF0200")
    answer = peer.octets(request)
    assert len(answer) <= 64
    assert isinstance(CODEC.parse(answer).value, GetResponseWithDatablock)


def appl_data_ln_n1():
    """An APDU with a tag that is none. Expected: an exception, and the association goes on."""
    peer, _ = public()
    assert isinstance(CODEC.parse(peer.octets(b"\xaa\x00")).value, ExceptionResponse)
    assert isinstance(peer.get(8, CLOCK, 2), GetResponseNormal)


def appl_data_ln_n3():
    """GET in a form that does not exist. Expected: an exception, and the association goes on."""
    peer, _ = public()
    assert isinstance(CODEC.parse(peer.octets(bytes.fromhex("C004C1"))).value, ExceptionResponse)
    assert isinstance(peer.get(8, CLOCK, 2), GetResponseNormal)


def appl_data_ln_n4():
    """GET with list where lists were not agreed on. Expected: an exception."""
    peer, _ = public(conformance=Conformance(get=1))
    answer = peer.octets(bytes.fromhex("C003C101" + "00080000010000FF0200"))
    assert isinstance(CODEC.parse(answer).value, ExceptionResponse)


def _short():
    peer, aare = public(context=2)
    assert (aare.result, initiated(aare).vaa_name) == (0, 0xFA00 - 0x10000)
    return peer


def _read(peer, name):
    return peer.ask(ApduTag.READ_REQUEST, short_names.ReadRequest((short_names.VariableName(name),)))


def appl_data_sn_n1():
    """READ of a short name that means nothing. Expected: object undefined."""
    assert _read(_short(), 0x0003).results == (Variant(short_names.READ_ERROR, DataAccessResult.OBJECT_UNDEFINED),)


def appl_data_sn_n2():
    """READ in an association with logical names. Expected: an exception."""
    peer, _ = public()
    assert isinstance(_read(peer, 0xFA08), ExceptionResponse)


def appl_data_sn_n3():
    """GET in an association with short names. Expected: an exception; READ goes on."""
    peer = _short()
    assert isinstance(peer.get(8, CLOCK, 2), ExceptionResponse)
    assert _read(peer, 0xFA00).results[0].tag == short_names.READ_DATA


def appl_rel_p1():
    """RLRQ, then GET. Expected: RLRE with reason normal, and no data."""
    peer, _ = public()
    assert peer.ask(ApduTag.RLRQ, Rlrq(reason=0)) == Rlre(reason=ReleaseResponseReason.NORMAL)
    assert isinstance(peer.get(8, CLOCK, 2), ExceptionResponse)


# ---------------------------------------------------------------- the faults


def _serves_anybody(patch):
    def unassociated(self, octets):
        return bytes.fromhex("C401C10009060000010000FF")

    patch.setattr(ClientDlms, "_unassociated", unassociated)


def _agrees_to_more(patch):
    patch.setattr(cosem_association, "common", lambda offered, own: own)


def _takes_no_password(patch):
    patch.setattr(hmac, "compare_digest", lambda *pair: False)


def _takes_any_password(patch):
    patch.setattr(hmac, "compare_digest", lambda *pair: True)


def _keeps_the_first(patch):
    original = ClientDlms._associate

    def associate(self, aarq):
        kept = self.association
        answer = original(self, aarq)
        self.association = self.association or kept
        return answer

    patch.setattr(ClientDlms, "_associate", associate)


def _takes_any_version(patch):
    patch.setattr(cosem_association, "_version_1", lambda bits: True)


def _takes_any_context(patch):
    patch.setattr(cosem_association, "context_of", lambda name: cosem_association.ApplicationContext.LOGICAL_NAMES)


def _minds_invocation_ids(patch):
    original = ClientDlms._associate

    def associate(self, aarq):
        if aarq.calling_ap_invocation is not None:
            return self._malformed(bytes((ApduTag.AARQ,)))
        return original(self, aarq)

    patch.setattr(ClientDlms, "_associate", associate)


def _takes_any_mechanism(patch):
    patch.setattr(cosem_association, "_check_mechanism", lambda *anything: None)
    _takes_any_password(patch)


def _takes_any_dlms_version(patch):
    patch.setattr(cosem_association, "DLMS_VERSION", 0)


def _takes_any_size(patch):
    patch.setattr(cosem_association, "LEAST_PDU", 0)


def _minds_no_size(patch):
    patch.setattr(ClientDlms, "_room", lambda self: 0xFFFF)


def _falls_silent(patch):
    patch.setattr(ClientDlms, "_malformed", lambda self, tag: self.forget() or b"\x63\x00")


def _serves_what_was_not_agreed(patch):
    free = {kind: dlms_client.msgspec.structs.replace(one, needs=()) for kind, one in dlms_services.SERVICES.items()}
    patch.setattr(dlms_client, "SERVICES", free)


def _finds_everything(patch):
    original = dlms_short_names._place
    patch.setattr(dlms_short_names, "_place", lambda client, name: original(client, 0xFA00))


def _stays_associated(patch):
    patch.setattr(ClientDlms, "forget", lambda self: None)


NAMED = {
    "APPL_IDLE_N1": (appl_idle_n1, _serves_anybody),
    "APPL_OPEN_1": (appl_open_1, _agrees_to_more),
    "APPL_OPEN_2": (appl_open_2, _takes_no_password),
    "APPL_OPEN_3": (appl_open_3, _keeps_the_first),
    "APPL_OPEN_4": (appl_open_4, _takes_any_version),
    "APPL_OPEN_5": (appl_open_5, _takes_any_context),
    "APPL_OPEN_6": (appl_open_6, _minds_invocation_ids),
    "APPL_OPEN_7": (appl_open_7, _takes_any_mechanism),
    "APPL_OPEN_9": (appl_open_9, _takes_any_password),
    "APPL_OPEN_11": (appl_open_11, _takes_any_dlms_version),
    "APPL_OPEN_12": (appl_open_12, _agrees_to_more),
    "APPL_OPEN_13": (appl_open_13, _takes_any_size),
    "APPL_OPEN_14": (appl_open_14, _minds_no_size),
    "APPL_DATA_LN_N1": (appl_data_ln_n1, _falls_silent),
    "APPL_DATA_LN_N3": (appl_data_ln_n3, _falls_silent),
    "APPL_DATA_LN_N4": (appl_data_ln_n4, _serves_what_was_not_agreed),
    "APPL_DATA_SN_N1": (appl_data_sn_n1, _finds_everything),
    "APPL_DATA_SN_N2": (appl_data_sn_n2, _serves_what_was_not_agreed),
    "APPL_DATA_SN_N3": (appl_data_sn_n3, _serves_what_was_not_agreed),
    "APPL_REL_P1": (appl_rel_p1, _stays_associated),
}


def test_there_are_twenty():
    assert len(NAMED) == 20
    assert Policy(NONE) == face().allowed[16]
    assert EVERYTHING.get


@pytest.mark.parametrize("name", NAMED)
def test_application_layer(name):
    """The procedure of that name, against our meter."""
    NAMED[name][0]()


@pytest.mark.parametrize("name", NAMED)
def test_a_planted_fault_is_seen(name, monkeypatch):
    """With the fault in the meter the same procedure fails."""
    procedure, plant = NAMED[name]
    plant(monkeypatch)
    with pytest.raises(AssertionError):
        procedure()
