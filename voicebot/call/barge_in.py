"""When a caller who speaks over a line stops it: by what they say, and without fail when they go on."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from voicebot.call.backchannel import only_listening
from voicebot.call.ear import Utterance
from voicebot.call.settings import TurnTaking
from voicebot.dialog.events import Say
from voicebot.speech.protocols import Transcript

log = logging.getLogger(__name__)


_GONE_ON_SECONDS = 0.12
"""Speech since the look from which a caller has gone on: a syllable."""


class BargeIn:
    """Follows speech over the bot's lines.

    After `barge_in_seconds` of it, and again after each as much, the words so far are recognised. A sign of listening
    (嗯, 好的), and what has no words, lets the line go on; anything else stops it, words that may be misheard only when
    the caller has gone on speaking meanwhile. After `barge_in_seconds_sure` the line stops unless all so far was a sign
    of listening; after twice as long it stops whatever was said.
    """

    def __init__(
        self,
        *,
        settings: TurnTaking,
        line: Callable[[], Say | None],
        words: Callable[[Utterance], Awaitable[Transcript]],
        ask_again_below: float,
        stop: Callable[[Utterance, Say], Awaitable[None]],
    ) -> None:
        """`line` gives what is being said now, `words` what an utterance sounds like so far; `stop` ends the line.

        Words of less confidence than `ask_again_below` may be misheard.
        """
        self._settings = settings
        self._line = line
        self._words = words
        self._ask_again_below = ask_again_below
        self._stop = stop
        self._look: asyncio.Task[None] | None = None
        self._next_look = 0.0
        self._listening = False

    async def voiced(self, utterance: Utterance, seconds: float) -> None:
        """Takes the next `seconds` of speech of `utterance`."""
        say = self._line()
        if say is None:
            return
        if utterance.over_bot_seconds == 0.0:
            self._next_look = self._settings.barge_in_seconds
            self._listening = False
        utterance.over_bot_seconds += seconds
        if utterance.interrupted_line is not None or not say.interruptible:
            return
        spoken = utterance.over_bot_seconds + 1e-6
        if spoken >= self._settings.barge_in_seconds_sure * (2 if self._listening else 1):
            await self._take_floor(utterance, say)
        elif spoken >= self._next_look and (self._look is None or self._look.done()):
            self._next_look = spoken + self._settings.barge_in_seconds
            self._look = asyncio.create_task(self._look_at(utterance, say), name="words over the bot")

    async def close(self) -> None:
        """Ends what is still being looked at."""
        if self._look is not None:
            self._look.cancel()
            await asyncio.gather(self._look, return_exceptions=True)

    async def _look_at(self, utterance: Utterance, say: Say) -> None:
        spoken = utterance.over_bot_seconds
        try:
            heard = await self._words(utterance)
        except Exception:
            # Too busy or broken: who goes on speaking still stops the line.
            log.warning("words over a line could not be looked at", exc_info=True)
            return
        text = heard.text.strip()
        self._listening = bool(text) and only_listening(text)
        if self._listening or not text:
            return
        if heard.confidence < self._ask_again_below and utterance.over_bot_seconds < spoken + _GONE_ON_SECONDS:
            return
        if utterance.interrupted_line is None and self._line() is say:
            await self._take_floor(utterance, say)

    async def _take_floor(self, utterance: Utterance, say: Say) -> None:
        utterance.interrupted_line = say.line
        await self._stop(utterance, say)
