"""Runs authors' conversation tests and says where a conversation first went another way."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from voicebot.dialog.author_tests import AuthorTest, ExpectModel, StepModel, meaning_of
from voicebot.dialog.conversation import Conversation, Exchange, Guard, Understand, transcript
from voicebot.dialog.coverage import Coverage
from voicebot.dialog.events import HandoffOutcome, RecordCallback, RecordPromise, RequestHandoff
from voicebot.dialog.facts import FactError, Facts
from voicebot.dialog.flow import Flow
from voicebot.dialog.library import Library, content_of, load_library
from voicebot.dialog.loader import flow_path, language_of, load_flow
from voicebot.dialog.machine import Machine
from voicebot.dialog.places import FlowError, Place
from voicebot.dialog.profile import Profile


@dataclass(frozen=True)
class Failure:
    """The first difference of one test."""

    test: str
    place: Place
    """Of the step that came out differently."""
    expected: str
    got: str
    transcript: tuple[str, ...]

    def text(self) -> str:
        told = "\n".join(f"    {line}" for line in self.transcript)
        return f"{self.place}: {self.test}\n  应为 / expected: {self.expected}\n  实为 / got:      {self.got}\n{told}"


@dataclass
class Result:
    """What came of a run."""

    passed: int = 0
    failures: list[Failure] = field(default_factory=list)
    coverage: Coverage = field(default_factory=Coverage)


class Bench:
    """Loads each flow once and runs tests on it."""

    def __init__(self, understand: Understand | None = None, guard: Guard | None = None) -> None:
        self._understand = understand
        self._guard = guard
        self._flows: dict[Path, tuple[Flow, Library]] = {}

    def run(self, tests: Iterable[AuthorTest]) -> Result:
        """Every test, one after another, deterministic."""
        result = Result()
        for test in tests:
            failure = self._one(test, result.coverage)
            if failure is None:
                result.passed += 1
            else:
                result.failures.append(failure)
        return result

    def flow(self, test: AuthorTest) -> tuple[Flow, Library]:
        beside = test.file.parent / f"{test.flow}.yaml"
        path = beside if beside.is_file() else flow_path(test.flow)
        if path not in self._flows:
            library = load_library(language_of(path), content_of(path))
            self._flows[path] = (load_flow(path, library), library)
        return self._flows[path]

    def _one(self, test: AuthorTest, coverage: Coverage) -> Failure | None:
        flow, library = self.flow(test)
        coverage.expect(flow, library)
        try:
            facts = Facts.of(test.case)
            profile = Profile(test.elderly, test.dialect, test.register, seed=test.name)
            machine = Machine(flow, library, facts, profile=profile)
        except FactError as error:
            return Failure(test.name, test.place, "可用的案件 / a usable case", str(error), ())
        except FlowError as error:
            return Failure(test.name, test.place, "可用的案件 / a usable case", error.findings[0].message["zh"], ())
        talk = Conversation(machine, test.clock, self._understand, self._guard)
        coverage.add(talk.start())
        for step, place in test.steps:
            if talk.state.over:
                return _failure(
                    test, place, "通话还在继续 / the call goes on", f"已结束 {talk.state.disposition}", talk
                )
            if (moved := _do(talk, step)) is not None:
                coverage.add(moved)
            if (difference := next(_differences(step, talk), None)) is not None:
                return _failure(test, place, *difference, talk)
        if (difference := next(_differences(test.expect, talk), None)) is not None:
            return _failure(test, test.place, *difference, talk)
        for exchange in talk.exchanges:
            for say in exchange.said:
                for text in test.never:
                    if text == say.line or text in say.text:
                        return _failure(test, test.place, f"从不说 / never: {text}", say.text, talk)
            for say, verdict in exchange.verdicts:
                if not verdict.allowed:
                    return _failure(
                        test, test.place, "话术卫士放行 / the guard allows", f"{say.text}: {verdict.category}", talk
                    )
        return None


def _do(talk: Conversation, step: StepModel) -> Exchange | None:
    if step.hangs_up:
        return talk.hangs_up()
    if step.silent:
        return talk.stays_silent()
    if step.timer is not None:
        return talk.waits_for(step.timer)
    if step.agent is not None:
        return talk.agent(HandoffOutcome(step.agent))
    if step.presses is not None:
        return talk.presses(step.presses)
    if step.caller is not None:
        return talk.says(step.caller, meaning_of(step, talk.now), confident=not step.unsure, over=step.over)
    return None


def _failure(test: AuthorTest, place: Place, expected: str, got: str, talk: Conversation) -> Failure:
    return Failure(test.name, place, expected, got, tuple(transcript(talk.exchanges)))


def _differences(expect: ExpectModel, talk: Conversation) -> Iterator[tuple[str, str]]:
    """What was expected and what came, for each key that is not met."""
    state = talk.state
    if expect.bot is not None and not _same_lines(expect.bot, talk.last):
        yield f"bot: {expect.bot}", str([say.line for say in talk.last.said])
    if expect.state is not None and not _same_state(expect.state, state.where):
        yield f"state: {expect.state}", state.where
    for name, value in (expect.slots or {}).items():
        kept = state.slots.get(name)
        if kept is None or not same(value, kept.value):
            yield f"slots.{name}: {value}", str(kept.value if kept else None)
    if expect.promise is not None:
        yield from _promise(expect.promise, talk)
    if expect.callback is not None:
        times = [action.at for action in _actions(talk) if isinstance(action, RecordCallback)]
        if not any(same(expect.callback, at) for at in times):
            yield f"callback: {expect.callback}", str([at.isoformat() for at in times])
    if expect.handoff is not None:
        asked = [action.because for action in _actions(talk) if isinstance(action, RequestHandoff)]
        if expect.handoff not in asked:
            yield f"handoff: {expect.handoff}", str(asked)
    lacking = [flag for flag in expect.flags or () if flag not in state.flags]
    if lacking:
        yield f"flags: {lacking}", str(list(state.flags))
    if expect.right_party is not None and expect.right_party is not state.right_party:
        yield f"right_party: {expect.right_party}", str(state.right_party)
    if expect.disposition is not None and expect.disposition != state.disposition:
        yield f"disposition: {expect.disposition}", str(state.disposition)


def _actions(talk: Conversation) -> Iterator[object]:
    for exchange in talk.exchanges:
        yield from exchange.decision.actions


def _promise(wanted: Mapping[Any, Any], talk: Conversation) -> Iterator[tuple[str, str]]:
    made = [action for action in _actions(talk) if isinstance(action, RecordPromise)]
    if not made:
        yield f"promise: {dict(wanted)}", "没有承诺 / none"
        return
    last = made[-1]
    for name, value in {"amount": last.amount, "date": last.on, "partial": last.partial}.items():
        if name in wanted and not same(wanted[name], value):
            yield f"promise.{name}: {wanted[name]}", str(value)


def _same_lines(wanted: list[str], exchange: Exchange) -> bool:
    said = exchange.said
    return len(wanted) == len(said) and all(
        text == say.line or text in say.text for text, say in zip(wanted, said, strict=True)
    )


def _same_state(wanted: str, where: str) -> bool:
    return (
        where == wanted
        or where.rsplit("/", maxsplit=1)[-1] == wanted
        or where.rsplit("/", maxsplit=1)[-1].rsplit(".", maxsplit=1)[-1] == wanted
    )


def same(wanted: object, got: object) -> bool:
    """True when a value written in YAML is the value that came."""
    if isinstance(got, Decimal):
        try:
            return Decimal(str(wanted)) == got
        except InvalidOperation:
            return False
    if isinstance(got, datetime):
        moment = wanted if isinstance(wanted, datetime) else datetime.fromisoformat(str(wanted))
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=got.tzinfo)
        return abs(moment - got) < timedelta(seconds=1)
    if isinstance(got, date):
        return str(wanted) == got.isoformat()
    return str(wanted) == str(got) if not isinstance(got, bool) else wanted is got
