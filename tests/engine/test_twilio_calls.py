"""The engine holds the same conversation over Twilio's media streams as over SIP, placed, taken, and handed to a human.

Everything is the composed engine but the speech models; Twilio is a stand-in that its genuine SDK drives.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np
import pytest

from recordings.reading import read_audio
from recordings.verify import verify
from telephony.g711 import decode_ulaw
from tests.engine.people import ANSWERS, OURS, VOICE_HERTZ, WORDS, Answer, Person, PitchSpeech, pitch, take_up
from voicebot.demo.telephones import free_port
from voicebot.settings import Settings, SipSettings
from voicebot.settings.outgoing import MessageSettings
from voicebot.store.agent_records import AgentRecord, AgentState
from voicebot.store.records import Call, Case, Consent

if TYPE_CHECKING:
    from tests.engine.conftest import Engine, OpenEngine, StartSipp
    from tests.telephony.twilio.stand_in import TwilioStandIn


TEXT_FOLLOWS = "promise.text_follows"


@pytest.fixture
def texting(twilio_settings: Settings) -> Settings:
    """Twilio for texts as well, and a firm that says whose debts it collects: what is not known refuses."""
    whose = twilio_settings.compliance.model_copy(update={"collects_for_others": False, "debts_bought": False})
    messages = MessageSettings(sender="twilio", **{"from": OURS})
    return twilio_settings.model_copy(update={"messages": messages, "compliance": whose})


async def the_promise_is_kept(engine: Engine, call_id: str, direction: str) -> Call:
    """What a promise must leave, whoever called whom."""
    store, worker = engine.worker.store, engine.worker
    call = await store.calls.get(call_id)
    assert call is not None
    assert (call.disposition, call.cause, call.direction) == ("partial", "normal", direction), engine.entries[-8:]
    assert call.carrier == "twilio"
    assert (call.carrier_call_id or "").startswith("CA")
    (promise,) = await store.promises.list(case_id="case-1")
    assert (promise.amount, promise.due_on, promise.call_id) == (Decimal(2000), date(2026, 3, 20), call_id)
    disclosed = {e.data["id"]: e.data["status"] for e in engine.of("disclosure", call_id)}
    assert disclosed["ai"] == disclosed["recording"] == "made"
    assert engine.of("line.heard", call_id)[-1].data["complete"], "the last line was cut"
    folder = worker.settings.recordings_root / (call.evidence_path or "")
    proof = verify(folder, worker.keys, require_seal=True)
    assert proof.valid, proof.reason
    assert proof.digest == call.evidence_digest
    audio, rate = read_audio(folder, worker.keys)
    assert rate == 8000
    assert (np.abs(audio).max(axis=0) > 1500).all(), "one side was not recorded"
    return call


async def test_a_call_placed_through_the_api_ends_in_a_promise(
    twilio: TwilioStandIn, twilio_settings: Settings, open_engine: OpenEngine, case: Case
) -> None:
    person = Person(WORDS, ANSWERS)
    speech = PitchSpeech(WORDS)
    async with open_engine(twilio_settings, speech, cases=[case], sinks=[person]) as engine:
        call_id = await engine.place(key="twilio-1")
        far_end = await twilio.placed()
        take_up(person, far_end)
        await engine.over(call_id)
        await the_promise_is_kept(engine, call_id, "outbound")
        assert TEXT_FOLLOWS not in [entry.data["line"] for entry in engine.of("line.said")]
        assert (far_end.from_number, far_end.to_number) == (OURS, case.debtor.numbers[0].number)
        assert far_end.status == "completed"
        assert pitch(decode_ulaw(far_end.stream.heard[:8000])) == pytest.approx(VOICE_HERTZ, abs=15)
        (attempt,) = await engine.worker.store.attempts.list()
        assert (attempt.disposition, attempt.cause) == ("partial", "normal")
        assert await engine.place(key="twilio-1") == call_id
        assert len(twilio.calls) == 1, "one key dialled twice"
    assert speech.closed


async def test_a_debtor_who_calls_back_is_recognised_and_promises_and_is_told_of_a_text(
    twilio: TwilioStandIn, texting: Settings, open_engine: OpenEngine, case: Case
) -> None:
    agreed = replace(case, consents=(Consent("sms", True, datetime(2026, 1, 1, tzinfo=UTC), "contract"),))
    promise = Answer(say="下周五还两千")
    answers = {**ANSWERS, "opening.how_can_i_help": promise, "reminder.what_suits_you": promise}
    person = Person(WORDS, answers)
    async with open_engine(texting, PitchSpeech(WORDS), cases=[agreed], sinks=[person]) as engine:
        far_end = await twilio.ring_in(
            texting.twilio.public_url, from_number=case.debtor.numbers[0].number, to_number=OURS
        )
        take_up(person, far_end)
        begun = await engine.happens("call.incoming", direction="inbound")
        await engine.over(begun.call_id)
        await the_promise_is_kept(engine, begun.call_id, "inbound")
        said = [entry.data["line"] for entry in engine.of("line.said")]
        assert said[said.index("promise.part_recorded") + 1] == TEXT_FOLLOWS
        (message,) = await engine.worker.store.messages.list(case_id=case.id)
        assert (message.template, message.call_id) == ("promise_confirmation", begun.call_id)


@pytest.mark.parametrize("granted", [True, False])
async def test_a_call_that_is_placed_knows_whether_a_text_may_follow(
    twilio: TwilioStandIn, texting: Settings, open_engine: OpenEngine, case: Case, granted: bool
) -> None:
    asked = replace(case, consents=(Consent("sms", granted, datetime(2026, 1, 1, tzinfo=UTC), "call"),))
    async with open_engine(texting, PitchSpeech(deaf=True), cases=[asked]) as engine:
        call_id = await engine.place()
        answered = await engine.happens("call.answered")
        assert answered.data["facts"].get("case.can_text", False) is granted
        await engine.worker.engine.hang_up(call_id)
        await engine.over(call_id)


@pytest.mark.peer
async def test_a_twilio_caller_is_handed_to_an_agent_on_a_sip_telephone(
    twilio: TwilioStandIn, twilio_settings: Settings, open_engine: OpenEngine, sipp: StartSipp, case: Case
) -> None:
    """The agent's telephone plays 440 Hz: the caller hears it, and both sides stand in the recording."""
    rtp = free_port(span=8)
    both = twilio_settings.model_copy(
        update={"sip": SipSettings(port=free_port(), rtp_port_first=rtp, rtp_port_last=rtp + 7, max_calls=4)}
    )
    person = Person(WORDS, {})
    agent_telephone = await sipp("uas_answer")
    async with open_engine(both, PitchSpeech(WORDS), cases=[case], sinks=[person]) as engine:
        agent = AgentRecord(
            id="a-1", name="小例", endpoint=f"sip:8001@127.0.0.1:{agent_telephone.port}", skills=frozenset({"agent"})
        )
        await engine.worker.store.agents.put(agent)
        await engine.worker.store.agents.set_state("a-1", AgentState.FREE)
        caller = case.debtor.numbers[0].number
        far_end = await twilio.ring_in(both.twilio.public_url, from_number=caller, to_number=OURS)
        take_up(person, far_end)
        await engine.happens("line.heard")
        assert person.say is not None
        person.say(WORDS.audio("我要转人工"))
        bridged = await engine.happens("bridge.started", agent="小例")
        before = len(far_end.stream.heard)
        person.say(WORDS.audio("我要转人工"))
        async with asyncio.timeout(20):
            while len(far_end.stream.heard) < before + 8000:
                await far_end.stream.moment()
        assert pitch(decode_ulaw(far_end.stream.heard[before + 4000 :])) == pytest.approx(440, abs=15)
        await far_end.hang_up()
        await engine.over(bridged.call_id)
        await agent_telephone.verdict()
        (handoff,) = await engine.worker.store.handoffs.list()
        assert (handoff.agent_id, handoff.outcome, handoff.because) == ("a-1", "talked", "asked_for_human")
        call = await engine.worker.store.calls.get(bridged.call_id)
        assert call is not None
        assert call.disposition == "human_req"
        folder = both.recordings_root / (call.evidence_path or "")
        assert verify(folder, engine.worker.keys).valid
        audio, _ = read_audio(folder, engine.worker.keys)
        after = audio[round(bridged.media_seconds * 8000) :]
        assert pitch(after[6000:, 1].tobytes()) == pytest.approx(440, abs=15), "the agent was not recorded"
        assert (np.abs(after[:, 0]) > 2000).any(), "the caller was not recorded after the handoff"
