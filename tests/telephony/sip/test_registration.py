"""A registration that does not last: it is told, the carrier stays up, and closing takes it back."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from telephony.sip_carrier import TrunkState
from telephony.sip_trunk import SipTrunk

if TYPE_CHECKING:
    from tests.telephony.sip.conftest import StartCarrier, StartSipp

pytestmark = pytest.mark.peer


def registering(port: int) -> SipTrunk:
    return SipTrunk(
        name="provider", host="127.0.0.1", port=port, user="bot", password="x", register=True, register_seconds=4
    )


async def test_a_refresh_that_is_refused_is_told_and_closing_says_goodbye(
    carrier: StartCarrier, sipp: StartSipp, caplog: pytest.LogCaptureFixture
) -> None:
    registrar = await sipp("uas_registrar")
    sip = await carrier(trunks=(registering(registrar.port),))
    await sip.wait_registered("provider", 5)
    assert sip.trunk_states() == {"provider": TrunkState(True)}
    for _ in range(60):
        if not sip.trunk_states()["provider"].registered:
            break
        await asyncio.sleep(0.1)
    assert sip.trunk_states() == {"provider": TrunkState(False, "403 Forbidden")}
    assert "registration was lost" in caplog.text
    assert sip.healthy
    await sip.close()
    await registrar.verdict()


async def test_closing_while_the_registrar_owes_an_answer_does_no_harm(carrier: StartCarrier, sipp: StartSipp) -> None:
    registrar = await sipp("uas_registrar_silent")
    sip = await carrier(trunks=(registering(registrar.port),))
    await sip.wait_registered("provider", 5)
    await registrar.verdict()
    await asyncio.wait_for(sip.close(), 30)
    again = await carrier()
    assert again.healthy
