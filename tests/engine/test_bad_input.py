"""Whatever comes in, from files or over the wire: the worker serves on, says what is wrong, and loses no record."""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import socket
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from recordings.reading import read_entries
from recordings.recovery import recover
from recordings.verify import verify
from tests.engine.people import ANSWERS, OURS, WORDS, Person, PitchSpeech, take_up
from voicebot.call.settings import CallLimits, CallSettings
from voicebot.dialog.loader import FLOWS
from voicebot.settings import RecordingSettings, Settings
from voicebot.store.records import AttemptState, Case

if TYPE_CHECKING:
    from tests.engine.conftest import Engine, OpenEngine, StartSipp
    from tests.telephony.twilio.stand_in import TwilioStandIn

HOSTILE = [
    b"",
    b"\r\n\r\n",
    b"\x00" * 1400,
    b"INVITE",
    b"INVITE sip:x SIP/2.0\r\n\r\n",
    b"INVITE sip:1@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1;branch=\r\nCSeq: 99999999999 INVITE\r\n\r\n",
    b"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP nobody\r\nCSeq: 1 BYE\r\n\r\n",
    b"BYE sip:x@127.0.0.1 SIP/2.0\r\nCall-ID: ../../etc/passwd\r\nFrom: <sip:\xff\xfe>\r\nTo: ;tag=\r\n\r\n",
    b"OPTIONS sip:x@127.0.0.1 SIP/2.0\r\n" + b"X: " + b"A" * 8000 + b"\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
]


@pytest.mark.peer
async def test_garbage_on_the_sip_port_does_not_touch_a_live_call(
    open_engine: OpenEngine, make_settings: Callable[..., Settings], sipp: StartSipp, case: Case
) -> None:
    debtor = await sipp("uas_answer")
    settings = make_settings(trunk=debtor.port)
    speech = PitchSpeech(deaf=True, character_seconds=0.1)
    async with open_engine(settings, speech, cases=[case]) as engine:
        call_id = await engine.place()
        await engine.happens("line.started")
        chance = random.Random(7)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            for number in range(300):
                packet = HOSTILE[number] if number < len(HOSTILE) else chance.randbytes(chance.randint(1, 1300))
                stranger.sendto(packet, ("127.0.0.1", settings.sip.port))
                if number % 20 == 0:
                    await asyncio.sleep(0.02)
        heard = len(engine.of("line.heard"))
        await engine.happens("line.heard", complete=True)
        assert engine.worker.engine.live == 1, f"the call is gone after {heard} lines"
        async with engine.http.get("/readyz") as ready:
            assert ready.status == 200, await ready.text()
        await engine.worker.engine.hang_up(call_id)
        await engine.over(call_id)
        await debtor.verdict()  # it was told BYE: the call stood to its end
        call = await engine.worker.store.calls.get(call_id)
        assert call is not None
        assert verify(settings.recordings_root / (call.evidence_path or ""), engine.worker.keys).valid


@pytest.mark.peer
async def test_a_caller_that_sends_no_audio_is_let_go_and_stored(
    open_engine: OpenEngine, make_settings: Callable[..., Settings], sipp: StartSipp
) -> None:
    settings = make_settings(call=CallSettings(limits=CallLimits(no_media_seconds=2.0)))
    async with open_engine(settings) as engine:
        caller = await sipp("uac_no_rtp", to=settings.sip.port)
        begun = await engine.happens("call.incoming")
        await engine.over(begun.call_id)
        await caller.verdict()
        call = await engine.worker.store.calls.get(begun.call_id)
        assert call is not None
        assert (call.disposition, call.cause) == ("no_media", "network_error")


async def test_keys_that_mean_nothing_are_passed_over(
    twilio: TwilioStandIn, twilio_settings: Settings, open_engine: OpenEngine, case: Case
) -> None:
    person = Person(WORDS, ANSWERS)
    async with open_engine(twilio_settings, PitchSpeech(WORDS), cases=[case], sinks=[person]) as engine:
        far_end = await twilio.ring_in(twilio_settings.twilio.public_url, from_number="anonymous", to_number=OURS)
        take_up(person, far_end)
        await engine.happens("line.started")
        for key in "ABCD":
            await far_end.stream.press(key)
        await engine.happens("line.heard", complete=True)
        assert engine.worker.engine.live == 1
        assert not engine.of("dtmf.pressed")
        await far_end.hang_up()
        begun = engine.of("call.incoming")[0]
        await engine.over(begun.call_id)
        call = await engine.worker.store.calls.get(begun.call_id)
        assert call is not None
        assert (call.number, call.case_id, call.ended_at is not None) == (None, None, True)


