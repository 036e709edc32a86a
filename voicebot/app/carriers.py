"""The ways in and out that are configured, and which of them dials."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from aiohttp import web

from telephony.audiosocket import AudioSocketCarrier
from telephony.browser import BrowserCarrier
from telephony.carrier import Carrier, Cause, DialFailed
from telephony.sip_carrier import SipCarrier
from telephony.twilio import TwilioCarrier
from voicebot.settings import Settings


def build_carriers(settings: Settings, on_late: Callable[[float], None]) -> dict[str, Carrier]:
    """Every enabled carrier by name, not started. `on_late` is told how late each frame left, seconds.

    Raises ValueError when none is enabled.
    """
    carriers: dict[str, Carrier] = {}
    if settings.sip.enabled:
        carriers["sip"] = SipCarrier(settings.sip.end(), on_tick=on_late)
    if settings.twilio.enabled:
        carriers["twilio"] = TwilioCarrier(settings.twilio.account())
    if settings.audiosocket.enabled:
        carriers["audiosocket"] = AudioSocketCarrier(
            settings.audiosocket.host, settings.audiosocket.port, settings.audiosocket.gate()
        )
    if settings.browser.enabled:
        carriers["browser"] = BrowserCarrier(settings.browser.page())
    if not carriers:
        raise ValueError(
            "no carrier is enabled: set sip.enabled, twilio.enabled, audiosocket.enabled or browser.enabled to true"
        )
    return carriers


def dialler(settings: Settings, carriers: Mapping[str, Carrier]) -> str | None:
    """Name of the first carrier that can dial a number: SIP through a trunk, then Twilio. None when there is none."""
    if "sip" in carriers and settings.sip.trunks:
        return "sip"
    return "twilio" if "twilio" in carriers else None


def carrier_to(endpoint: str, carriers: Mapping[str, Carrier], dials: str | None) -> Carrier:
    """The carrier that reaches an agent: SIP for a SIP URI, the dialling one for a number. Raises DialFailed."""
    if endpoint.lower().startswith(("sip:", "sips:")):
        if "sip" not in carriers:
            raise DialFailed(Cause.NETWORK_ERROR, None, "a SIP address needs sip.enabled = true")
        return carriers["sip"]
    if dials is None:
        raise DialFailed(
            Cause.NETWORK_ERROR, None, "a number needs a carrier that dials: add a trunk under sip.trunks, or Twilio"
        )
    return carriers[dials]


def routes(carriers: Mapping[str, Carrier]) -> Iterator[web.RouteDef]:
    """What the carriers serve over HTTP: webhooks, media streams, announcements, the telephone's page."""
    for carrier in carriers.values():
        if isinstance(carrier, TwilioCarrier | AudioSocketCarrier | BrowserCarrier):
            yield from carrier.routes()
