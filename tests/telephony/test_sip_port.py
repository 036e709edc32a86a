"""The audio of a SIP call against a line in memory: positions, marks, clearing, gaps, renegotiation."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest
from baresip import AudioNotActive, AudioRestarted

from telephony.media import AudioReceived, DtmfReceived, MarkReached, MediaEnded, MediaEvent
from telephony.sip_port import SipPort
from telephony.sip_sent import LineCount

FRAME = b"\1\0" * 160


@dataclass(frozen=True)
class Stats:
    tx_buffered: int
    tx_flushed_bytes: int
    tx_silence_frames: int
    tx_starved_frames: int


@dataclass
class MemoryLine:
    """Behaves as baresip was seen to: a flush is carried out on the next tick, with all that was written until then."""

    capacity: int = 32768
    arrived: bytearray = field(default_factory=bytearray)
    buffered: bytearray = field(default_factory=bytearray)
    packets: list[bytes] = field(default_factory=list)
    flushed: int = 0
    flush_asked: bool = False
    silent: int = 0
    starved: int = 0
    epoch: int = 1
    trouble: Exception | None = None

    def _check(self) -> None:
        trouble, self.trouble = self.trouble, None
        if isinstance(trouble, AudioRestarted):
            self.epoch += 1
        if trouble is not None:
            raise trouble

    def read(self, max_bytes: int) -> bytes:
        self._check()
        pcm = bytes(self.arrived[:max_bytes])
        del self.arrived[:max_bytes]
        return pcm

    def write(self, pcm: bytes) -> int:
        self._check()
        taken = min(len(pcm), self.capacity - len(self.buffered))
        self.buffered += pcm[:taken]
        return taken

    def flush_tx(self) -> None:
        self._check()
        self.flush_asked = True

    def frame_bytes(self) -> int:
        self._check()
        return 320

    def stats(self) -> Stats:
        self._check()
        return Stats(len(self.buffered), self.flushed, self.silent, self.starved)

    def transmit(self) -> None:
        """The stack's own 20 ms tick."""
        if self.flush_asked:
            self.flush_asked = False
            self.flushed += len(self.buffered)
            self.buffered.clear()
        if not self.buffered:
            self.silent += 1
            return
        packet = bytes(self.buffered[:320])
        self.starved += len(packet) < 320
        self.packets.append(packet)
        del self.buffered[:320]


class Rig:
    """A port, its line and a clock that moves by ticks."""

    def __init__(self) -> None:
        self.now = 100.0
        self.keys: list[str] = []
        self.held = 0
        self.line = MemoryLine()
        self.port = SipPort(self.line, self.press, lambda: self.now)

    async def press(self, digits: str) -> None:
        self.keys.append(digits)

    def tick(self, count: int = 1, *, hear: bytes = b"") -> None:
        for _ in range(count):
            self.now += 0.02
            self.line.arrived += hear
            self.line.transmit()
            self.port.tick()
            self.port.counting()
            self.port.sent(self.counted())

    def counted(self) -> LineCount:
        line = self.line
        packets = line.silent + len(line.packets) - self.held
        return LineCount(self.now, packets, line.epoch, len(line.buffered), line.flushed, line.silent, line.starved)

    def waiting(self) -> list[MediaEvent]:
        return list(self.port._events)

    async def events(self) -> list[MediaEvent]:
        self.port.mark("until here")
        self.tick(200)
        seen: list[MediaEvent] = []
        while (event := await self.port.receive()) != MarkReached("until here", True):
            seen.append(event)
        return seen


@pytest.fixture
async def rig() -> Rig:
    return Rig()


async def test_audio_comes_in_frames_with_its_media_time(rig: Rig) -> None:
    rig.tick(3, hear=FRAME)
    for number in range(3):
        event = await rig.port.receive()
        assert isinstance(event, AudioReceived)
        assert event.pcm == FRAME
        assert event.media_seconds == pytest.approx(number * 0.02)


async def test_packets_of_thirty_milliseconds_are_cut_to_twenty(rig: Rig) -> None:
    rig.tick(2, hear=FRAME + FRAME[:160])
    assert [len(event.pcm) for event in await rig.events() if isinstance(event, AudioReceived)] == [320] * 3