async def test_a_case_that_lacks_what_the_flow_says_is_not_called_and_its_caller_is_served_as_unknown(
    twilio: TwilioStandIn, twilio_settings: Settings, open_engine: OpenEngine, case: Case
) -> None:
    bare = replace(case, debtor=replace(case.debtor, id_last_four=None))
    async with open_engine(twilio_settings, PitchSpeech(WORDS), cases=[bare]) as engine:
        async with engine.http.post("/api/v1/calls", json={"case": bare.id, "flow": "reminder_first"}) as answer:
            assert answer.status == 422
            assert "debtor.id_last_four" in await answer.text()
        assert not await engine.worker.store.attempts.list()
        caller = bare.debtor.numbers[0].number
        far_end = await twilio.ring_in(twilio_settings.twilio.public_url, from_number=caller, to_number=OURS)
        begun = await engine.happens("call.incoming")
        await engine.happens("line.started")
        await far_end.hang_up()
        await engine.over(begun.call_id)
        call = await engine.worker.store.calls.get(begun.call_id)
        assert call is not None
        assert (call.flow, call.case_id) == ("inbound_unknown", None)


# --- flows -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def content(tmp_path: Path) -> Path:
    """An operator's own content: a flow that a test may spoil."""
    folder = tmp_path / "content"
    (folder / "dialog_flows").mkdir(parents=True)
    shutil.copy(FLOWS / "reminder_first.yaml", folder / "dialog_flows")
    return folder


async def test_a_flow_spoilt_while_serving_is_refused_and_the_version_before_it_serves_on(
    content: Path,
    twilio: TwilioStandIn,
    twilio_settings: Settings,
    open_engine: OpenEngine,
    case: Case,
    caplog: pytest.LogCaptureFixture,
) -> None:
    settings = with_content(twilio_settings, content)
    async with open_engine(settings, PitchSpeech(WORDS), cases=[case]) as engine:
        flow = content / "dialog_flows" / "reminder_first.yaml"
        good = flow.read_text(encoding="utf-8")
        served = {one["name"]: one["hash"] for one in (await flows_of(engine))["flows"]}
        spoilt = good.replace("say: opening.outbound", "say: [opening.outbound, reminder.first_overdue]")
        flow.write_text(spoilt, encoding="utf-8")
        assert flow.read_text(encoding="utf-8") != good
        refused = (await flows_of(engine, lambda flows: flows["refused"]))["refused"]
        assert list(refused) == ["reminder_first"]
        call_id = await engine.place()
        await twilio.placed()
        await engine.happens("line.started", line="opening.outbound")
        (logged,) = [r for r in caplog.records if "an edit is broken" in r.getMessage()]
        findings = str(getattr(logged, "findings", ""))
        assert "reminder_first.yaml:" in findings
        assert "[debt-before-right-party]" in findings
        await engine.worker.engine.hang_up(call_id)
        await engine.over(call_id)
        stored = await engine.worker.store.calls.get(call_id)
        assert stored is not None
        assert (stored.flow, stored.flow_hash) == ("reminder_first", served["reminder_first"])


async def test_an_edit_takes_effect_for_the_next_call_and_not_for_the_one_that_runs(
    content: Path, twilio: TwilioStandIn, twilio_settings: Settings, open_engine: OpenEngine, case: Case
) -> None:
    settings = with_content(twilio_settings, content)
    async with open_engine(settings, PitchSpeech(WORDS), cases=[case]) as engine:
        first = await engine.place()
        await twilio.placed()
        await engine.happens("line.started", line="opening.outbound")
        flow = content / "dialog_flows" / "reminder_first.yaml"
        edited = flow.read_text(encoding="utf-8").replace("title: ", "title: 新的")
        flow.write_text(edited, encoding="utf-8")
        await flows_of(engine, lambda flows: any(one["title"].startswith("新的") for one in flows["flows"]))
        await engine.worker.engine.hang_up(first)
        await engine.over(first)
        second = await engine.place(key="second")
        await engine.worker.engine.hang_up(second)
        await engine.over(second)
        old, new = [await engine.worker.store.calls.get(one) for one in (first, second)]
        assert old is not None
        assert new is not None
        assert old.flow_hash != new.flow_hash
        assert new.flow_hash in {one["hash"] for one in (await flows_of(engine))["flows"]}


