"""Was the law kept, and was nobody lost? Judged from two records that know nothing of each other: the store of the
engine, and the far end's own log. Nothing here asks the engine's rules: the caps are counted anew."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from itertools import pairwise
from zoneinfo import ZoneInfo

from benchmarks.campaign import world
from benchmarks.campaign.run import Record
from benchmarks.campaign.world import ENDS, FINAL, NO_TALK, SIGNALLED, Reaction
from voicebot.campaign.dispositions import RULES, Then
from voicebot.store.campaign_records import CampaignState, MemberState
from voicebot.store.records import Attempt, AttemptState

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
OPENS, CLOSES = 8, 22
"""Hours of the debtor's day in which the Chinese rules let a call begin (GB/T 45251)."""
NUMBER_A_DAY = 6
ROLLING = ((1, MINUTE), (5, HOUR), (20, DAY))
PERSON_APART = HOUR
TALKS_A_DAY = 3
CALLER_A_DAY = 500
BETWEEN = timedelta(seconds=5)
"""Longest between the record of an attempt and its INVITE: a worker under load, not a rule."""


@dataclass(frozen=True)
class Verdict:
    """One invariant."""

    name: str
    counted: str
    """What it was judged on."""
    broken: tuple[str, ...] = ()
    """Each case against it; empty when it holds."""


@dataclass(frozen=True)
class Invite:
    """A call as the far end saw it."""

    at: datetime
    ended_at: datetime | None
    call_id: str
    attempt: str
    number: str
    caller: str
    reaction: Reaction
    port: int
    because: str
    said: tuple[str, ...]
    """What its person said."""


def read_log(text: str) -> Sequence[Invite]:
    """The far end's log, oldest call first."""
    begun: dict[str, dict[str, object]] = {}
    ended: dict[str, dict[str, object]] = {}
    for line in text.splitlines():
        entry = json.loads(line)
        (begun if entry["kind"] == "invite" else ended)[entry["call_id"]] = entry
    found = []
    for call_id, entry in begun.items():
        end = ended.get(call_id, {})
        over = end.get("over")
        found.append(
            Invite(
                at=datetime.fromisoformat(str(entry["at"])),
                ended_at=datetime.fromisoformat(str(over)) if over else None,
                call_id=call_id,
                attempt=str(entry["attempt"]),
                number=str(entry["number"]),
                caller=str(entry["caller"]),
                reaction=Reaction[str(entry["reaction"])],
                port=int(str(entry["source"])),
                because=str(end.get("because", "")),
                said=tuple(end.get("said", ())),  # type: ignore[arg-type]
            )
        )
    return sorted(found, key=lambda invite: invite.at)


