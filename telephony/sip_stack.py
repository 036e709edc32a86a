"""Our settings in baresip's terms, and its refusals in ours."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import logging
import socket
from collections.abc import Iterable, Mapping, Sequence

from baresip import Account, BaresipError, Config

from telephony.carrier import CarrierUnavailable
from telephony.sip_address import host_of
from telephony.sip_gate import GateRules
from telephony.sip_trunk import AcceptFrom, SipSettings, SipTrunk

logger = logging.getLogger(__name__)

STANDARD_HEADERS = ("From", "To", "Via", "Diversion", "P-Asserted-Identity", "Referred-By")


def account(settings: SipSettings, trunk: SipTrunk | None, caller_id: str | None) -> Account:
    """The identity calls go out under, through a trunk or directly; with a caller id, one that shows it in From."""
    plain = ("video_codecs=none",)
    if trunk is None:
        # Our own address takes any number: which call is for whom is decided above SIP.
        codecs = list(dict.fromkeys(codec.value for each in settings.trunks for codec in each.codecs))
        return Account(
            caller_id or settings.user,
            own_address(settings.host),
            "",
            reg_interval=0,
            audio_codecs=tuple(codecs or ("pcmu", "pcma")),
            dtmf_mode="auto",
            extra_params=plain if caller_id else ("catchall=yes", *plain),
        )
    return Account(
        caller_id or trunk.user or settings.user,
        trunk.domain or f"{trunk.host}:{trunk.port}",
        trunk.password,
        registrar=trunk.outbound_proxy,
        reg_interval=trunk.register_seconds if trunk.register and caller_id is None else 0,
        transport=trunk.transport.value,
        audio_codecs=tuple(codec.value for codec in trunk.codecs),
        dtmf_mode=trunk.dtmf.value,
        auth_user=trunk.auth_user or (trunk.user if caller_id and trunk.user else None),
        extra_params=plain,
    )


def stack_config(settings: SipSettings) -> Config:
    """The stack's own settings.

    It keeps no jitter buffer. Nobody listens to this stream in real time but an agent, whose side has a cushion of its
    own; a buffer would hold every answer back by its length, and one that grows or shrinks in mid-call would move the
    caller's channel of the recording against the engine's.
    """
    first, last = settings.rtp_ports
    return Config(
        net_interface=None if _is_every_address(settings.host) else settings.host,
        max_concurrent_calls=settings.max_calls,
        native_log_level="error",
        rtp_timeout=settings.rtp_timeout_seconds,
        expose_headers=(*STANDARD_HEADERS, *settings.expose_headers),
        extra_config_text=(
            f"sip_listen {settings.host}:{settings.port}\nrtp_ports {first}-{last}\naudio_jitter_buffer_type off\n"
        ),
    )


def own_address(host: str) -> str:
    """The address in our own SIP URI: where we listen or, listening everywhere, where the network sees us."""
    if not _is_every_address(host):
        return host
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            # Connecting a UDP socket sends nothing; it only asks the routing table. The address is a documentation one.
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return "127.0.0.1"
        return str(probe.getsockname()[0])


def _is_every_address(host: str) -> bool:
    return host in {"0.0.0.0", "::"}  # noqa: S104


def check_address(settings: SipSettings) -> None:
    """The stack starts without a word on an address that is not ours; so it is tried here first."""
    where = f"{settings.host}:{settings.port}"
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    for kind, protocol in ((socket.SOCK_DGRAM, "UDP"), (socket.SOCK_STREAM, "TCP")):
        with socket.socket(family, kind) as probe:
            if kind == socket.SOCK_STREAM:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((settings.host, settings.port))
            except OSError as error:
                raise CarrierUnavailable(_bind_advice(where, protocol, error)) from error
            except (OverflowError, UnicodeError) as error:
                raise CarrierUnavailable(f"SIP cannot listen on {where}: {error}. Mend host and port.") from error


def _bind_advice(where: str, protocol: str, error: OSError) -> str:
    remedy = {
        98: "Another program has the port: stop it (ss -lntup shows which) or set another port.",
        99: "This machine has no such address: use one that `ip address` lists, or 0.0.0.0 for all.",
        13: "Ports below 1024 need a privilege: use 5060 or above.",
    }.get(error.errno or 0, "Set an address and a port that this machine can listen on.")
    return f"SIP cannot listen on {where} ({protocol}): {error.strerror or error}. {remedy}"


def start_advice(settings: SipSettings, error: BaresipError) -> str:
    """What to tell the operator when the stack does not start."""
    where = f"{settings.host}:{settings.port}"
    if "another Runtime" in str(error):
        return "A SIP carrier is running in this process already, and there can be but one. Give it all the trunks."
    return f"The SIP stack did not start on {where}: {error}. Check the address, the port and the RTP port range."


async def addresses(*hosts: str | None) -> Sequence[str]:
    """The hosts' names and every address they stand for; a name that does not resolve is kept as it is."""
    found: list[str] = []
    for host in hosts:
        if host is None:
            continue
        name = host_of(f"sip:{host}" if not host.startswith("sip") else host) or host.lower()
        found.append(name)
        try:
            entries = await asyncio.get_running_loop().getaddrinfo(name, None, type=socket.SOCK_DGRAM)
        except OSError:
            logger.warning("trunk's name does not resolve", extra={"host": name})
            continue
        found += sorted({str(entry[4][0]) for entry in entries})
    return found


def gate_rules(settings: SipSettings, hosts_of_trunk: Mapping[str, Iterable[str]]) -> GateRules:
    """Who is let in. Raises CarrierUnavailable for a network that is none."""
    if settings.accept_from is AcceptFrom.ANYONE:
        return GateRules(None, settings.calls_per_second)
    try:
        networks = [ipaddress.ip_network(network, strict=False) for network in settings.allow_networks]
    except ValueError as error:
        raise CarrierUnavailable(f"allow_networks: {error}. Write networks as 10.0.0.0/8 or 192.0.2.7.") from error
    for hosts in hosts_of_trunk.values():
        for host in hosts:
            with contextlib.suppress(ValueError):
                networks.append(ipaddress.ip_network(host))
    return GateRules(tuple(networks), settings.calls_per_second)
