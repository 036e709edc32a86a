"""Every line, with every value its facts may take, passes the phrase guard in every call state it can be said in."""

from collections.abc import Iterator
from decimal import Decimal
from functools import lru_cache

from compliance_filters.guard import PhraseGuard, load_guard
from compliance_filters.pack import PackError
from compliance_filters.verdict import CallState, Channel, Party, Verdict
from voicebot.dialog.checks.subject import BY_MACHINE, Subject
from voicebot.dialog.checks.values import Sample, samples_of
from voicebot.dialog.library import Line
from voicebot.dialog.places import Finding, finding
from voicebot.dialog.wording import Reader, fill
from voicebot.dialog.worlds import World

RULE = "guard"

_CURRENCY = {"cn": "CNY", "us": "USD", "uk_eu": "GBP", "hk": "HKD", "tw": "TWD"}


def check(subject: Subject) -> Iterator[Finding]:
    try:
        guard = load_guard(subject.flow.policy)
    except PackError as error:
        yield finding(
            RULE,
            subject.flow.main.place,
            f"规则包 {subject.flow.policy} 读不了：{error}",
            f"the rule pack {subject.flow.policy} cannot be used: {error}",
            "先修好规则包。",
            "Mend the rule pack first.",
        )
        return
    judged: set[tuple[str, bool, str]] = set()
    for (name, world), (before, edge, item) in subject.first_spoken.items():
        kind = (name, world.right_party, world.party)
        if kind in judged:
            continue
        judged.add(kind)
        line = subject.library[name]
        for text, state in spoken_ways(subject, line, world):
            verdict = _judged(guard, text, state)
            if not verdict.allowed:
                first = verdict.findings[0]
                yield subject.shown(
                    before,
                    edge,
                    RULE,
                    item.place,
                    f"话术 {name} 过不了话术卫士：{first.category}（{first.why}）：{text}",
                    f"line {name} does not pass the guard: {first.category} ({first.why}): {text}",
                    f"改写 {line.place}，或让它只在允许的状态里说。",
                    f"Reword {line.place}, or say it only where it may be said.",
                )
                break
    yield from _said_anywhere(subject, guard)


def _said_anywhere(subject: Subject, guard: PhraseGuard) -> Iterator[Finding]:
    """What the machine says by itself must pass whoever is on the line."""
    lines = [subject.library[name] for name in sorted(BY_MACHINE) if name in subject.library]
    kinds = {(world.right_party, world.party): world for world in subject.exploration.worlds}
    for line in lines:
        for world in kinds.values():
            refused = next(
                (
                    (text, v)
                    for text, state in spoken_ways(subject, line, world)
                    if not (v := _judged(guard, text, state)).allowed
                ),
                None,
            )
            if refused is not None:
                text, verdict = refused
                first = verdict.findings[0]
                yield finding(
                    RULE,
                    line.place,
                    f"话术 {line.id} 随时会说，却过不了话术卫士：{first.category}（{first.why}）：{text}",
                    f"line {line.id} may be said at any time and does not pass the guard: {first.category} "
                    f"({first.why}): {text}",
                    "改写这句话。",
                    "Reword the line.",
                )
                break


@lru_cache(maxsize=50_000)
def _judged(guard: PhraseGuard, text: str, state: CallState) -> Verdict:
    """Flows share their parts: the same words in the same state are judged once."""
    return guard.check(text, state)


def spoken_ways(subject: Subject, line: Line, world: World) -> Iterator[tuple[str, CallState]]:
    """Every text of a line with its values, and the state of the call that the guard would judge it in."""
    for template in line.texts:
        for sample in samples_of(template, subject.library.language):
            reader = Reader(subject.library.language, _CURRENCY[subject.flow.policy], sample.today)
            yield fill(template, sample.value_of, reader), _state(subject, world, sample)


def _state(subject: Subject, world: World, sample: Sample) -> CallState:
    due = sample.values.get("debt.amount_due")
    ledger = due if isinstance(due, Decimal) else Decimal("2380") if world.right_party else None
    return CallState(
        party=Party(world.party),
        identity_verified=world.right_party,
        channel=Channel.VOICEMAIL if subject.flow.direction == "voicemail" else Channel.LIVE,
        ledger_amount=ledger if world.right_party else None,
        stated_amounts=sample.amounts,
        jurisdiction=subject.flow.policy,
    )
