"""The shelf: calls get the newest proven version at once; the proofs run elsewhere; nothing broken is ever served."""

from __future__ import annotations

import asyncio
import logging
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from voicebot.call import shelf as shelf_module
from voicebot.call.proving import ProofFault, prove_apart
from voicebot.call.shelf import FlowShelf
from voicebot.dialog.loader import FLOWS
from voicebot.dialog.places import FlowError
from voicebot.dialog.publishing import Judged, Published, Refused, Unchanged, Unproven, judge

NAME = "voicemail_message"


@pytest.fixture
def flow(tmp_path: Path) -> Path:
    """The operator's own edition of one shipped flow."""
    path = tmp_path / "dialog_flows" / f"{NAME}.yaml"
    path.parent.mkdir()
    path.write_text((FLOWS / f"{NAME}.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    return path


async def read_only(content: Path, served: Mapping[str, str]) -> Mapping[str, Judged]:
    """Without the proofs, which have their own tests."""
    return judge(content, served, Unproven())


def edit(flow: Path, before: str, after: str) -> None:
    text = flow.read_text(encoding="utf-8")
    assert before in text
    flow.write_text(text.replace(before, after), encoding="utf-8")


async def test_a_call_keeps_its_version_and_the_next_one_gets_the_edit(flow: Path) -> None:
    shelf = FlowShelf(flow.parents[1], prove=read_only)
    await shelf.open()
    kept, _ = shelf.get(NAME)
    edit(flow, "语音留言", "留言")
    assert shelf.get(NAME)[0] is kept
    await shelf.refresh()
    assert shelf.get(NAME)[0].title == "留言"
    assert kept.title != "留言"
    assert {one.name: one.hash for one in shelf.on_offer()}[NAME] == shelf.get(NAME)[0].hash != kept.hash


async def test_a_broken_edit_is_refused_said_once_and_forgotten_when_it_is_mended(
    flow: Path, caplog: pytest.LogCaptureFixture
) -> None:
    shelf = FlowShelf(flow.parents[1], prove=read_only)
    await shelf.open()
    before, _ = shelf.get(NAME)
    edit(flow, "voicemail.message", "voicemail.mesage")
    with caplog.at_level(logging.ERROR):
        await shelf.refresh()
        edit(flow, "title: ", "title:  ")
        await shelf.refresh()
    assert shelf.get(NAME)[0] is before
    assert [item.rule for item in shelf.refused[NAME]] == ["unknown-line"]
    (said,) = [record for record in caplog.records if record.name == shelf_module.__name__]
    assert "voicemail_message.yaml:" in said.__dict__["findings"]
    edit(flow, "voicemail.mesage", "voicemail.message")
    await shelf.refresh()
    assert not shelf.refused


async def test_a_service_does_not_begin_on_a_broken_flow(flow: Path) -> None:
    edit(flow, "flow: ", "flow: [")
    with pytest.raises(FlowError, match=r"voicemail_message\.yaml"):
        await FlowShelf(flow.parents[1], prove=read_only).open()


async def test_a_flow_that_is_not_there_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        FlowShelf(prove=read_only).get("nothing")


async def test_the_watch_takes_up_an_edit_and_outlives_proofs_that_fail(
    flow: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shelf_module, "LOOK_SECONDS", 0.01)
    failures = 2
    taken = asyncio.Event()

    async def unreliable(content: Path, served: Mapping[str, str]) -> Mapping[str, Judged]:
        nonlocal failures
        if served and failures:
            failures -= 1
            raise ProofFault("out of memory")
        if served:
            asyncio.get_running_loop().call_soon(taken.set)
        return await read_only(content, served)

    shelf = FlowShelf(flow.parents[1], prove=unreliable)
    await shelf.open()
    watching = asyncio.create_task(shelf.watch())
    edit(flow, "语音留言", "留言")
    async with asyncio.timeout(60):
        await taken.wait()
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)
    assert failures == 0
    assert shelf.get(NAME)[0].title == "留言"


async def test_the_proofs_run_in_a_process_of_their_own_and_find_what_the_checker_finds(flow: Path) -> None:
    content = flow.parents[1]
    served = {n: v.flow.hash for n, v in judge(content, {}, Unproven()).items() if isinstance(v, Published)}
    edit(flow, "voicemail.message", "common.goodbye")
    longest, last = 0.0, asyncio.get_running_loop().time()
    proving = asyncio.create_task(prove_apart(content, served))
    ticks = 0
    while not proving.done():
        await asyncio.sleep(0.005)
        ticks += 1
        now = asyncio.get_running_loop().time()
        longest, last = max(longest, now - last), now
    judged = dict(await proving)
    refused = judged.pop(NAME)
    assert isinstance(refused, Refused)
    assert "disclosures-first" in {item.rule for item in refused.findings}
    assert refused.findings == judge(content, served)[NAME].findings  # type: ignore[union-attr]
    assert set(map(type, judged.values())) == {Unchanged}
    assert ticks > 10, f"the loop stood still for {longest:.2f} s"


async def test_proofs_that_cannot_be_carried_out_say_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", shutil.which("false"))
    with pytest.raises(ProofFault, match="status 1"):
        await prove_apart(tmp_path, {})
