"""The demo's three conversations, held over real SIP and RTP with real recognition and synthesis, end as they must."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from voicebot.demo import cast, checks
from voicebot.demo.stage import DemoOptions, stage
from voicebot.demo.terminal import Check, LiveTerminal

pytestmark = [pytest.mark.models, pytest.mark.alone, pytest.mark.timeout(600)]


def missed(found: list[Check]) -> list[str]:
    return [f"{check.what}: {check.detail}" for check in found if not check.ok]


async def test_a_promise_a_relative_and_a_human(tmp_path: Path) -> None:
    shown = io.StringIO()
    terminal = LiveTerminal(Console(file=shown, width=200))
    async with stage(DemoOptions(tmp_path, listen=True), terminal) as found:
        promise = await found.outbound(cast.PROMISER)
        relative = await found.outbound(cast.RELATIVE)
        caller = await found.inbound(cast.CALLER)
        agent = await found.worker.store.agents.get(cast.AGENT.id)

    conversation = shown.getvalue()
    assert missed([*checks.of_every_call(promise), *checks.of_promise(promise)]) == [], conversation
    assert missed([*checks.of_every_call(relative), *checks.of_relative(relative)]) == [], conversation
    assert missed([*checks.of_every_call(caller), *checks.of_caller(caller)]) == [], conversation

    # What a person at the terminal sees: both sides, the state, the promise, the human.
    for seen in ("机器人", "对方", "人工", "承诺还款 2000", "ms", "→ tell"):
        assert seen in conversation
    # The agent is given back to the desk when the caller has gone.
    assert agent is not None
    assert agent.state.value in {"wrap_up", "free"}
    # Both telephones' own recordings and the engine's two channels are there to listen to.
    assert {path.name for path in (tmp_path / "audio").iterdir()} >= {
        "promise-call.wav",
        "promise-heard.wav",
        "promise-said.wav",
        "agent-heard.wav",
        "caller-heard.wav",
    }