class Check:
    def __init__(self, record: Record) -> None:
        self._record = record
        self.invites = read_log(record.log.read_text(encoding="utf-8"))
        self._zone = ZoneInfo(world.ZONE)
        self._person = {number: person for person in record.people for number in person.numbers}
        self._made = [attempt for attempt in record.attempts if attempt.state is not AttemptState.REFUSED]
        self._by_id = {attempt.id: attempt for attempt in record.attempts}

    def verdicts(self) -> list[Verdict]:
        return [
            self._nobody_lost(),
            self._lawful_states(),
            self._held_for_themselves(),
            self._explained(),
            self._ended(),
            self._once(),
            self._recorded_first(),
            self._nothing_vanished(),
            self._counted(),
            self._signalling(),
            self._hours(),
            self._number_caps(),
            self._person_caps(),
            self._caller_caps(),
            self._never(),
            self._after_the_end(),
            self._after_payment(),
            self._concurrency(),
            self._pace(),
            self._unattended(),
        ]

    # --- the queue ----------------------------------------------------------------------------------------------------
    def _nobody_lost(self) -> Verdict:
        cases = {case_id for person in self._record.people for case_id in person.case_ids}
        members = Counter(member.case_id for member in self._record.members)
        broken = [f"{case} is lost" for case in sorted(cases - set(members))]
        broken += [f"{case} is in the queue {n} times" for case, n in members.items() if n > 1 or case not in cases]
        return Verdict("every case is in the queue, once", f"{len(cases)} cases", tuple(broken))

    def _lawful_states(self) -> Verdict:
        lawful = (MemberState.WAITING, MemberState.HELD, MemberState.DONE)
        broken = []
        for member in self._record.members:
            if member.state not in lawful or not member.reason:
                broken.append(f"{member.case_id}: {member.state.value} because {member.reason!r}")
            elif member.state is MemberState.WAITING and (
                member.next_at is None or member.next_at <= self._record.ends
            ):
                broken.append(f"{member.case_id} waits for {member.next_at}, which is over")
        counts = Counter(member.state.value for member in self._record.members)
        said = ", ".join(f"{name} {count}" for name, count in sorted(counts.items()))
        return Verdict("every case is final, held with a reason, or scheduled", said, tuple(broken))

    def _held_for_themselves(self) -> Verdict:
        """Nobody is left to a person because a number, a carrier or a worker of ours could not go on."""
        of_case = {case_id: person for person in self._record.people for case_id in person.case_ids}
        held = [member for member in self._record.members if member.state is MemberState.HELD]
        broken = []
        for member in held:
            person = of_case[member.case_id]
            theirs = person.flag is not None or any(world.role_of(number) in world.FINAL for number in person.numbers)
            rule = RULES.get(member.reason)
            if not theirs and (rule is None or rule.then is not Then.HOLD):
                broken.append(f"{member.case_id} is held because {member.reason!r}")
        return Verdict("who is held is held for what they said or are", f"{len(held)} held", tuple(broken))

    # --- the attempts -------------------------------------------------------------------------------------------------
    def _explained(self) -> Verdict:
        broken, refusals = [], 0
        for attempt in self._record.attempts:
            rules = attempt.policy.get("rules") or []
            refused = [rule for rule in rules if rule["verdict"] == "refuse"]
            if attempt.state is AttemptState.REFUSED:
                refusals += 1
                if not refused and not attempt.policy.get("because"):
                    broken.append(f"{attempt.id} was refused by nobody")
            elif refused or not rules:
                broken.append(f"{attempt.id} was dialled against {refused or 'no rule at all'}")
        total = len(self._record.attempts)
        return Verdict("every attempt and refusal says why", f"{total} attempts, {refusals} refused", tuple(broken))

    def _ended(self) -> Verdict:
        broken = [
            f"{attempt.id}: {attempt.state.value} as {attempt.disposition}"
            for attempt in self._made
            if attempt.state is AttemptState.BEGUN or attempt.disposition not in RULES or attempt.ended_at is None
        ]
        return Verdict("every attempt has ended, in a known way", f"{len(self._made)} made", tuple(broken))

    def _once(self) -> Verdict:
        per_attempt = Counter(invite.attempt for invite in self.invites)
        broken = [f"attempt {name} was dialled {count} times" for name, count in per_attempt.items() if count > 1]
        keys = Counter(attempt.idempotency_key for attempt in self._record.attempts)
        broken += [f"key {key} has {count} attempts" for key, count in keys.items() if count > 1]
        return Verdict("nobody is dialled twice for one attempt", f"{len(self.invites)} INVITEs", tuple(broken))

    def _recorded_first(self) -> Verdict:
        broken = []
        for invite in self.invites:
            attempt = self._by_id.get(invite.attempt)
            if attempt is None:
                broken.append(f"{invite.number} was dialled at {invite.at} without a record")
            elif attempt.number != invite.number or attempt.state is AttemptState.REFUSED:
                broken.append(f"{attempt.id}: recorded for another number, or refused, and dialled")
            elif not attempt.begun_at <= invite.at:
                broken.append(f"{attempt.id}: dialled at {invite.at}, recorded at {attempt.begun_at}")
        return Verdict("every INVITE was recorded before it", f"{len(self.invites)} INVITEs", tuple(broken))

    def _nothing_vanished(self) -> Verdict:
        """An attempt without an INVITE is one whose worker was killed between the record and the dial."""
        dialled = {invite.attempt for invite in self.invites}
        broken, between = [], 0
        for attempt in self._made:
            if attempt.id in dialled:
                continue
            killed = any(
                attempt.begun_at - BETWEEN <= kill.at <= attempt.begun_at + BETWEEN for kill in self._record.kills
            )
            between += killed
            if not killed or attempt.state is not AttemptState.INTERRUPTED:
                broken.append(f"{attempt.id} of {attempt.begun_at} rang nowhere and ended as {attempt.disposition}")
        return Verdict("every attempt rang, or was cut by a kill", f"{between} cut before they rang", tuple(broken))

    def _counted(self) -> Verdict:
        made: Counter[str] = Counter()
        for attempt in self._made:
            rule = RULES.get(attempt.disposition or "")
            if rule is not None and rule.counts:
                made[attempt.case_id] += 1
        broken = [
            f"{member.case_id}: {member.attempts} counted, {made[member.case_id]} made"
            for member in self._record.members
            if member.attempts != made[member.case_id]
        ]
        most = self._record.plan.retry.attempts_at_most
        broken += [f"{case} was tried {count} times of {most}" for case, count in made.items() if count > most]
        return Verdict("attempts are counted as made, none beyond the plan's limit", f"{made.total()}", tuple(broken))

    def _signalling(self) -> Verdict:
        broken, judged = [], 0
        for invite in self.invites:
            attempt = self._by_id.get(invite.attempt)
            wanted = SIGNALLED.get(invite.reaction)
            if wanted is None or attempt is None or attempt.state is AttemptState.INTERRUPTED:
                continue
            judged += 1
            if attempt.disposition != wanted:
                broken.append(f"{attempt.id}: the network said {invite.reaction.value}, stored {attempt.disposition}")
        return Verdict("what the network answered is what is stored", f"{judged} calls not answered", tuple(broken))

    # --- the caps, counted anew ---------------------------------------------------------------------------------------
    def _hours(self) -> Verdict:
        broken = [
            f"{invite.number} at {invite.at.astimezone(self._zone):%a %H:%M}"
            for invite in self.invites
            if not OPENS <= invite.at.astimezone(self._zone).hour < CLOSES
        ]
        first = min((invite.at.astimezone(self._zone) for invite in self.invites), default=None)
        said = f"{len(self.invites)} INVITEs, the first at {first:%H:%M:%S}" if first else "none"
        return Verdict("all calls begin between 8 and 22 o'clock", said, tuple(broken))

    def _number_caps(self) -> Verdict:
        broken: list[str] = []
        most = 0
        for number, times in self._grouped(lambda attempt: attempt.number, lambda invite: invite.number):
            days = Counter(at.astimezone(self._zone).date() for at in times)
            most = max(most, *days.values())
            broken += [f"{number}: {count} on {day}" for day, count in days.items() if count > NUMBER_A_DAY]
            for limit, span in ROLLING:
                broken += [f"{number}: more than {limit} in {span} at {at}" for at in _too_dense(times, limit, span)]
        return Verdict("caps of each number", f"at most {most} a day", tuple(broken))

    def _person_caps(self) -> Verdict:
        broken: list[str] = []
        shortest = None

        def of(attempt: Attempt) -> str:
            return self._person[attempt.number].case_ids[0]

        for person, times in self._grouped(of, lambda invite: self._person[invite.number].case_ids[0]):
            gaps = [later - earlier for earlier, later in pairwise(times)]
            shortest = min([*gaps, *([shortest] if shortest else [])], default=None)
            broken += [f"{person}: again after {gap}" for gap in gaps if gap < PERSON_APART]
        talks = Counter(
            (self._person[invite.number].case_ids[0], invite.at.astimezone(self._zone).date())
            for invite in self.invites
            if invite.reaction is Reaction.ANSWERS and world.role_of(invite.number) not in NO_TALK
        )
        broken += [f"{who}: {count} answered on {day}" for (who, day), count in talks.items() if count > TALKS_A_DAY]
        said = f"shortest time between two calls {shortest}"
        return Verdict("caps of each person, over all numbers and cases", said, tuple(broken))

    def _caller_caps(self) -> Verdict:
        days = Counter((invite.caller, invite.at.astimezone(self._zone).date()) for invite in self.invites)
        broken = [f"{caller}: {count} calls on {day}" for (caller, day), count in days.items() if count > CALLER_A_DAY]
        broken += [f"{caller} is none of ours" for caller in {who for who, _ in days} - set(world.CALLERS)]
        return Verdict("caps of each number shown", f"at most {max(days.values(), default=0)} a day", tuple(broken))

    def _never(self) -> Verdict:
        never = {number for person in self._record.people if person.flag for number in person.numbers}
        broken = [f"{invite.number} at {invite.at}" for invite in self.invites if invite.number in never]
        return Verdict("nobody is called who must not be", f"{len(never)} numbers", tuple(broken))

    def _after_the_end(self) -> Verdict:
        """From the far end's record: who said that they want no more calls, and was called again."""
        final: dict[str, datetime] = {}
        broken = []
        for invite in self.invites:
            person = self._person[invite.number].case_ids[0]
            if person in final:
                broken.append(f"{person} said no at {final[person]} and was called at {invite.at}")
            spoken = invite.reaction is Reaction.ANSWERS and world.role_of(invite.number) in FINAL and invite.said
            # A worker that was killed in the middle of that call has not heard it to its end.
            attempt = self._by_id.get(invite.attempt)
            if spoken and attempt is not None and attempt.state is AttemptState.ENDED:
                final[person] = invite.at
        return Verdict("nobody is called after they disputed or said no", f"{len(final)} people", tuple(broken))

    def _after_payment(self) -> Verdict:
        broken = [
            f"{attempt.case_id} was paid at {self._record.paid[attempt.case_id]}, called at {attempt.begun_at}"
            for attempt in self._made
            if attempt.case_id in self._record.paid and attempt.begun_at > self._record.paid[attempt.case_id]
        ]
        dialled = {(invite.attempt, invite.at) for invite in self.invites}
        for attempt_id, at in dialled:
            attempt = self._by_id.get(attempt_id)
            if attempt is not None and attempt.case_id in self._record.paid and at > self._record.paid[attempt.case_id]:
                broken.append(f"{attempt.case_id} was dialled at {at}")
        return Verdict("nobody is called for a case that was paid", f"{len(self._record.paid)} cases", tuple(broken))

    # --- the pace -----------------------------------------------------------------------------------------------------
    def _concurrency(self) -> Verdict:
        steps: list[tuple[datetime, int]] = []
        for invite in self.invites:
            cut = [kill.at for kill in self._record.kills if kill.port == invite.port and kill.at >= invite.at]
            ends = [at for at in (invite.ended_at, *cut) if at is not None]
            steps.append((invite.at, 1))
            if ends:
                steps.append((min(ends), -1))
        live = most = 0
        # At the same instant an end comes before a beginning.
        for _, step in sorted(steps, key=lambda pair: (pair[0], pair[1])):
            live += step
            most = max(most, live)
        limit = self._record.plan.pacing.concurrency
        broken = (f"{most} at the same time",) if most > limit else ()
        return Verdict(f"at most {limit} calls at a time, all workers together", f"at most {most}", broken)

    def _pace(self) -> Verdict:
        """By the store's record of when each dial began: in any 10 s no more than the rate, and one second's more."""
        rate, window = self._record.plan.pacing.calls_per_second, timedelta(seconds=10)
        begun = sorted(attempt.begun_at for attempt in self._made)
        allowed = int(rate * (window.total_seconds() + 1)) + 2
        densest = 0
        start = 0
        for place, at in enumerate(begun):
            while begun[start] < at - window:
                start += 1
            densest = max(densest, place - start + 1)
        broken = (f"{densest} dials in 10 s",) if densest > allowed else ()
        return Verdict(f"at most {rate:g} dials a second, all workers together", f"densest 10 s: {densest}", broken)

    def _unattended(self) -> Verdict:
        record = self._record
        broken = [f"a worker ended with {code}" for code in record.exit_codes if code]
        if record.campaign.state not in (CampaignState.RUNNING, CampaignState.FINISHED):
            broken.append(f"the campaign is {record.campaign.state.value}: {record.campaign.because}")
        if len(record.live_when_killed) != record.options.kills:
            broken.append(f"only {len(record.live_when_killed)} kills came about")
        live = ", ".join(str(count) for count in record.live_when_killed)
        return Verdict("it ran by itself", f"killed with {live or 'no'} dials in hand", tuple(broken))

    # --- what is reported and not judged ------------------------------------------------------------------------------
    @cached_property
    def conversations(self) -> Mapping[str, Counter[str]]:
        """How the calls that each kind of person answered were stored."""
        found: dict[str, Counter[str]] = defaultdict(Counter)
        for invite in self.invites:
            attempt = self._by_id.get(invite.attempt)
            if invite.reaction is Reaction.ANSWERS and attempt is not None:
                found[world.role_of(invite.number).value][attempt.disposition or "none"] += 1
        return found

    def understood(self) -> tuple[int, int]:
        """Calls that ended as the person wanted them to, of those that no kill cut."""
        right = total = 0
        for role, expected in ENDS.items():
            for disposition, count in self.conversations.get(role.value, Counter()).items():
                if disposition != "interrupted":
                    total += count
                    right += count if disposition in expected else 0
        return right, total

    def _grouped(self, of_attempt, of_invite) -> Iterator[tuple[str, list[datetime]]]:  # type: ignore[no-untyped-def]
        """Times by both records: what the store says was begun, and what the far end says has rung."""
        for keyed in (((of_attempt(a), a.begun_at) for a in self._made), ((of_invite(i), i.at) for i in self.invites)):
            times: dict[str, list[datetime]] = defaultdict(list)
            for key, at in keyed:
                times[key].append(at)
            for key, group in times.items():
                yield key, sorted(group)


def _too_dense(times: Sequence[datetime], limit: int, span: timedelta) -> Iterator[datetime]:
    """Instants at which more than `limit` lie within less than `span`."""
    for first, last in zip(times, times[limit:], strict=False):
        if last - first < span:
            yield last
