"""Measures understanding on a file of sentences: intents, hard cases, sentences that mean none of these, slots,
time."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from voicebot.understanding.engine import Understander
from voicebot.understanding.intents.calibration import expected_error, reliability
from voicebot.understanding.intents.catalogue import INTENTS
from voicebot.understanding.meaning import Answer, Context, Expecting, Meaning, Slot

_ROUGH = Decimal("0.2")  # an approximate sum is right within a fifth
_ALIASES = {"installments": "instalments", "terms": "instalments", "term": "instalments", "months": "instalments"}
_NOTHING_SAID = frozenset({"asr_noise", "silence"})


class SentenceFileError(ValueError):
    """A file that cannot be measured on: message says file, line, what is wrong and how to mend it."""


@dataclass(frozen=True)
class Sentence:
    """One sentence with what should be understood."""

    id: str
    text: str
    intents: tuple[str, ...] = ()
    """Empty for a sentence that means none of these."""
    slots: Mapping[str, Any] = field(default_factory=dict)
    expecting: Expecting = Expecting.NOTHING
    clock: datetime | None = None
    """Where it is said at another moment than the rest of the file: `reference_clock` beside the text."""
    answer: Answer | None = None
    """Yes, no or unsure, where an answer is measured; None where the words are no answer."""


@dataclass(frozen=True)
class Sentences:
    """A whole file."""

    clock: datetime
    single: tuple[Sentence, ...]
    hard: tuple[Sentence, ...]
    none: tuple[Sentence, ...]
    answers: tuple[Sentence, ...] = ()
    payday: int | None = None
    amount_due: Decimal | None = None

    def context(self, sentence: Sentence) -> Context:
        """The clock of the sentence, else of the file, and what the sentence says was asked."""
        return Context(sentence.clock or self.clock, sentence.expecting, self.payday, self.amount_due)


def read_sentences(path: Path) -> Sentences:
    """Reads a file like benchmarks/nlu/sentences.yaml. Raises SentenceFileError."""
    try:
        data = YAML(typ="safe").load(path.read_text(encoding="utf-8"))
    except MarkedYAMLError as problem:
        line = problem.problem_mark.line + 1 if problem.problem_mark else 1
        raise SentenceFileError(f"{path}:{line}: {problem.problem}; mend the YAML at this line") from problem
    except (OSError, UnicodeDecodeError, YAMLError) as problem:
        raise SentenceFileError(f"{path}:1: cannot be read ({problem}); give a YAML file in UTF-8") from problem
    if not isinstance(data, dict) or not isinstance(data.get("intents"), list):
        raise SentenceFileError(f"{path}:1: no list `intents:`; write intents with `id` and `examples`")
    single = []
    for intent in data["intents"]:
        name = _known(path, intent)
        for number, item in enumerate(intent.get("examples") or [], 1):
            single.append(_sentence(path, item, (name,), f"{name}-{number:02d}"))
    hard = [
        _sentence(path, item, tuple(item.get("expected_intents") or ()), f"hard-{number:02d}")
        for number, item in enumerate(data.get("hard_cases") or [], 1)
    ]
    none = [
        _sentence(path, item, (), f"none-{number:02d}")
        for number, item in enumerate(data.get("none_of_these") or [], 1)
    ]
    answers = [
        _sentence(path, item, (), f"answer-{number:02d}") for number, item in enumerate(data.get("answers") or [], 1)
    ]
    due = data.get("amount_due")
    return Sentences(
        _clock(path, data.get("reference_clock")),
        tuple(single),
        tuple(hard),
        tuple(none),
        tuple(answers),
        data.get("payday"),
        None if due is None else Decimal(str(due)),
    )


def _known(path: Path, intent: object) -> str:
    name = intent.get("id") if isinstance(intent, dict) else None
    if name not in INTENTS:
        raise SentenceFileError(
            f"{path}:{_line(path, str(name))}: unknown intent {name!r}; use an intent of the catalogue"
        )
    return str(name)


def _sentence(path: Path, item: object, intents: tuple[str, ...], fallback: str) -> Sentence:
    if isinstance(item, str):
        return Sentence(fallback, item, intents)
    if not isinstance(item, dict) or not isinstance(item.get("text"), str):
        raise SentenceFileError(
            f"{path}:{_line(path, fallback)}: {fallback}: no `text:`; write the sentence as `text: …`"
        )
    asked = str(item.get("expecting", "nothing"))
    try:
        expecting = Expecting(asked)
    except ValueError as problem:
        kinds = ", ".join(kind.value for kind in Expecting)
        raise SentenceFileError(f"{path}:{_line(path, asked)}: expecting {asked!r}; use one of {kinds}") from problem
    told = str(item.get("answer", "none"))
    try:
        answer = None if told == "none" else Answer(told)
    except ValueError as problem:
        raise SentenceFileError(
            f'{path}:{_line(path, told)}: answer {told!r}; use "yes", "no", unsure or none (yes and no in quotes)'
        ) from problem
    moment = item.get("reference_clock")
    return Sentence(
        str(item.get("id", fallback)),
        item["text"],
        intents,
        item.get("slots") or {},
        expecting,
        None if moment is None else _clock(path, moment),
        answer,
    )


def _line(path: Path, words: str) -> int:
    lines = path.read_text(encoding="utf-8").splitlines()
    return next((number for number, line in enumerate(lines, 1) if words in line), 1)


def _clock(path: Path, value: object) -> datetime:
    if isinstance(value, datetime):
        clock = value
    else:
        try:
            clock = datetime.fromisoformat(str(value or "2026-03-10T15:00:00+08:00"))
        except ValueError as problem:
            raise SentenceFileError(
                f"{path}:{_line(path, 'reference_clock')}: reference_clock {value!r} is no time; write "
                f"2026-03-10T15:00:00+08:00"
            ) from problem
    if clock.tzinfo is None:
        raise SentenceFileError(
            f"{path}:{_line(path, 'reference_clock')}: reference_clock needs an offset such as +08:00"
        )
    return clock


def measure_intents(
    engine: Understander, sentences: Sentences, progress: Iterable[int] | None = None
) -> dict[str, Any]:
    """Top-1, recall and precision by intent, hard cases, none-of-these, yes and no; keys of the evaluation contract.

    `top1` counts sentences whose first intent, the one that decides the response, is the expected one. An intent's
    recall
    counts sentences in which it is present at any place; its precision counts how often it was expected where it
    came first.
    """
    errors: list[dict[str, Any]] = []
    took: list[float] = []
    present: dict[str, list[int]] = {}
    first: dict[str, list[int]] = {}
    right = 0
    sure: list[tuple[float, bool]] = []
    for sentence, meaning in _understood(engine, sentences, sentences.single, took):
        expected, got = sentence.intents[0], [intent.id for intent in meaning.intents]
        top = got[0] if got else None
        right += top == expected
        present.setdefault(expected, []).append(expected in got)
        if top is not None:
            sure.append((meaning.intents[0].confidence, top == expected))
            first.setdefault(top, []).append(top == expected)
        if top != expected:
            errors.append({"id": sentence.id, "text": sentence.text, "expected": expected, "got": got})
    all_right = 0
    for sentence, meaning in _understood(engine, sentences, sentences.hard, took):
        got = [intent.id for intent in meaning.intents]
        found = set(sentence.intents) <= set(got)
        all_right += found
        if not found:
            errors.append({"id": sentence.id, "text": sentence.text, "expected": list(sentence.intents), "got": got})
    bins = reliability([confidence for confidence, _ in sure], [hit for _, hit in sure])
    rejected = 0
    for sentence, meaning in _understood(engine, sentences, sentences.none, took):
        got = [intent.id for intent in meaning.intents if intent.id not in _NOTHING_SAID]
        rejected += not got
        if got:
            errors.append({"id": sentence.id, "text": sentence.text, "expected": None, "got": got})
    answered = 0
    for sentence, meaning in _understood(engine, sentences, sentences.answers, took):
        answered += meaning.answer is sentence.answer
        if meaning.answer is not sentence.answer:
            told, read = _told(sentence.answer), _told(meaning.answer)
            errors.append({"id": sentence.id, "text": sentence.text, "expected": told, "got": [read]})
    return {
        "n": len(sentences.single),
        "top1": _share(right, len(sentences.single)),
        "hard_n": len(sentences.hard),
        "hard_all_labels": _share(all_right, len(sentences.hard)),
        "none_of_these": {"n": len(sentences.none), "rejected": rejected},
        "answers": {"n": len(sentences.answers), "right": answered},
        "per_intent": {
            intent: {
                "n": len(present[intent]),
                "recall": _share(sum(present[intent]), len(present[intent])),
                "precision": _share(sum(first.get(intent, [])), len(first.get(intent, []))),
            }
            for intent in INTENTS
            if intent in present
        },
        "calibration": {"expected_error": expected_error(bins), "reliability": [asdict(found) for found in bins]},
        "latency_ms": latency(took),
        "errors": errors,
    }


def measure_slots(engine: Understander, sentences: Sentences) -> dict[str, Any]:
    """How many sentences with slots have every expected value exact; the keys of the evaluation contract."""
    errors: list[dict[str, Any]] = []
    took: list[float] = []
    tally: dict[str, list[bool]] = {}
    exact = count = 0
    with_slots = [sentence for sentence in (*sentences.single, *sentences.hard) if sentence.slots]
    for sentence, meaning in _understood(engine, sentences, with_slots, took):
        rough = bool(sentence.slots.get("approx") or sentence.slots.get("approximate"))
        today = sentences.context(sentence).now.date()
        verdicts = {
            name: _matches(_held_in(name, value, meaning.slots, today), value, meaning.slots, rough=rough)
            for name, value in sentence.slots.items()
            if name not in ("approx", "approximate")
        }
        for name, verdict in verdicts.items():
            tally.setdefault(name, []).append(verdict)
        count += 1
        exact += all(verdicts.values())
        if not all(verdicts.values()):
            got = {name: _shown(slot) for name, slot in meaning.slots.items()}
            errors.append({"id": sentence.id, "text": sentence.text, "expected": _plain(sentence.slots), "got": got})
    return {
        "n": count,
        "exact": _share(exact, count),
        "per_slot": {
            name: {"n": len(found), "exact": _share(sum(found), len(found))} for name, found in sorted(tally.items())
        },
        "latency_ms": latency(took),
        "errors": errors,
    }


def latency(seconds: list[float]) -> dict[str, float]:
    """p50, p95 and p99 in milliseconds."""
    if not seconds:
        return {"p50": 0.0, "p95": 0.0, "p99": 0.0}
    ordered = sorted(seconds)
    return {
        f"p{percent}": round(ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))] * 1000, 3)
        for percent in (50, 95, 99)
    }


def _understood(
    engine: Understander, sentences: Sentences, chosen: Iterable[Sentence], took: list[float]
) -> Iterator[tuple[Sentence, Meaning]]:
    for sentence in chosen:
        context = sentences.context(sentence)
        if not took:
            engine.understand(sentence.text, context)
        begun = time.perf_counter()
        meaning = engine.understand(sentence.text, context)
        took.append(time.perf_counter() - begun)
        yield sentence, meaning


def _told(answer: Answer | None) -> str:
    return "no answer" if answer is None else answer.value


def _share(part: int, whole: int) -> float:
    return round(part / whole, 4) if whole else 0.0


def _held_in(name: str, expected: object, slots: Mapping[str, Slot], today: date) -> str:
    """The slot that holds an expected value: what is over is the `past_date`, though a file calls every day `date`."""
    try:
        over = name == "date" and "past_date" in slots and date.fromisoformat(str(expected)) <= today
    except ValueError:
        return name
    return "past_date" if over else name


def _matches(name: str, expected: object, slots: Mapping[str, Slot], *, rough: bool) -> bool:
    if name == "needs_clarification":
        return any(slot.needs_clarification for slot in slots.values()) == bool(expected)
    slot = slots.get(_ALIASES.get(name, name))
    if slot is None:
        return expected is None
    value = slot.value
    if isinstance(value, Decimal) or (isinstance(value, int) and not isinstance(value, bool)):
        try:
            wanted = Decimal(str(expected))
        except InvalidOperation:
            return False
        return abs(Decimal(value) - wanted) <= (abs(wanted) * _ROUGH if rough else 0)
    if isinstance(value, datetime):
        return _minutes(value.isoformat()) == _minutes(str(expected))
    return str(value) == str(expected)


def _minutes(stamp: str) -> str:
    return stamp.replace(" ", "T")[:16]


def _shown(slot: Slot) -> str | None:
    if slot.value is None:
        return None
    return slot.value.isoformat() if isinstance(slot.value, date) else str(slot.value)


def _plain(slots: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value if isinstance(value, (int, float, str, bool)) else str(value) for name, value in slots.items()}
