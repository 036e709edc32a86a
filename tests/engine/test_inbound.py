"""Who rings the inbound line is served over the real SIP path: known, sharing a number, withheld, and after hours.

The caller's telephone is Debian's baresip; it presses keys when it has heard a line to its end.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import wave
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.engine.conftest import NUMBER, TUESDAY
from tests.engine.people import OURS, Answer, Person, PitchSpeech, Words, take_up
from voicebot.demo.telephones import free_port
from voicebot.dialog.reference import reference_of
from voicebot.settings import Settings
from voicebot.settings.sections import HandoffSettings
from voicebot.store.complaint_records import ComplaintKind, Tier
from voicebot.store.records import FOR_AN_AGENT, Call, Case, Debtor, PhoneNumber

if TYPE_CHECKING:
    from tests.engine.conftest import Engine, OpenEngine
    from tests.telephony.twilio.stand_in import TwilioStandIn

CONFIG = """\
module_path /usr/lib/baresip/modules
sip_listen 127.0.0.1:{port}
net_interface 127.0.0.1
rtp_ports 37000-37999
audio_source aufile,{dir}/says.wav
audio_player aufile,{dir}/unused.wav
audio_alert aufile,{dir}/says.wav
ctrl_tcp_listen 127.0.0.1:{control}
module g711.so
module aufile.so
module_app account.so
module_app menu.so
module_app ctrl_tcp.so
"""


@dataclass
class Telephone:
    """A baresip that calls and presses keys."""

    control: int

    async def command(self, command: str, parameters: str = "") -> None:
        """One command over its control port (netstrings of JSON)."""
        reader, writer = await self._connect()
        message = json.dumps({"command": command, "params": parameters})
        writer.write(f"{len(message)}:{message},".encode())
        await writer.drain()
        await asyncio.wait_for(reader.readuntil(b","), 60)
        writer.close()
        await writer.wait_closed()

    async def press(self, keys: str) -> None:
        for key in keys:
            await self.command("sndcode", key)
            await asyncio.sleep(0.3)  # a finger needs the time, and so do the RTP events of one key

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        for _ in range(600):
            with contextlib.suppress(ConnectionRefusedError):
                return await asyncio.open_connection("127.0.0.1", self.control)
            await asyncio.sleep(0.05)
        raise AssertionError("the telephone does not take commands")


StartTelephone = Callable[[str], Awaitable[Telephone]]


@pytest.fixture
async def telephone(tmp_path: Path) -> AsyncIterator[StartTelephone]:
    """`await telephone("13800000001")` is a telephone with that number."""
    running: list[asyncio.subprocess.Process] = []

    async def start(user: str) -> Telephone:
        folder = tmp_path / "telephone"
        folder.mkdir()
        control = free_port()
        with wave.open(str(folder / "says.wav"), "wb") as says:
            says.setnchannels(1)
            says.setsampwidth(2)
            says.setframerate(8000)
            says.writeframes(bytes(16000 * 120))
        (folder / "config").write_text(CONFIG.format(port=free_port(), control=control, dir=folder))
        (folder / "contacts").write_text("")
        (folder / "accounts").write_text(f"<sip:{user}@127.0.0.1>;regint=0;audio_codecs=PCMU;dtmfmode=rtpevent\n")
        process = await asyncio.create_subprocess_exec(
            *("baresip", "-f", str(folder)),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        running.append(process)
        return Telephone(control)

    yield start
    for process in running:
        process.kill()
        await process.wait()


async def ring(engine: Engine, settings: Settings, phone: Telephone) -> str:
    """Calls the engine; the id of the call."""
    await phone.command("dial", f"sip:4000000000@127.0.0.1:{settings.sip.port}")
    return (await engine.happens("call.incoming", within=60)).call_id


async def hears(engine: Engine, line: str) -> None:
    await engine.happens("line.heard", within=60, line=line)


async def let_go(engine: Engine, phone: Telephone, call_id: str) -> Call:
    await phone.command("hangup")
    await engine.over(call_id)
    call = await engine.worker.store.calls.get(call_id)
    assert call is not None
    return call


def said_before_verification(engine: Engine) -> str:
    """Everything the caller was told before they were verified."""
    words = []
    for entry in engine.entries:
        if entry.kind == "call.state" and entry.data["changes"].get("identity_verified") == "True":
            break
        if entry.kind == "line.said":
            words.append(str(entry.data["text"]))
    return "".join(words)


@pytest.mark.peer
async def test_who_missed_a_call_and_rings_back_is_verified_and_goes_on_where_the_case_stands(
    open_engine: OpenEngine, make_settings: Callable[..., Settings], telephone: StartTelephone, case: Case
) -> None:
    settings = make_settings()
    async with open_engine(settings, PitchSpeech(deaf=True), cases=[case]) as engine:
        store = engine.worker.store
        rang = TUESDAY - timedelta(hours=3)
        missed = Call("outbound", "reminder_later", rang, "w", id="missed", case_id=case.id, attempt_id="attempt-9")
        await store.calls.begin(missed)
        await store.calls.finish("missed", ended_at=rang, disposition="no_answer")
        phone = await telephone(NUMBER.removeprefix("+86"))
        call_id = await ring(engine, settings, phone)
        await hears(engine, "opening.how_can_i_help")
        await phone.press("1")
        await hears(engine, "identity.are_you")
        await phone.press("1")
        await hears(engine, "identity.ask_last_four")
        await phone.press("3866")
        await hears(engine, "reminder.later_overdue")
        call = await let_go(engine, phone, call_id)
    assert (call.flow, call.case_id, call.number) == ("inbound_callback", case.id, NUMBER)
    assert call.answers_attempt_id == "attempt-9"
    before = said_before_verification(engine)
    assert before
    assert not any(word in before for word in ("安信银行", "账单", "还", "逾期", "两千"))


@pytest.mark.peer
async def test_a_number_shared_by_a_household_is_nobodys_until_verification_says_whose(
    open_engine: OpenEngine, make_settings: Callable[..., Settings], telephone: StartTelephone, case: Case
) -> None:
    other = replace(
        case,
        id="case-2",
        debtor=Debtor(name="李示例", id_last_four="1207", numbers=(PhoneNumber(NUMBER),), id="d-2"),
    )
    settings = make_settings()
    async with open_engine(settings, PitchSpeech(deaf=True), cases=[case, other]) as engine:
        phone = await telephone(NUMBER.removeprefix("+86"))
        call_id = await ring(engine, settings, phone)
        assert engine.of("call.incoming")[0].data["shared"] == 2
        before = await engine.worker.store.calls.get(call_id)
        assert before is not None
        assert before.case_id is None
        await hears(engine, "opening.how_can_i_help")
        await phone.press("1")
        await hears(engine, "inbound.last_four_first")
        await phone.press("1207")
        await hears(engine, "identity.are_you")
        await phone.press("1")
        await hears(engine, "reminder.first_overdue")
        call = await let_go(engine, phone, call_id)
    assert (call.flow, call.case_id) == ("inbound_shared", "case-2")
    told = said_before_verification(engine)
    assert "王小样" not in told
    assert "李示例" not in told
    assert any("李示例" in entry.data["text"] for entry in engine.of("line.said"))
    assert not any("王小样" in entry.data["text"] for entry in engine.of("line.said"))


@pytest.mark.peer
async def test_after_hours_somebody_without_a_number_leaves_one_for_people_to_call(
    open_engine: OpenEngine, make_settings: Callable[..., Settings], telephone: StartTelephone
) -> None:
    settings = make_settings(handoff=HandoffSettings(hours=("09:00-12:00",), working_days_only=True))
    async with open_engine(settings, PitchSpeech(deaf=True)) as engine:
        phone = await telephone("anonymous")
        call_id = await ring(engine, settings, phone)
        await hears(engine, "inbound.closed_offer_unknown")
        await phone.press("1")
        await hears(engine, "inbound.your_number")
        await phone.press("13800000007")
        await hears(engine, "inbound.number_back")
        await phone.press("1")
        await hears(engine, "inbound.number_noted")
        await engine.over(call_id)
        (callback,) = await engine.worker.store.callbacks.list()
        call = await engine.worker.store.calls.get(call_id)
    assert call is not None
    assert (call.flow, call.number, call.case_id, call.disposition) == (
        "inbound_unknown",
        None,
        None,
        "callback_unspec",
    )
    assert (callback.number, callback.because, callback.call_id) == ("+8613800000007", FOR_AN_AGENT, call_id)
    closed = next(entry.data["text"] for entry in engine.of("line.said") if entry.data["line"] == "inbound.closed")
    assert "工作日上午九点到中午十二点" in closed


async def test_a_complaint_of_somebody_unknown_gets_a_number_that_is_told_and_found(
    twilio: TwilioStandIn, twilio_settings: Settings, open_engine: OpenEngine
) -> None:
    words = Words("我要打一二三七八投诉你们")
    person = Person(words, {"inbound.anything_else": Answer(say="我要打一二三七八投诉你们")})
    async with open_engine(twilio_settings, PitchSpeech(words), sinks=[person]) as engine:
        far_end = await twilio.ring_in(twilio_settings.twilio.public_url, from_number="+8613800000099", to_number=OURS)
        take_up(person, far_end)
        begun = await engine.happens("call.incoming")
        await hears(engine, "rights.reference")
        await engine.over(begun.call_id)
        reference = reference_of(begun.call_id)
        (complaint,) = await engine.worker.store.complaints.find(reference)
        async with engine.http.get("/api/v1/complaints") as answer:
            listed = await answer.json()
    assert (complaint.kind, complaint.tier) == (ComplaintKind.COMPLAINT, Tier.REGULATOR_LIAISON)
    assert complaint.answer_by.isoformat() == "2026-03-25"
    assert (complaint.number, complaint.case_id) == ("+8613800000099", None)
    assert [one["reference"] for one in listed["complaints"]] == [reference]
