"""The phrase guard: may this sentence be said now, to this person?

It reads the text and the state of the call, and answers with a verdict that names category, rules, place and reason.
Layers: patterns over characters and sounds, a small model of meaning, the amounts named, and the facts of the call.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

from compliance_filters.amounts import amount_findings, names_true_amounts
from compliance_filters.excuses import Excuses
from compliance_filters.languages import language_of
from compliance_filters.lexicon import Lexicon
from compliance_filters.meaning import DISCLOSING, DISCLOSURE, MISCONDUCT, MeaningModel, Scores, sentences
from compliance_filters.normalise import Normal, Spelling, normalise
from compliance_filters.pack import PackError, RulePack, load_pack
from compliance_filters.patterns import Channel as FoundBy
from compliance_filters.patterns import Match, PatternError, Scan
from compliance_filters.template import TemplateError
from compliance_filters.trained_models import model_for
from compliance_filters.verdict import Action, CallState, Channel, Finding, Party, Speaker, Verdict

_GRAVITY = {action: rank for rank, action in enumerate(Action)}
_PRIVY = {Party.DEBTOR, Party.GUARANTOR, Party.REPRESENTATIVE}

# How strongly the meaning model must agree before a match counts, and how sure it must be alone.
_BELIEVED = {"phrase": 0.3, "heard": 0.4, "pattern": 0.48, "permissible": 0.38, "naming": 0.0, "weak": 0.55}
# Of a pattern that tells of the debt or the person: said before anybody is verified, it is hardly ever right.
_BELIEVED_DISCLOSING = 0.4
# A match whose category the model names too needs less of its agreement.
_SAME, _SUPPORT = 0.45, 0.36
# Alone, the model must be sure that it is misconduct and, less so, of which category: log odds, added up.
_AROUND = 4  # units before and after a phrase that are read with it
_NAMED_SHARE = 0.5
# Higher where a miss costs less or lawful talk lies near, lower where a miss is grave; chosen on the earlier test sets.
_ALONE: Mapping[str, float] = {
    "threat": -0.15,
    "insult": -0.50,
    "impersonation": -0.10,
    "misleading_legal": -0.35,
    "coerce_third_party": -0.05,
    "false_consequence": -0.20,
    "harassment_frequency": -0.15,
    "borrow_to_repay": -0.10,
    "contempt": -0.30,
    "sexual_discriminatory": -0.40,
    "unauthorised_waiver": 0.15,
    "human_deception": 0.10,
    "payment_diversion": -0.30,
    "debt_inflation": 0.10,
    "data_abuse": -0.10,
    "rights_obstruction": -0.20,
}
_ALONE_EXCUSED = 1.7
# What more is wanted of a sentence in which the speaker says that he does not do, know or decide it.
_RENOUNCED, _RENOUNCED_ALONE = 0.25, 0.8
_EXPLAINS, _BESIDES = 0.15, 0.5
# How likely a permitted category must be, and how unlikely another, for nothing to be read into a pattern of the other.
_PLAINLY, _UNLIKELY = 0.6, 0.2
_ALONE_DISCLOSING = 0.52


def privy(state: CallState) -> bool:
    """True when the person on the line may hear of the debt: a verified party to it, live, not a machine."""
    return state.identity_verified and state.party in _PRIVY and state.channel is Channel.LIVE


def disclosing_category(state: CallState) -> str:
    """Which of the two disclosure categories a revelation belongs to in this state."""
    return "third_party_disclosure" if state.party is Party.THIRD_PARTY else "pre_verification_leak"


class PhraseGuard:
    """Judges sentences by one rule pack. Safe to share between calls: it holds no state of a call."""

    def __init__(self, pack: RulePack, model: MeaningModel | None = None) -> None:
        """`model` stands in for the pack's own trained model. Raises PackError."""
        self.pack = pack
        words = pack.vocabulary
        self.spelling = Spelling(words.dialect, words.split)
        self.lexicon = Lexicon(words.concepts, words.plain_latin)
        problems: list[str] = []
        for saying in pack.sayings:
            sources = [
                *((p, "pattern") for p in saying.patterns),
                *((p, "permissible") for p in saying.permissible),
                *((p, "naming") for p in saying.revealing_names),
                *((p.replace(" ", ""), "phrase") for p in saying.phrases),
                *((p, "excuse") for p in saying.excused_by),
            ]
            for source, kind in sources:
                try:
                    self.lexicon.add(saying.category, source, kind)
                except (PatternError, TemplateError) as wrong:
                    problems.append(f"pack {pack.pack}, {saying.category}, {kind} '{source}': {wrong}")
        if problems:
            raise PackError(problems)
        self._excuses = Excuses(self.lexicon, words.excuses)
        self.lexicon.build()
        self.model: MeaningModel = model or model_for(pack, self)

    @property
    def hash(self) -> str:
        """SHA-256 of the rule pack."""
        return self.pack.hash

    def read(self, text: str) -> Scan:
        """The text in units, with every concept found in it."""
        return self.lexicon.scan(normalise(text, self.spelling))

    def check(self, text: str, state: CallState, *, complete: bool = True) -> Verdict:
        """Judges one utterance: a sentence or several. Never raises; what cannot be judged is not allowed.

        `complete` is False for the beginning of a sentence that is still being spoken: then only wording counts,
        because
        half a sentence means nothing yet.
        """
        if not text.strip():
            return Verdict(Action.ALLOW, (), self.hash)
        if state.jurisdiction != self.pack.pack:
            return self._closed(
                text, f"the call is under '{state.jurisdiction}', this guard judges by '{self.pack.pack}'"
            )
        language = language_of(text)
        if language not in self.pack.languages:
            return self._closed(
                text, f"language '{language}' is not among those of the pack ({', '.join(self.pack.languages)})"
            )
        scan = self.read(text)
        findings = self._findings(scan, state, complete)
        findings.extend(amount_findings(scan, self, state))
        findings = _merge(findings)
        action = max((f.action for f in findings), key=_GRAVITY.__getitem__, default=Action.ALLOW)
        return Verdict(action, tuple(findings), self.hash)

    def replacement(self, verdict: Verdict, language: str) -> str | None:
        """Approved wording to say instead of a stopped sentence; None when the sentence is to be left out in
        silence."""
        for finding in verdict.findings:
            rule = self.pack.categories.get(finding.category)
            if rule is None:
                continue
            for tag in (language, language.split("-", maxsplit=1)[0]):
                if tag in rule.replacement:
                    return rule.replacement[tag]
        return None

    def finding(self, category: str, scan: Scan, start: int, end: int, why: str) -> Finding:
        """A finding against units `start` to `end`, with the action and the rules of the pack."""
        rule = self.pack.categories[category]
        return Finding(category, rule.action, rule.rules, scan.normal.span(start, end), why)

    def _closed(self, text: str, why: str) -> Verdict:
        finding = Finding("unjudged", Action.REPLACE, ("GUARD-CLOSED",), (0, len(text)), why)
        return Verdict(Action.REPLACE, (finding,), self.hash)

    def applies(self, category: str, state: CallState) -> bool:
        """False when the state of the call makes a category moot."""
        if category in DISCLOSING:
            return not privy(state)
        if category == "human_deception":
            return state.speaker is Speaker.BOT
        return True

    def permitted(self, category: str, state: CallState) -> bool:
        """True when the case, or who is on the line, authorises the permissible part of a category."""
        if category == "coerce_third_party" and state.party is Party.GUARANTOR and state.identity_verified:
            return True
        needs = self.pack.categories[category].permitted_when
        return bool(needs) and all(getattr(state, name) is wanted for name, wanted in needs.items())

    def _findings(self, scan: Scan, state: CallState, complete: bool) -> list[Finding]:
        matches = self.lexicon.matches(scan)
        excuses = [m for m in matches if m.pattern.kind == "excuse"]
        found: list[Finding] = []
        for first, end in sentences(scan):
            scores = self.model.scores(scan, first, end)
            here = [m for m in matches if first <= m.start < end and m.pattern.kind not in {"excuse", "word"}]
            here = self._excuses.without_ordinary_words(here, scan)
            renounced = self._excuses.renounced(first, end, scan)
            asked_and_refuted = self._excuses.asked_and_refuted(end, scan)
            standing = [] if asked_and_refuted else [m for m in here if not self._excuses.hold(m, excuses, scan)]
            found.extend(self._by_pattern(standing, scores, scan, state, renounced))
            # A sentence whose every match is denied, quoted or advised against must mean it very clearly to be stopped.
            if complete:
                spoken_for = {e.pattern.label for e in excuses if first <= e.start < end}
                if asked_and_refuted or (here and not standing):
                    spoken_for.update(self.pack.categories)
                # The ledger knows better than any model whether a sum is true.
                moot = {"debt_inflation"} if names_true_amounts(scan, first, end, state) else set()
                wanted = {c: _ALONE_EXCUSED if c in spoken_for else _ALONE[c] for c in _ALONE}
                if renounced:
                    wanted = {c: strength + _RENOUNCED_ALONE for c, strength in wanted.items()}
                found.extend(self._by_meaning(first, end, scores, scan, state, wanted, moot))
        return found

    def _by_pattern(
        self, matches: list[Match], scores: Scores, scan: Scan, state: CallState, renounced: bool
    ) -> list[Finding]:
        found: list[Finding] = []
        named = dict(self.model.named(scores))
        first, likely = next(iter(named.items()), ("", 0.0))
        explained = first and likely >= _PLAINLY and self.permitted(first, state)
        # A co-borrower's or guarantor's duty is often put as "your wife must pay": the lawful reading explains
        # the other.
        lawful_duty = self.permitted("coerce_third_party", state) and (
            not self._names_relative(scan)
            or any(m.pattern.kind == "permissible" and m.pattern.label == "coerce_third_party" for m in matches)
        )
        for match in matches:
            kind, category = match.pattern.kind, match.pattern.label
            if not self.applies(category, state):
                continue
            if kind == "permissible" and self.permitted(category, state):
                continue
            if lawful_duty and category == "coerce_third_party":
                continue
            # What the case allows, in the words of another category: "you need only pay the principal" of a waiver.
            unlikely = category not in DISCLOSING and named.get(category, 1.0) < _UNLIKELY
            if explained and unlikely and kind in {"pattern", "permissible"}:
                continue
            if kind == "naming" and not state.creditor_name_reveals_collection:
                continue
            question = DISCLOSURE if category in DISCLOSING else MISCONDUCT
            believed = self.model.score(question, scores)
            if kind == "phrase" and believed < _BELIEVED["phrase"]:
                # Much lawful talk before it, without a full stop between, hides no swear word.
                near = self.model.scores(scan, max(0, match.start - _AROUND), match.end + _AROUND)
                believed = max(believed, self.model.score(question, near))
            wanted = _BELIEVED["weak" if match.pattern.weak else kind]
            if kind == "phrase" and all(span.channel is FoundBy.SOUND for span in match.spans):
                wanted = _BELIEVED["heard"]
            if kind == "pattern" and category in DISCLOSING:
                wanted = min(wanted, _BELIEVED_DISCLOSING)
            if renounced:
                wanted += _RENOUNCED
            elif named.get(category, 0.0) >= _SAME:
                wanted -= _SUPPORT
            if believed < wanted:
                continue
            shown = disclosing_category(state) if category in DISCLOSING else category
            heard = ", ".join(
                f"{scan.normal.original[slice(*scan.normal.span(s.start, s.end))]} ({s.channel.value})"
                for s in match.spans
            )
            why = f"{kind}: {heard}; meaning agrees at {believed:.2f}{_because(shown, state)}"
            found.append(self.finding(shown, scan, match.start, match.end, why))
        return found

    def _by_meaning(
        self,
        first: int,
        end: int,
        scores: Scores,
        scan: Scan,
        state: CallState,
        wanted: Mapping[str, float],
        moot: set[str],
    ) -> list[Finding]:
        found: list[Finding] = []
        disclosing = self.model.score(DISCLOSURE, scores)
        if not privy(state) and disclosing >= _ALONE_DISCLOSING:
            category = disclosing_category(state)
            why = f"meaning: it discloses the debt or the person ({disclosing:.2f}){_because(category, state)}"
            found.append(self.finding(category, scan, first, end, why))
        misconduct = self.model.score(MISCONDUCT, scores)
        named = self.model.named(scores)
        # What the case allows explains a sentence that reads like it; only what is likely too is read into it besides.
        if any(self.permitted(category, state) and likely >= _EXPLAINS for category, likely in named[:3]):
            named = [(c, likely) for c, likely in named if likely >= _BESIDES and not self.permitted(c, state)]
        for category, likely in named[:1]:
            if category in moot or not self.applies(category, state):
                break
            strength = _logit(misconduct) + _NAMED_SHARE * _logit(likely)
            if strength >= wanted[category]:
                why = f"meaning: misconduct ({misconduct:.2f}), most like {category} ({likely:.2f})"
                found.append(self.finding(category, scan, first, end, why))
        return found

    def _names_relative(self, scan: Scan) -> bool:
        """True when a relative is spoken of: a guarantor may be told of his own duty, never of his family's."""
        return self.lexicon.holds("relative", scan)


