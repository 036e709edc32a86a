"""One answered telephone at the far end: takes RTP in, hears what is asked, says what such a person says."""

from __future__ import annotations

import asyncio
import struct
from collections import deque
from typing import cast

import numpy as np

from benchmarks.campaign.sound import ANSWERS, LEAVE_A_MESSAGE, WORDS, Asks, asked_in
from benchmarks.campaign.world import Role
from telephony.g711 import decode_ulaw, encode_ulaw

FRAME = 160
"""Samples of 20 ms at 8 kHz."""
_SILENCE = bytes([0xFF]) * FRAME
_LOUD = 600.0
_LEAST_FRAMES = 8
_PAUSE_FRAMES = 13
"""A quarter of a second without sound: the line is over."""
_THINK_FRAMES = 8
_MACHINE_FRAMES = 25
_STAYS_FRAMES = 75
_SAID = {phrase: encode_ulaw(WORDS.audio(phrase)) for phrase in WORDS.phrases}
_HEADER = struct.Struct("!BBHII")


class Person(asyncio.DatagramProtocol):
    """Moves on by `tick`, every 20 ms. `heard` and `said` are what the far end can swear to."""

    def __init__(self, role: Role, peer: tuple[str, int]) -> None:
        self.heard: list[Asks] = []
        self.said: list[str] = []
        self.packets = 0
        """RTP packets that came."""
        self._answers = ANSWERS[role]
        self._role = role
        self._peer = peer
        self._transport: asyncio.DatagramTransport | None = None
        self._burst: list[bytes] = []
        self._quiet = 0
        self._ticks = 0
        self._voice: deque[bytes] = deque()
        if role is Role.VOICEMAIL:
            # A machine does not wait to be asked.
            self._say(LEAVE_A_MESSAGE, _MACHINE_FRAMES)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: object) -> None:
        if len(data) <= _HEADER.size or data[1] & 0x7F:
            return
        self.packets += 1
        pcm = decode_ulaw(data[_HEADER.size :])
        if np.abs(np.frombuffer(pcm, dtype="<i2")).mean() > _LOUD:
            self._burst.append(pcm)
            self._quiet = 0
            return
        self._quiet += 1
        if self._quiet == _PAUSE_FRAMES and self._burst:
            burst, self._burst = self._burst, []
            if len(burst) >= _LEAST_FRAMES:
                self._listen(asked_in(b"".join(burst)))

    def tick(self) -> None:
        """Sends the next 20 ms."""
        if self._transport is None or self._transport.is_closing():
            return
        payload = self._voice.popleft() if self._voice else _SILENCE
        header = _HEADER.pack(0x80, 0, self._ticks & 0xFFFF, self._ticks * FRAME & 0xFFFFFFFF, 0x5EED)
        self._transport.sendto(header + payload, self._peer)
        self._ticks += 1

    @property
    def wants_to_hang_up(self) -> bool:
        return self._role is Role.HANGS_UP and self._ticks > _STAYS_FRAMES

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def _listen(self, asks: Asks) -> None:
        self.heard.append(asks)
        answer = self._answers.get(asks)
        if answer is not None and not self._voice:
            self._say(answer, _THINK_FRAMES)

    def _say(self, phrase: str, after_frames: int) -> None:
        self.said.append(phrase)
        audio = _SAID[phrase]
        self._voice.extend([_SILENCE] * after_frames)
        self._voice.extend(audio[start : start + FRAME] for start in range(0, len(audio) - FRAME + 1, FRAME))