async def test_a_gap_moves_media_time_on_and_is_counted(rig: Rig) -> None:
    rig.tick(1, hear=FRAME)
    rig.tick(29)
    rig.tick(2, hear=FRAME)
    times = [event.media_seconds for event in await rig.events() if isinstance(event, AudioReceived)]
    assert times == pytest.approx([0.0, 0.6, 0.62])
    assert rig.port.gap_seconds == pytest.approx(0.58)


async def test_what_was_said_has_its_place_by_what_was_sent_however_late_one_looks(rig: Rig) -> None:
    rig.tick(10)
    rig.port.send(FRAME * 3)
    for _ in range(2):
        rig.now += 0.02
        rig.line.transmit()
    rig.now += 0.013
    playout = rig.port.playout()
    assert playout.played_seconds == pytest.approx(0.04)
    assert playout.line_seconds == pytest.approx(0.24)


async def test_what_the_stack_keeps_back_is_played_later(rig: Rig) -> None:
    rig.tick(10)
    rig.held = 2
    rig.tick(100)
    rig.port.send(FRAME)
    rig.tick(1)
    playout = rig.port.playout()
    assert playout.played_seconds == pytest.approx(0.02)
    assert playout.line_seconds == pytest.approx(111 * 0.02 + 0.04)


async def test_a_mark_waits_for_what_the_stack_keeps_back(rig: Rig) -> None:
    rig.held = 3
    rig.tick(50)
    rig.port.send(FRAME)
    rig.port.mark("line")
    rig.tick(3)
    assert not [event for event in rig.waiting() if isinstance(event, MarkReached)]
    rig.tick(1)
    assert [event for event in rig.waiting() if isinstance(event, MarkReached)] == [MarkReached("line", played=True)]


@pytest.mark.parametrize("overtaken", [None, {"starved_frames": 1}, {"epoch": 2}])
async def test_a_count_that_was_overtaken_is_passed_over(rig: Rig, overtaken: dict[str, int] | None) -> None:
    """It was made on another thread: what was written, ran dry or was renegotiated since does not go with it."""
    rig.tick(10)
    held = replace(rig.counted(), packets=rig.counted().packets - 5)
    rig.port.counting()
    rig.port.send(FRAME)
    rig.port.mark("line")
    if overtaken is not None:
        rig.port.counting()
        held = replace(held, buffered_bytes=len(FRAME), **overtaken)
    rig.port.sent(held)
    for _ in range(2):
        rig.now += 0.02
        rig.line.transmit()
        rig.port.tick()
    # Had it been believed, the mark would wait for five packets more.
    assert [event for event in rig.waiting() if isinstance(event, MarkReached)] == [MarkReached("line", played=True)]


@pytest.mark.parametrize("packets", [-12, 60])
async def test_keys_and_hold_change_nothing_of_when_words_were_played(rig: Rig, packets: int) -> None:
    """Keys are packets besides the audio; on hold audio is taken and not sent."""
    rig.tick(100)
    rig.held = packets
    rig.tick(100)
    rig.port.send(FRAME)
    rig.tick(1)
    assert rig.port.playout().line_seconds == pytest.approx(201 * 0.02)


async def test_a_frame_that_ran_dry_is_filled_up_on_the_line(rig: Rig) -> None:
    rig.tick(1)
    rig.port.send(FRAME + FRAME[:100])
    rig.tick(5)
    playout = rig.port.playout()
    assert playout.played_seconds == pytest.approx(0.02625)
    assert playout.line_seconds == pytest.approx(0.12)


async def test_a_late_burst_is_not_a_gap(rig: Rig) -> None:
    rig.tick(1, hear=FRAME)
    rig.tick(5)
    rig.tick(1, hear=FRAME * 6)
    times = [event.media_seconds for event in await rig.events() if isinstance(event, AudioReceived)]
    assert times == pytest.approx([number * 0.02 for number in range(7)])
    assert rig.port.gap_seconds == 0.0


async def test_a_mark_is_reached_when_its_audio_has_left_and_not_when_it_was_queued(rig: Rig) -> None:
    rig.port.send(FRAME * 5)
    rig.port.mark("a")
    rig.port.send(FRAME * 5)
    rig.port.mark("b")
    rig.tick(4)
    assert rig.port.played_seconds == pytest.approx(0.08)
    rig.tick(1)
    assert await rig.port.receive() == MarkReached("a", True)
    rig.tick(5)
    assert await rig.port.receive() == MarkReached("b", True)
    assert rig.line.packets == [FRAME] * 10