async def test_overrides_are_taken_up_while_the_worker_runs_and_broken_ones_are_not(
    twilio_settings: Settings, open_engine: OpenEngine, tmp_path: Path
) -> None:
    file = tmp_path / "overrides.yaml"
    file.write_text("overrides: []\n", encoding="utf-8")
    compliance = twilio_settings.compliance.model_copy(update={"overrides": file})
    async with open_engine(twilio_settings.model_copy(update={"compliance": compliance})) as engine:
        policy = engine.worker.policy
        file.write_text("overrides: [{pack: cn, rule: CN-OPS-01, params: {calls_per_day: 400}}]\n", encoding="utf-8")
        await audited(engine, "policy.overrides_taken")
        (taken,) = policy.overrides
        assert taken.rule == "CN-OPS-01"
        file.write_text("overrides: [{pack: cn, rule: CN-OPS-01, params: {calls_per_day: 4000}}]\n", encoding="utf-8")
        await audited(engine, "policy.overrides_refused")
        assert policy.overrides == (taken,)


async def audited(engine: Engine, action: str) -> None:
    """Waits for a line in the audit log."""
    async with asyncio.timeout(60):
        while True:
            if action in [entry.action for entry in await engine.worker.store.audit.list()]:
                return
            await asyncio.sleep(0.05)


def with_content(settings: Settings, content: Path) -> Settings:
    return settings.model_copy(update={"worker": settings.worker.model_copy(update={"content": content})})


async def flows_of(engine: Engine, show: Callable[[Any], object] = bool) -> Any:
    """What the API says of the flows, once it shows what is waited for."""
    async with asyncio.timeout(60):
        while True:
            async with engine.http.get("/api/v1/flows") as answer:
                assert answer.status == 200, await answer.text()
                flows = await answer.json()
            if show(flows):
                return flows
            await asyncio.sleep(0.1)


# --- the disk --------------------------------------------------------------------------------------------------------


async def test_a_full_disk_under_the_recordings_moves_them_to_the_spool_and_says_so(
    twilio: TwilioStandIn, twilio_settings: Settings, open_engine: OpenEngine, case: Case
) -> None:
    person = Person(WORDS, ANSWERS)
    # A file stands where the folder of recordings belongs: whatever is made below it fails, as on a full disk.
    root = twilio_settings.data_dir.parent / "full"
    settings = twilio_settings.model_copy(update={"recordings": RecordingSettings(root=root)})
    async with open_engine(settings, PitchSpeech(WORDS), cases=[case], sinks=[person]) as engine:
        root.write_bytes(b"")
        call_id = await engine.place()
        take_up(person, await twilio.placed())
        problem = await engine.happens("evidence.problem")
        assert "voicebot evidence recover" in str(problem.data["problem"])
        assert str(root) in str(problem.data["problem"])
        await engine.over(call_id)
        (promise,) = await engine.worker.store.promises.list(case_id="case-1")
        assert promise.call_id == call_id
        (attempt,) = await engine.worker.store.attempts.list()
        assert attempt.state is AttemptState.ENDED
        call = await engine.worker.store.calls.get(call_id)
        assert call is not None
        root.unlink()
        keys = engine.worker.keys
        assert any(found.recovered for found in recover(root, keys, settings.data_dir / "spool"))
        folder = root / (call.evidence_path or "")
        proof = verify(folder, keys)
        assert (proof.valid, proof.digest) == (True, call.evidence_digest), proof.reason
        kinds = [entry.kind for entry in read_entries(folder, keys)]
        assert "evidence.moved" in kinds
        assert "promise" in kinds


async def alive(engine: Engine) -> bool:
    async with engine.http.get("/healthz") as health:
        return health.status == 200


async def test_hostile_requests_over_http_leave_the_worker_alive(
    open_engine: OpenEngine, make_settings: Callable[..., Settings], case: Case
) -> None:
    async with open_engine(make_settings(), cases=[case]) as engine:
        for body in (b"", b"{", os.urandom(200), b'{"case": {"$ne": 1}, "flow": []}', b"[" * 5000):
            async with engine.http.post(
                "/api/v1/calls", data=body, headers={"Content-Type": "application/json"}
            ) as answer:
                assert 400 <= answer.status < 500, await answer.text()
                assert (await answer.json(content_type=None))["title"]
        async with engine.http.post("/api/v1/calls", json={"case": "nobody", "flow": "../../etc/passwd"}) as answer:
            assert answer.status in (404, 409, 422)
        assert await alive(engine)
        assert not await engine.worker.store.attempts.list()
