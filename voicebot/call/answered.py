"""A call from its answer to its last record: evidence, session, and what the store is told."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from compliance_filters.verdict import Action
from recordings.manifest import CallSummary
from recordings.problem import EvidenceProblem
from recordings.recorder import CallEvidence
from telephony.carrier import CallLeg, Cause
from voicebot.call.board import TimelineEntry
from voicebot.call.complaints import TakenComplaints
from voicebot.call.outcomes import StoredOutcomes
from voicebot.call.parts import EngineParts
from voicebot.call.session import CallResult, CallSession, CallSubject, CallTools
from voicebot.call.words_only import WordsOnly
from voicebot.store.records import Call, Case

log = logging.getLogger(__name__)


class Publish(Protocol):
    def __call__(self, call_id: str, kind: str, **data: object) -> None: ...


class AnsweredCall:
    """One answered call. `open` prepares it, `hold` talks until it is over and closes its evidence."""

    def __init__(self, parts: EngineParts, leg: CallLeg, call: Call, case: Case | None, subject: CallSubject) -> None:
        self._parts = parts
        self._leg = leg
        self._case = case
        self._subject = subject
        self.call = call
        """As the store knows it; complete when `hold` has returned."""
        self.session: CallSession | None = None
        self.disposition = "engine_fault"
        self.cause = Cause.NETWORK_ERROR
        self._reasons: set[str] = set()
        duty = parts.guard_for(subject.call_state.jurisdiction)
        self._duty = duty
        self._evidence: CallEvidence | None = None

    async def open(self, tell: Callable[[Call, str], None], publish: Publish) -> CallSession:
        """Opens the evidence and assembles the session. `tell(call, state)` keeps the board up to date."""
        parts, call, subject, case = self._parts, self.call, self._subject, self._case
        zone = case.time_zone if case else parts.time_zone
        answered_at = parts.clock.now()

        def problem(found: EvidenceProblem) -> None:
            log.error("evidence is at risk", extra={"call": call.id, "problem": str(found)})
            publish(call.id, "evidence.problem", problem=str(found))

        evidence = CallEvidence.open(
            parts.evidence_root,
            call.id,
            sample_rate=self._leg.media.sample_rate,
            keys=parts.keys,
            started_at=answered_at,
            spool=parts.spool,
            on_problem=problem,
        )
        self._evidence = evidence

        def write(entry: TimelineEntry) -> None:
            if entry.kind == "guard.verdict" and entry.data.get("action") != Action.ALLOW.value:
                self.call = replace(self.call, guard_hits=self.call.guard_hits + 1)
            evidence.write_entry(entry.kind, entry.media_seconds, entry.at, entry.data)

        def follow(entry: TimelineEntry) -> None:
            if entry.kind in {"dialog.decision", "bridge.started"}:
                tell(call, str(entry.data.get("state", "bridged")))

        tools = CallTools(
            recogniser=await parts.speech.recogniser(subject.language),
            synthesiser=await parts.speech.synthesiser(subject.language),
            open_voice_activity=parts.speech.open_voice_activity,
            understander=parts.understander if self._duty.voice_emotion else WordsOnly(parts.understander),
            guard=self._duty.guard,
            disclosures=self._duty.disclosures,
            desk=parts.desk,
            outcomes=self._outcomes(zone),
            evidence=evidence,
            settings=parts.settings,
            now=lambda: parts.clock.now(zone),
            build_brief=lambda request, entries, verified: parts.build_brief(
                self._case, request, entries, verified, call.number
            ),
        )
        path = str(evidence.folder.relative_to(parts.evidence_root))
        self.call = replace(
            call,
            answered_at=answered_at,
            pack_hash=self._duty.pack_hash,
            evidence_path=path,
            carrier_call_id=self._leg.id,
        )
        await parts.store.calls.update(
            call.id,
            answered_at=answered_at,
            evidence_path=path,
            carrier_call_id=self._leg.id,
            pack_hash=self._duty.pack_hash,
        )
        tell(call, "answered")
        self.session = CallSession(self._leg, subject, tools, (write, follow, parts.board.publish, *parts.sinks))
        return self.session

    def _outcomes(self, zone: str) -> StoredOutcomes:
        parts, call = self._parts, self.call
        return StoredOutcomes(
            parts.store,
            call_id=call.id,
            case=self._case,
            number=call.number,
            now=parts.clock.now,
            reasons_to_keep=self._reasons,
            candidates=self._subject.candidates,
            on_case=self._chosen,
            complaints=TakenComplaints(
                parts.store.complaints,
                self._duty.complaints,
                call_id=call.id,
                number=call.number,
                jurisdiction=self._subject.call_state.jurisdiction,
                zone=zone,
                now=parts.clock.now,
            ),
        )

    async def _chosen(self, case: Case) -> None:
        """Verification has said whose call this is."""
        self._case = case
        self.call = replace(self.call, case_id=case.id)
        await self._parts.store.calls.update(self.call.id, case_id=case.id)

    async def hold(self) -> CallResult | None:
        """Talks until the call is over. The evidence is closed whatever happens."""
        assert self.session is not None
        assert self._evidence is not None
        result: CallResult | None = None
        try:
            result = await self.session.run()
            self.disposition, self.cause = result.disposition, result.cause
        except Exception:
            log.exception("a call ended by a fault", extra={"call": self.call.id})
        finally:
            await self._close_evidence()
        return result

    async def abandon(self, disposition: str) -> None:
        """Closes what `open` had opened when it could not go on."""
        self.disposition = disposition
        if self._evidence is not None:
            await self._close_evidence()

    async def _close_evidence(self) -> None:
        """What the evidence cannot be closed for is said in the log: the attempt is stored all the same."""
        assert self._evidence is not None
        summary = CallSummary(
            disposition=self.disposition,
            flow=self.call.flow,
            flow_hash=self.call.flow_hash,
            pack_hash=self._duty.pack_hash,
            case_id=self.call.case_id,
            versions=self._parts.versions or {},
            reasons_to_keep=tuple(sorted(self._reasons)),
        )
        try:
            manifest = await self._evidence.close(summary)
        except Exception:
            log.exception("the evidence of a call could not be closed", extra={"call": self.call.id})
        else:
            self.call = replace(self.call, evidence_digest=manifest.digest)
