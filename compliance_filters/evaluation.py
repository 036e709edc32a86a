"""Measures the guard on a file of labelled sentences: what it stops, what it lets pass, how fast."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal, InvalidOperation
from enum import Enum
from pathlib import Path
from typing import Any, cast

from compliance_filters.guard import PhraseGuard
from compliance_filters.pack import PackError, read_located
from compliance_filters.verdict import CallState, Channel, Party, Speaker, Verdict

_ENUMS: Mapping[str, type[Enum]] = {"party": Party, "channel": Channel, "speaker": Speaker}
_BOOLS = (
    "identity_verified",
    "legal_action_authorised",
    "waiver_authorised",
    "visit_authorised",
    "co_borrower_on_file",
    "ptp_on_file",
    "creditor_name_reveals_collection",
)


class EvaluationError(ValueError):
    """A file that cannot be measured with: each problem names file, line, column and remedy."""


def state_from(facts: Mapping[str, Any], base: CallState | None = None) -> CallState:
    """A call state from the names and values of an evaluation file or of `--state`. Raises ValueError with a remedy."""
    changes: dict[str, Any] = {}
    for name, value in facts.items():
        if name in _ENUMS:
            try:
                changes[name] = _ENUMS[name](value)
            except ValueError as unknown:
                allowed = ", ".join(str(member.value) for member in _ENUMS[name])
                raise ValueError(f"{name} cannot be '{value}'; it is one of {allowed}") from unknown
        elif name in _BOOLS:
            if isinstance(value, str):
                if value.lower() not in {"true", "false"}:
                    raise ValueError(f"{name} cannot be '{value}'; write true or false")
                changes[name] = value.lower() == "true"
            else:
                changes[name] = bool(value)
        elif name == "ledger_amount":
            changes[name] = _decimal(name, value)
        elif name == "stated_amounts":
            items = value if isinstance(value, (list, tuple)) else str(value).split(",")
            changes[name] = tuple(_decimal(name, item) for item in items if str(item).strip())
        elif name == "jurisdiction":
            changes[name] = str(value)
        else:
            known = ", ".join([*_ENUMS, *_BOOLS, "ledger_amount", "stated_amounts", "jurisdiction"])
            raise ValueError(f"there is no fact named '{name}' in a call state; the facts are {known}")
    return replace(base or CallState(), **changes)


def _decimal(name: str, value: object) -> Decimal:
    try:
        return Decimal(str(value).strip())
    except InvalidOperation as wrong:
        raise ValueError(f"{name} cannot be '{value}'; write a number such as 1286.40") from wrong


@dataclass
class _Tally:
    n: int = 0
    right: int = 0


@dataclass
class Report:
    """Counts of one evaluation, with the keys of the evaluation contract."""

    plain: _Tally = field(default_factory=_Tally)
    evasive: _Tally = field(default_factory=_Tally)
    benign: _Tally = field(default_factory=_Tally)
    pairs: _Tally = field(default_factory=_Tally)
    mixed: _Tally = field(default_factory=_Tally)
    debtor_side: _Tally = field(default_factory=_Tally)
    per_category: dict[str, dict[str, dict[str, int]]] = field(default_factory=dict)
    per_variant: dict[str, dict[str, int]] = field(default_factory=dict)
    category_named: _Tally = field(default_factory=_Tally)
    seconds: list[float] = field(default_factory=list)
    errors: list[dict[str, str]] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """The object that `voicebot guard eval --json` prints."""
        return {
            "plain": {"n": self.plain.n, "blocked": self.plain.right},
            "evasive": {"n": self.evasive.n, "blocked": self.evasive.right},
            "benign": {"n": self.benign.n, "allowed": self.benign.right},
            "pairs": {"n": self.pairs.n, "both_right": self.pairs.right},
            "mixed": {"n": self.mixed.n, "right": self.mixed.right},
            "debtor_side": {"n": self.debtor_side.n, "silent": self.debtor_side.right},
            "per_category": self.per_category,
            "per_variant": self.per_variant,
            "category_named": {"n": self.category_named.n, "right": self.category_named.right},
            "latency_ms": {f"p{p}": round(_percentile(self.seconds, p) * 1000, 3) for p in (50, 95, 99)},
            "errors": self.errors,
        }


def _percentile(values: list[float], percent: int) -> float:
    if not values:
        return 0.0
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


def evaluate(
    path: Path, guard_for: Callable[[str], PhraseGuard], progress: Callable[[str], None] = lambda _: None
) -> Report:
    """Runs every sentence of a file through the guard. Raises EvaluationError for a file that cannot be used."""
    try:
        document = read_located(path)
    except PackError as broken:
        raise EvaluationError(str(broken)) from broken
    data = document.data
    if not isinstance(data, dict) or "categories" not in data:
        raise EvaluationError(
            f"{document.place(())}: there is no 'categories' key; see the format of the guard's test sets"
        )
    report = Report()
    run = _Run(document, guard_for, report)
    base = run.state((), data.get("base_context") or {}, CallState())
    for index, category in enumerate(data["categories"] or []):
        where: tuple[int | str, ...] = ("categories", index)
        run.need(where, category, "id")
        progress(str(category["id"]))
        state = run.state((*where, "default_context"), category.get("default_context") or {}, base)
        run.category(where, category, state)
    for index, pair in enumerate(data.get("context_pairs") or []):
        where = ("context_pairs", index)
        run.need(where, pair, "text", "cases")
        outcomes = []
        for number, case in enumerate(pair["cases"]):
            place = (*where, "cases", number)
            run.need(place, case, "expected")
            state = run.state((*place, "context"), case.get("context") or {}, base)
            outcomes.append(run.judge(pair, state, str(case["expected"]), (*place, "expected")))
        report.pairs.n += 1
        report.pairs.right += all(outcomes)
    for index, turn in enumerate(data.get("mixed_turns") or []):
        where = ("mixed_turns", index)
        run.need(where, turn, "text", "expected")
        state = run.state((*where, "context"), turn.get("context") or {}, base)
        report.mixed.n += 1
        report.mixed.right += run.judge(turn, state, str(turn["expected"]), where)
    for index, turn in enumerate(data.get("debtor_side_must_not_trigger") or []):
        run.need(("debtor_side_must_not_trigger", index), turn, "text")
        # What the caller says never reaches the guard, so only a turn of our own side could trigger it.
        speaker = str(turn.get("speaker", "debtor"))
        ours = speaker in {member.value for member in Speaker}
        report.debtor_side.n += 1
        report.debtor_side.right += not ours or guard_for(base.jurisdiction).check(str(turn["text"]), base).allowed
    return report


class _Run:
    def __init__(self, document: Any, guard_for: Callable[[str], PhraseGuard], report: Report) -> None:
        self._document = document
        self._guard_for = guard_for
        self._report = report

    def fail(self, where: tuple[int | str, ...], message: str) -> EvaluationError:
        return EvaluationError(f"{self._document.place(where)}: {message}")

    def need(self, where: tuple[int | str, ...], item: Any, *keys: str) -> None:
        if not isinstance(item, dict):
            raise self.fail(where, "this must be a mapping with keys " + ", ".join(keys))
        for key in keys:
            if key not in item:
                raise self.fail(where, f"the key '{key}' is missing; add it")

    def state(self, where: tuple[int | str, ...], facts: Any, base: CallState) -> CallState:
        if not isinstance(facts, dict):
            raise self.fail(where, "a context is a mapping of facts of the call state")
        try:
            return state_from(facts, base)
        except ValueError as wrong:
            raise self.fail(where, str(wrong)) from wrong

    def category(self, where: tuple[int | str, ...], category: dict[str, Any], state: CallState) -> None:
        counts = {k: {"n": 0, "right": 0} for k in ("plain", "evasive", "benign")}
        self._report.per_category[str(category["id"])] = counts
        kinds = (("positives", "plain"), ("evasive", "evasive"), ("benign", "benign"))
        for key, name in kinds:
            for number, item in enumerate(category.get(key) or []):
                place = (*where, key, number)
                self.need(place, item, "text")
                wanted = str(item.get("expected", "allow" if name == "benign" else "block"))
                here = self.state((*place, "context"), item.get("context") or {}, state)
                right = self.judge(
                    {"id": item.get("id", ""), "text": item["text"]}, here, wanted, place, str(category["id"])
                )
                tally = cast(_Tally, getattr(self._report, name))
                tally.n += 1
                tally.right += right
                counts[name]["n"] += 1
                counts[name]["right"] += right
                if name == "evasive" and "variant" in item:
                    per = self._report.per_variant.setdefault(str(item["variant"]), {"n": 0, "blocked": 0})
                    per["n"] += 1
                    per["blocked"] += right

    def judge(
        self, item: Mapping[str, Any], state: CallState, expected: str, where: tuple[int | str, ...], category: str = ""
    ) -> bool:
        """True when the sentence was stopped or let pass as expected; the category named is counted apart."""
        word, _, wanted = expected.partition(":")
        if word not in {"allow", "block"}:
            raise self.fail(where, f"'{expected}' is not an expectation; write allow, block or block:<category>")
        guard = self._guard_for(state.jurisdiction)
        verdict: Verdict = guard.check(str(item["text"]), state)
        # Timed warm and on the clock of this thread, so that other work on the machine is not counted.
        before = time.thread_time()
        guard.check(str(item["text"]), state)
        self._report.seconds.append(time.thread_time() - before)
        right = verdict.allowed == (word == "allow")
        named = wanted or category
        if word == "block" and named:
            self._report.category_named.n += 1
            self._report.category_named.right += any(f.category == named for f in verdict.findings)
        if not right:
            got = verdict.action.value if verdict.allowed else f"{verdict.action.value}:{verdict.category}"
            why = "; ".join(f"{f.category}: {f.why}" for f in verdict.findings)
            self._report.errors.append(
                {"id": str(item.get("id", "")), "text": str(item["text"]), "expected": expected, "got": got, "why": why}
            )
        return right