async def test_more_than_the_line_holds_is_kept_and_played_in_order(rig: Rig) -> None:
    pcm = b"".join(bytes([number % 256, 1]) * 160 for number in range(300))
    rig.port.send(pcm)
    rig.port.mark("all")
    rig.tick(300)
    assert b"".join(rig.line.packets) == pcm
    assert await rig.port.receive() == MarkReached("all", True)
    assert rig.port.played_seconds == pytest.approx(6.0)


async def test_clear_throws_away_what_was_not_played_and_nothing_after_it(rig: Rig) -> None:
    rig.port.send(FRAME * 10)
    rig.port.mark("a")
    rig.port.send(b"\2\0" * 160 * 200)
    rig.port.mark("b")
    rig.tick(12)
    rig.port.clear()
    rig.port.send(b"\3\0" * 160 * 2)
    rig.port.mark("c")
    rig.tick(6)
    assert [await rig.port.receive() for _ in range(3)] == [
        MarkReached("a", True),
        MarkReached("b", False),
        MarkReached("c", True),
    ]
    assert rig.line.packets == [FRAME] * 10 + [b"\2\0" * 160] * 2 + [b"\3\0" * 160] * 2
    assert rig.port.played_seconds == pytest.approx(14 * 0.02)


async def test_clearing_an_empty_line_does_not_eat_the_next_words(rig: Rig) -> None:
    rig.port.send(FRAME)
    rig.tick(2)
    rig.port.clear()
    rig.port.clear()
    rig.port.send(FRAME * 2)
    rig.tick(3)
    assert rig.line.packets == [FRAME] * 3


async def test_a_renegotiation_loses_what_was_buffered_and_says_so(rig: Rig) -> None:
    rig.port.send(FRAME * 20)
    rig.port.mark("before")
    rig.port.send(FRAME * 200)
    rig.port.mark("after")
    rig.tick(5)
    played = rig.port.played_seconds
    rig.line.buffered.clear()
    rig.line.flushed = 0
    rig.line.trouble = AudioRestarted("renegotiated")
    rig.tick(1)
    assert await rig.port.receive() == MarkReached("before", False)
    rig.tick(250)
    assert await rig.port.receive() == MarkReached("after", True)
    assert played < rig.port.played_seconds < 4.4


async def test_a_line_that_is_not_up_yet_takes_the_audio_later(rig: Rig) -> None:
    rig.line.trouble = AudioNotActive("not yet")
    rig.port.send(FRAME)
    rig.tick(2)
    assert rig.line.packets == [FRAME] or rig.line.buffered == FRAME


async def test_the_end_settles_marks_and_stays_the_end(rig: Rig) -> None:
    rig.port.send(FRAME * 5)
    rig.port.mark("a")
    rig.port.mark("b")
    rig.tick(2)
    rig.port.pressed("5")
    rig.port.end()
    rig.port.end()
    rig.port.send(FRAME)
    rig.port.mark("late")
    rig.port.clear()
    rig.port.pressed("6")
    await rig.port.send_dtmf("1")
    rig.tick(3)
    seen = [await rig.port.receive() for _ in range(6)]
    assert seen == [DtmfReceived("5"), MarkReached("a", False), MarkReached("b", False)] + [MediaEnded()] * 3
    assert rig.port.played_seconds == pytest.approx(0.04)
    assert rig.keys == []


async def test_keys_are_pressed_towards_the_far_end(rig: Rig) -> None:
    await rig.port.send_dtmf("12#")
    assert rig.keys == ["12#"]


async def test_nobody_listening_costs_old_audio_but_no_mark_and_no_key(rig: Rig) -> None:
    rig.port.pressed("1")
    rig.port.send(FRAME)
    rig.port.mark("a")
    rig.tick(1000, hear=FRAME)
    assert rig.port.dropped_frames > 400
    rig.port.end()
    kept: list[MediaEvent] = []
    while (event := await rig.port.receive()) != MediaEnded():
        kept.append(event)
    assert len(kept) <= 500
    assert DtmfReceived("1") in kept
    assert MarkReached("a", True) in kept
    last = [event for event in kept if isinstance(event, AudioReceived)][-1]
    assert last.media_seconds == pytest.approx(1000 * 0.02 - 0.02)
