"""A client that says what it is told to and reads what comes, APDU by APDU: for tests of the meter's services."""

from meterwire.protocols.dlms.acse import Aarq, AuthenticationValue, context_name, mechanism_name
from meterwire.protocols.dlms.apdu import APDU, ApduTag
from meterwire.protocols.dlms.wrapper import Wrapper
from meterwire.protocols.dlms.xdlms import get
from meterwire.protocols.dlms.xdlms.common import AttributeDescriptor, Invoke
from meterwire.protocols.dlms.xdlms.initiate import Conformance, InitiateRequest
from meterwire.protocols.wire.codec import codec
from meterwire.protocols.wire.nodes import Variant

WRAPPER, CODEC = codec(Wrapper), codec(APDU)
CONFIRMED = Invoke(priority=1, service_class=1, number=3)
EVERYTHING = Conformance.of(0x7FFFFF)
LOW = {
    "sender_requirements": b"\x07\x80",
    "mechanism": mechanism_name(1),
    "authentication": AuthenticationValue(characters=b"12345678"),
}


class Peer:
    """One client on a connection of its own."""

    def __init__(self, face, client=17, server=1):
        self.connection, self.client, self.server = face.connect(), client, server

    def many(self, apdu):
        """The APDUs that answer octets."""
        answers = self.connection.receive(WRAPPER.build(Wrapper(self.client, self.server, apdu)), 0.0)
        self.durable = [answer.durable for answer in answers]
        return [WRAPPER.parse(answer.octets).apdu for answer in answers]

    def octets(self, apdu):
        found = self.many(apdu)
        assert len(found) <= 1
        return found[0] if found else None

    def ask(self, tag, message):
        apdu = self.octets(CODEC.build(Variant(tag, message)))
        return None if apdu is None else CODEC.parse(apdu).value

    def associate(self, conformance=EVERYTHING, max_pdu=0xFFFF, version=6, context=1, **fields):
        """The AARE; of client 17 with its password unless told otherwise."""
        initiate = InitiateRequest(None, None, None, version, conformance, max_pdu)
        fields.setdefault("user_information", CODEC.build(Variant(ApduTag.INITIATE_REQUEST, initiate)))
        if self.client == 17 and "mechanism" not in fields:
            fields = LOW | fields
        return self.ask(ApduTag.AARQ, Aarq(context=context_name(context), **fields))

    def get(self, class_id, instance, attribute, selection=None):
        descriptor = AttributeDescriptor(class_id, instance, attribute)
        return self.ask(ApduTag.GET_REQUEST, get.GetRequestNormal(CONFIRMED, descriptor, selection))
