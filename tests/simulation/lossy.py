"""A line in virtual time that loses, doubles and delays frames by a seed, for tests of long answers and of files."""

from __future__ import annotations

import heapq
import math
import random


class LossyLine:
    """A blocking line in virtual time; `fate` gives when the copies of a frame arrive."""

    def __init__(self, responder, fate):
        self.responder, self.fate = responder, fate
        self.time, self.order, self.under_way, self.frames = 0.0, 0, [], 0

    def now(self):
        return self.time

    def write(self, octets):
        self._send(octets, to_meter=True)

    def _send(self, octets, *, to_meter):
        if octets:
            self.frames += 1
            for late in self.fate():
                self.order += 1
                heapq.heappush(self.under_way, (self.time + late, self.order, to_meter, octets))

    def _speak(self, answers):
        for answer in answers:
            self._send(answer.octets, to_meter=False)

    def read(self, until):
        while True:
            arrival = self.under_way[0][0] if self.under_way else math.inf
            due = self.responder.next()
            if min(arrival, due) > until:
                self.time = max(self.time, until)
                return b""
            if due < arrival:
                self.time = max(self.time, due)
                self._speak(self.responder.run(self.time))
                continue
            self.time = max(self.time, arrival)
            _, _, to_meter, octets = heapq.heappop(self.under_way)
            if not to_meter:
                return octets
            self._speak(self.responder.receive(octets, self.time))

    def pause(self, until):
        self.time = until

    def close(self):
        pass


def lossy(seed, rate):
    """Fates of frames: each is lost, doubled, or late by seconds with that rate."""
    chance = random.Random(seed)

    def fate():
        if chance.random() < rate:
            return []
        copies = 2 if chance.random() < rate else 1
        return [chance.uniform(1.0, 8.0) if chance.random() < rate else 0.02 for _ in range(copies)]

    return fate
