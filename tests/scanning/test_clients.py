"""Scanning for clients: which of them a DLMS/COSEM server knows, over both links, and one that the public one is not."""

import meterwire
from meterwire.emulate import emulated
from meterwire.errors import NoAnswer, Refused
from meterwire.meter_model.device import Device
from meterwire.protocols.dlms.enums import AcseServiceUserDiagnostic as Why
from meterwire.scanning.clients import in_words, known_clients


class Heard:
    """A progress that nobody watches."""

    def __init__(self):
        self.asked = []

    def asking(self, what):
        self.asked.append(what)

    def say(self, text):
        pass


class Server:
    """A server of which each client gets the answer that stands here; silence for those that do not."""

    def __init__(self, answers):
        self.answers, self.released = answers, []

    def client(self, number):
        server = self

        class Client:
            def associate(self):
                answer = server.answers.get(number, NoAnswer("nothing came"))
                if answer is not None:
                    raise answer

            def release(self):
                server.released.append(number)

        return Client()


def test_clients_are_told_apart_by_their_diagnostics():
    """Who is let in, who must say who it is, who must cipher; strangers are not told."""
    why = {
        1: None,
        17: Refused(Why.AUTHENTICATION_MECHANISM_NAME_REQUIRED),
        18: Refused(Why.AUTHENTICATION_FAILURE),
        19: Refused(Why.APPLICATION_CONTEXT_NAME_NOT_SUPPORTED),
        20: Refused(Why.NO_REASON_GIVEN),
    }
    server = Server(why)
    found = known_clients(server.client, Heard(), [1, 17, 18, 19, 20])
    assert found == {"let in": [1], "want authentication": [17, 18], "want ciphering": [19]}
    assert in_words(found) == "; let in: 1; want authentication: 17, 18; want ciphering: 19"
    assert 1 in server.released


def test_a_server_that_ignores_strangers_is_not_asked_for_ever():
    heard = Heard()
    assert known_clients(Server({}).client, heard, range(100)) == {}
    assert len(heard.asked) == 3


def test_the_clients_of_a_meter_over_both_links():
    """As the emulated meter has them; of one address of HDLC, as the others are the same meter."""
    listen = ["dlms+tcp://127.0.0.1:0", "dlms-hdlc+tcp://127.0.0.1:0"]
    with emulated(Device.of_profile("three-phase"), listen) as served:
        (wrapped,) = meterwire.scan(served.url("dlms") + "?timeout=0.5")
        assert wrapped.note.endswith("want authentication: 1, 17, 18, 19, 20, 22, 23")
        first, *others = meterwire.scan(served.url("dlms-hdlc") + "?timeout=0.5")
        assert "MWR0000000000161; want authentication: 1, 17" in first.note
        assert others
        assert not any("want" in one.note for one in others)
        (only,) = meterwire.scan(served.url("dlms") + "?timeout=0.5&client=17&server=1")
        assert "says no to client 17" in only.note
