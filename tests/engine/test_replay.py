"""What the engine's own recorder wrote is what `voicebot flow replay` plays: through the flow that held it the
call is the same, through a changed one it is told where it would differ."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from typer.testing import CliRunner

from tests.engine.people import ANSWERS, WORDS, Person, PitchSpeech, take_up
from voicebot.cli.flow import app
from voicebot.dialog.loader import FLOWS
from voicebot.settings import Settings
from voicebot.store.records import Case

if TYPE_CHECKING:
    from tests.engine.conftest import OpenEngine
    from tests.telephony.twilio.stand_in import TwilioStandIn


def replay(folder: Path, flow: str | Path, config: Path) -> list[dict[str, Any]]:
    made = CliRunner().invoke(app, ["replay", str(folder), "--flow", str(flow), "--config", str(config), "--json"])
    assert made.exit_code == 0, made.output
    (call,) = json.loads(made.stdout)["calls"]
    changes: list[dict[str, Any]] = call["changes"]
    return changes


async def test_a_recorded_call_is_the_same_through_its_own_flow_and_differs_through_a_changed_one(
    twilio: TwilioStandIn, twilio_settings: Settings, open_engine: OpenEngine, case: Case, tmp_path: Path
) -> None:
    person = Person(WORDS, ANSWERS)
    async with open_engine(twilio_settings, PitchSpeech(WORDS), cases=[case], sinks=[person]) as engine:
        call_id = await engine.place()
        take_up(person, await twilio.placed())
        await engine.over(call_id)
        (promise,) = await engine.worker.store.promises.list(case_id="case-1")
        assert promise.call_id == call_id

    # The machine of whoever looks at recordings: the data folder, its keys and its store, and no engine running.
    config = tmp_path / "voicebot.toml"
    config.write_text(f'[worker]\ndata_dir = "{twilio_settings.data_dir}"\n', encoding="utf-8")
    recordings = twilio_settings.recordings_root
    assert await asyncio.to_thread(replay, recordings, "reminder_first", config) == []

    changed = tmp_path / "reminder_first.yaml"
    text = (FLOWS / "reminder_first.yaml").read_text(encoding="utf-8")
    changed.write_text(
        text.replace("reminder.first_overdue", "reminder.later_overdue").replace(
            "facts: [", "facts: [debt.days_overdue, "
        ),
        encoding="utf-8",
    )
    changes = await asyncio.to_thread(replay, recordings, changed, config)
    assert [change["what"] for change in changes] == ["lines"]
    assert "reminder.first_overdue" in changes[0]["before"]
    assert "reminder.later_overdue" in changes[0]["after"]
