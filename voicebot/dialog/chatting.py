"""A chat with a flow: what is typed goes to the machine, what it decides comes back, with why."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from voicebot.dialog.conversation import Conversation, Exchange, Guard, Understand
from voicebot.dialog.events import HandoffOutcome, Heard, Say
from voicebot.dialog.ground import slot_text
from voicebot.dialog.machine import Machine
from voicebot.dialog.reasons import told
from voicebot.dialog.saving import NotSaved, save_as_test

_COMMANDS = (
    "/key 12  /silence  /hangup  /agent accepted|no_answer  /over LINE WORDS",
    "/undo  /why  /slots  /save FILE  /quit",
)
HELP = {"zh": ("直接打字就是对方说的话", *_COMMANDS), "en": ("type what the caller says", *_COMMANDS)}


class Chat:
    """Holds the conversation and turns commands into what they do. Prints nothing: every answer is lines of text in the
    author's language."""

    def __init__(
        self,
        machine: Machine,
        now: datetime,
        understand: Understand,
        guard: Guard,
        case: Mapping[str, Any],
        locale: str = "zh",
    ) -> None:
        """`locale` is zh or en."""
        self._talk = Conversation(machine, now, understand, guard)
        self._case = case
        self._began = now
        self._locale = locale
        self.done = False
        self._commands: dict[str, Callable[[str], list[str]]] = {
            "key": lambda rest: self._shown(self._talk.presses(rest)),
            "silence": lambda _: self._shown(self._talk.stays_silent()),
            "hangup": lambda _: self._shown(self._talk.hangs_up()),
            "agent": self._agent,
            "over": self._over,
            "undo": lambda _: self._undo(),
            "why": lambda _: [self._why(self._talk.last)],
            "slots": lambda _: self._slots(),
            "save": self._save,
            "quit": lambda _: self._quit(),
            "help": lambda _: list(HELP[self._locale]),
        }

    def begin(self) -> list[str]:
        return [*HELP[self._locale], *self._shown(self._talk.start())]

    def hear(self, words: str) -> list[str]:
        """What follows from a line typed by the author."""
        words = words.strip()
        if not words:
            return []
        if words.startswith("/"):
            name, _, rest = words[1:].partition(" ")
            command = self._commands.get(name)
            if command is None:
                return [self._in(f"没有 /{name}", f"there is no /{name}"), *HELP[self._locale]]
            return command(rest.strip())
        if self._talk.state.over:
            return [self._in("通话已经结束，/undo 可以退一步", "the call is over; /undo takes a turn back")]
        return self._shown(self._talk.says(words))

    def _agent(self, rest: str) -> list[str]:
        try:
            outcome = HandoffOutcome(rest or "accepted")
        except ValueError:
            known = ", ".join(item.value for item in HandoffOutcome)
            return [self._in(f"可以是：{known}", f"one of: {known}")]
        return self._shown(self._talk.agent(outcome))

    def _over(self, rest: str) -> list[str]:
        line, _, words = rest.partition(" ")
        return self._shown(self._talk.says(words or "喂", over=line))

    def _undo(self) -> list[str]:
        if not self._talk.undo():
            return [self._in("已经在开头", "already at the start")]
        return self._shown(self._talk.last)

    def _slots(self) -> list[str]:
        state = self._talk.state
        kept = [f"{name} = {slot_text(item.value)}（{item.words}）" for name, item in state.slots.items()]
        return [*kept, f"right_party = {state.right_party}", f"flags = {', '.join(state.flags)}"]

    def _save(self, rest: str) -> list[str]:
        path = Path(rest or "saved.test.yaml")
        if not path.name.endswith(".test.yaml"):
            path = path.with_name(f"{path.name.removesuffix('.yaml')}.test.yaml")
        try:
            save_as_test(self._talk, self._began, self._case, path)
        except NotSaved as refused:
            return [refused.text(self._locale)]
        return [self._in(f"已存到：{path}", f"saved in: {path}")]

    def _quit(self) -> list[str]:
        self.done = True
        return []

    def _in(self, zh: str, en: str) -> str:
        return zh if self._locale == "zh" else en

    def _why(self, exchange: Exchange) -> str:
        return told(exchange.trace.why, self._locale)

    def _shown(self, exchange: Exchange) -> list[str]:
        lines: list[str] = []
        if isinstance(exchange.event, Heard):
            meaning = exchange.event.meaning
            scores = ", ".join(f"{score.id} {score.confidence:.2f}" for score in meaning.intents) or "—"
            slots = ", ".join(
                f"{name}={slot_text(s.value) if s.value is not None else '?'}" for name, s in meaning.slots.items()
            )
            answer = meaning.answer.value if meaning.answer else ""
            heard = f"{scores}  {answer}  {slots}  {meaning.sentiment.mood.value}".rstrip()
            lines.append(f"    {self._in('意图', 'intents')} {heard}")
        verdicts = {id(say): verdict for say, verdict in exchange.verdicts}
        for action in exchange.decision.actions:
            if isinstance(action, Say):
                verdict = verdicts.get(id(action))
                stopped = (
                    f"  ⚠ {self._in('卫士', 'guard')} {verdict.action.value}: {verdict.category}"
                    if verdict and not verdict.allowed
                    else ""
                )
                lines.append(f"{self._in('机器', 'bot')} > {action.text}{stopped}")
            elif type(action).__name__ not in ("Listen", "SetCallState"):
                lines.append(f"    {action}")
        lines.append(f"    [{exchange.state.where}] {self._why(exchange)}")
        if exchange.state.over:
            ended = exchange.state.disposition
            lines.append(self._in(f"（结束：{ended}）", f"(over: {ended})"))
        return lines
