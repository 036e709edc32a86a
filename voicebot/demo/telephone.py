"""A telephone that speaks and listens, as a process of its own: real SIP and RTP, its own ears, its own voice.

    python -m voicebot.demo.telephone --config FILE

`voicebot.demo.script` says what the file holds and what the process prints.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import signal
import sys
import wave
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from telephony.carrier import CallLeg, CarrierUnavailable, DialFailed, DialRequest
from telephony.media import AudioReceived, MediaEnded
from telephony.sip_carrier import SipCarrier
from telephony.sip_trunk import SipSettings
from voicebot.call.ear import Attention, Ear, HeardTurn
from voicebot.call.settings import TurnTaking
from voicebot.call.timeline import Timeline
from voicebot.demo.person import Person
from voicebot.demo.script import Reply, TelephoneScript
from voicebot.speech.catalogue import CatalogueError
from voicebot.speech.engines import SpeechEngines
from voicebot.speech.protocols import SpeechRequest
from voicebot.speech.settings import SpeechSettings

RATE = 8000
FRAME_BYTES = 320
AHEAD_FRAMES = 3
TURNS = TurnTaking(end_seconds=0.9, end_seconds_short=0.9, end_seconds_long=0.9, pause_seconds=0.4)
"""A patient listener: the bot pauses between sentences, and its question comes last."""


def tell(event: str, **data: Any) -> None:
    """One line of JSON for whoever started this process."""
    sys.stdout.write(json.dumps({"event": event, **data}, ensure_ascii=False) + "\n")
    sys.stdout.flush()


class Telephone:
    """One telephone and one call."""

    def __init__(self, script: TelephoneScript) -> None:
        self._script = script
        self._person = Person(script.replies)
        # A listener knows what a bank's call is about: the recogniser is told the words this person waits for.
        expected = "，".join(phrase for reply in script.replies for phrase in reply.when)
        settings = SpeechSettings(pitch=script.pitch, context=f"{expected}。" if expected else "")
        if script.models is not None:
            settings = settings.model_copy(update={"model_directory": script.models})
        self._speech = SpeechEngines(settings)
        self._carrier = SipCarrier(
            SipSettings(host=script.host, port=script.port, rtp_ports=script.rtp_ports, user=script.number, max_calls=1)
        )
        self._over = asyncio.Event()
        self._heard = bytearray()
        self._said = bytearray()
        self._answered_at = 0.0
        self._speaking = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """One call from the first ring to its end."""
        await self._speech.recogniser("zh-CN")
        await self._speech.synthesiser("zh-CN")
        await self._speech.voice_activity()
        self._carrier.on_incoming(self._incoming)
        await self._carrier.start()
        tell("ready", port=self._script.port)
        if self._script.dials is not None:
            self._spawn(self._dial(self._script.dials))
        try:
            await asyncio.wait_for(self._over.wait(), self._script.longest_seconds)
        except TimeoutError:
            tell("error", message=f"no call ended within {self._script.longest_seconds:.0f} s")
        finally:
            await self._carrier.close()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            await self._speech.close()
            if self._script.save is not None:
                await asyncio.to_thread(self._keep, self._script.save)

    def stop(self) -> None:
        """Ends the call and the process."""
        self._over.set()

    def _spawn(self, work: Any) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # --- the call -----------------------------------------------------------------------------------------------------
    async def _dial(self, uri: str) -> None:
        try:
            leg = await self._carrier.dial(DialRequest(uri, caller_id=self._script.number))
        except DialFailed as failed:
            tell("error", message=f"{uri} did not answer: {failed}")
            self._over.set()
            return
        await self._talk(leg)

    async def _incoming(self, leg: CallLeg) -> None:
        tell("ringing", headers=dict(leg.headers), caller=leg.from_number)
        await asyncio.sleep(self._script.ring_seconds)
        try:
            await leg.answer()
        except DialFailed as failed:
            tell("ended", cause=failed.cause.value)
            self._over.set()
            return
        await self._talk(leg)

    async def _talk(self, leg: CallLeg) -> None:
        loop = asyncio.get_running_loop()
        self._answered_at = loop.time()
        tell("answered", headers=dict(leg.headers))
        ear = Ear(
            recogniser=await self._speech.recogniser("zh-CN"),
            voice_activity=(await self._speech.voice_activity()).open_call(),
            settings=TURNS,
            attention=Attention(),
            timeline=Timeline(leg.id, self._at, lambda: datetime.now(UTC)),
            language="zh-CN",
            sample_rate=RATE,
            on_turn=lambda heard: self._hear(leg, heard),
            speaker="line",
        )
        listening = asyncio.create_task(ear.listen())
        if self._script.greets:
            self._spawn(self._say(leg, self._script.greets))
        if self._script.stays_seconds is not None:
            loop.call_later(self._script.stays_seconds, lambda: self._spawn(leg.hang_up()))
        try:
            while True:
                event = await leg.media.receive()
                if isinstance(event, MediaEnded):
                    break
                if isinstance(event, AudioReceived):
                    ear.take(event.pcm, event.media_seconds)
                    self._place(self._heard, event.pcm, event.media_seconds)
            # What was said last is still being recognised when the line goes dead.
            for _ in range(100):
                if not ear.busy:
                    break
                ear.take(bytes(FRAME_BYTES), self._at())
                await asyncio.sleep(0.02)
        finally:
            listening.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await listening
        tell("ended", cause=(await leg.ended()).value)
        self._over.set()

    def _at(self) -> float:
        return asyncio.get_running_loop().time() - self._answered_at

    async def _hear(self, leg: CallLeg, heard: HeardTurn) -> None:
        text = heard.transcript.text.strip()
        tell("heard", text=text, at=round(heard.began, 2))
        reply = self._person.hear(text)
        if reply is not None:
            await self._reply(leg, reply)

    async def _reply(self, leg: CallLeg, reply: Reply) -> None:
        if reply.say:
            await self._say(leg, reply.say)
        if reply.press:
            await asyncio.sleep(0.3)
            await leg.media.send_dtmf(reply.press)
            tell("pressed", digits=reply.press, at=round(self._at(), 2))
        if reply.hang_up:
            await asyncio.sleep(0.5)
            await leg.hang_up()

    async def _say(self, leg: CallLeg, text: str) -> None:
        """Speaks at the pace of real time: as a person does, and as the port expects."""
        voice = await self._speech.synthesiser("zh-CN")
        async with self._speaking:
            tell("said", text=text, at=round(self._at(), 2))
            audio = bytearray()
            async for piece in voice.speak(SpeechRequest(text=text, rate=self._script.rate)):
                audio += piece
            self._place(self._said, bytes(audio), self._at())
            loop = asyncio.get_running_loop()
            began = loop.time()
            for number, start in enumerate(range(0, len(audio), FRAME_BYTES)):
                leg.media.send(bytes(audio[start : start + FRAME_BYTES]))
                due = began + (number - AHEAD_FRAMES) * 0.02
                await asyncio.sleep(max(0.0, due - loop.time()))

    # --- what is kept -------------------------------------------------------------------------------------------------
    @staticmethod
    def _place(track: bytearray, pcm: bytes, seconds: float) -> None:
        at = int(seconds * RATE) * 2
        if at > len(track):
            track += bytes(at - len(track))
        track += pcm

    def _keep(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        for name, track in (("heard", self._heard), ("said", self._said)):
            with wave.open(str(folder / f"{self._script.name}-{name}.wav"), "wb") as file:
                file.setnchannels(1)
                file.setsampwidth(2)
                file.setframerate(RATE)
                file.writeframes(bytes(track))


async def _run(script: TelephoneScript) -> None:
    telephone = Telephone(script)
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, telephone.stop)
    await telephone.run()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", type=Path, required=True, help="a TelephoneScript as JSON")
    path = parser.parse_args().config
    try:
        script = TelephoneScript.model_validate_json(path.read_text(encoding="utf-8"))
        asyncio.run(_run(script))
    except (OSError, ValidationError, CatalogueError, CarrierUnavailable) as error:
        tell("error", message=str(error))
        raise SystemExit(f"{path}: {error}") from None


if __name__ == "__main__":
    main()
