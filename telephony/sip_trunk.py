"""What an operator says about SIP: where to listen, and the trunks to dial through."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum


class Codec(Enum):
    """The two laws of G.711, payload types 0 and 8 of RFC 3551."""

    PCMU = "pcmu"
    PCMA = "pcma"


class SipTransport(Enum):
    """How requests to a trunk travel."""

    UDP = "udp"
    TCP = "tcp"
    TLS = "tls"


class DtmfMode(Enum):
    """How keys are pressed towards the far end. Both ways are always understood when they come in."""

    AUTO = "auto"
    """RTP events where the far end offers them, SIP INFO otherwise."""
    RTP = "rtpevent"
    """RFC 4733."""
    INFO = "info"
    """SIP INFO with application/dtmf-relay."""


class AcceptFrom(Enum):
    """Whose calls are taken."""

    ANYONE = "anyone"
    """Whoever reaches the port: behind a proxy or a firewall that decides."""
    TRUNKS = "trunks"
    """Only from the addresses of trunks, their proxies and `allow_networks`, as the socket tells them. Over UDP an
    address can be forged, though not to hold a conversation: a firewall in front remains the first line."""


@dataclass(frozen=True)
class SipTrunk:
    """One way to the telephone network: a provider, a PBX, a proxy."""

    name: str
    host: str
    """Name or address that numbers are dialled at."""
    port: int = 5060
    user: str = ""
    """Account at the trunk; empty when it knows us by our address."""
    password: str = ""
    auth_user: str | None = None
    """Name used in digest authentication, where it is not `user`."""
    domain: str | None = None
    """Domain of our own address (From, and the registrar's realm); None takes host and port."""
    outbound_proxy: str | None = None
    """host or host:port that every request goes through, None for the trunk itself."""
    register: bool = False
    """Whether the trunk has to be told where we are, and again every `register_seconds`."""
    register_seconds: int = 300
    transport: SipTransport = SipTransport.UDP
    codecs: Sequence[Codec] = (Codec.PCMU, Codec.PCMA)
    """In order of preference."""
    caller_id: str | None = None
    """Number shown to the people called, E.164; None shows `user`."""
    dtmf: DtmfMode = DtmfMode.AUTO

    def uri(self, number: str) -> str:
        """SIP URI of a number at this trunk."""
        port = "" if self.port == 5060 else f":{self.port}"
        transport = "" if self.transport is SipTransport.UDP else f";transport={self.transport.value}"
        return f"sip:{number}@{self.host}{port}{transport}"


@dataclass(frozen=True)
class SipSettings:
    """The engine's own SIP end."""

    host: str = "0.0.0.0"  # noqa: S104
    """Address to listen on; the audio uses the same. 127.0.0.1 keeps everything on this machine."""
    port: int = 5060
    """UDP and TCP port for SIP."""
    rtp_ports: tuple[int, int] = (20000, 29999)
    """First and last UDP port for audio, two a call."""
    trunks: Sequence[SipTrunk] = ()
    """The first one is used where a dial request names none."""
    user: str = "voicebot"
    """User part of our own address where no trunk gives one."""
    accept_from: AcceptFrom = AcceptFrom.ANYONE
    allow_networks: Sequence[str] = ()
    """Further networks, such as 10.0.0.0/8, whose calls are taken with `AcceptFrom.TRUNKS`: agents' telephones."""
    calls_per_second: float = 25.0
    """New calls a second that are let in; callers beyond it get 503 and may try again."""
    max_calls: int = 60
    """Calls at once, both directions; beyond it callers get 486 and dialling fails with OVERLOADED."""
    expose_headers: Sequence[str] = ("X-Voicebot-Brief", "X-Attempt-Id")
    """Further headers of an incoming call to be kept in `CallLeg.headers`; ten at most."""
    rtp_timeout_seconds: int = 30
    """A call that brings no RTP for so long is ended with NETWORK_ERROR; 0 never ends it."""
    answer_timeout_seconds: float = 20.0
    """Time without any sign from a trunk after which dialling fails with NETWORK_ERROR."""
