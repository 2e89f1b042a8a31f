"""Which dialect and layer is this? Of one message, and of every piece of a stream.

`recognise` puts the readings of one message in order of likelihood, `pieces` cuts a stream into frames, bare messages
and garbage, `Joiner` puts together what came in several frames, `Explanation` opens the layers inside and names what
they say, `plain` is a message for JSON.
"""

from meterwire.protocols.recognise.candidate import Candidate
from meterwire.protocols.recognise.explain import Explanation
from meterwire.protocols.recognise.joining import Joiner
from meterwire.protocols.recognise.keys import TitleKeys, keys_of
from meterwire.protocols.recognise.kinds import DIALECTS
from meterwire.protocols.recognise.scanning import Piece, pieces, recognise
from meterwire.protocols.recognise.showing import dissection, plain

__all__ = [
    "DIALECTS",
    "Candidate",
    "Explanation",
    "Joiner",
    "Piece",
    "TitleKeys",
    "dissection",
    "keys_of",
    "pieces",
    "plain",
    "recognise",
]