def _logit(probability: float) -> float:
    clipped = min(max(probability, 1e-4), 1 - 1e-4)
    return math.log(clipped / (1 - clipped))


def _because(category: str, state: CallState) -> str:
    if category in DISCLOSING:
        return (
            f"; party is {state.party.value}, verified is {state.identity_verified}, channel is {state.channel.value}"
        )
    return ""


def _merge(findings: list[Finding]) -> list[Finding]:
    """One finding a category, the first and longest, gravest category first."""
    best: dict[str, Finding] = {}
    for finding in findings:
        known = best.get(finding.category)
        if known is None or finding.span[1] - finding.span[0] > known.span[1] - known.span[0]:
            best[finding.category] = finding
    return sorted(best.values(), key=lambda f: -_GRAVITY[f.action])


@functools.lru_cache(maxsize=8)
def load_guard(jurisdiction: str) -> PhraseGuard:
    """The guard of a jurisdiction (cn, us, uk_eu, hk, tw), built once a process. Raises PackError."""
    return PhraseGuard(load_pack(jurisdiction))


def true_amounts(state: CallState) -> tuple[Decimal, ...]:
    """Amounts that may be named on this call."""
    return (*((state.ledger_amount,) if state.ledger_amount is not None else ()), *state.stated_amounts)


__all__ = [
    "CallState",
    "Normal",
    "PhraseGuard",
    "disclosing_category",
    "load_guard",
    "privy",
    "replace",
    "true_amounts",
]
