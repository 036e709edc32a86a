"""Numbers and words in SIP headers: name-addr (RFC 3261 section 25.1), tel URIs (RFC 3966), text beyond ASCII. Pure."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from urllib.parse import unquote

HEADER_BYTES = 1000
"""Longest value of a header that arrives whole; the stack cuts at 1024."""

_WITHHELD = frozenset({"anonymous", "unavailable", "unknown", "restricted", "private", ""})
_URI = re.compile(r"(?:sips?|tel):[^<>\s,]*", re.IGNORECASE)
_NUMBER = re.compile(r"\+?[0-9A-Za-z*#][0-9A-Za-z*#._-]{0,63}")
_ENCODED = re.compile(r"=\?utf-8\?b\?([A-Za-z0-9+/=]*)(?:\?=)?", re.IGNORECASE)


def user_of(value: str | None) -> str | None:
    """The user or number in a header value or URI, None when withheld or absent."""
    uri = uri_of(value)
    if uri is None:
        return None
    scheme, _, rest = uri.partition(":")
    if scheme.lower() == "tel":
        user = rest
    elif "@" in rest:
        user = rest.partition("@")[0].partition(":")[0]
    else:
        return None
    user = unquote(user.partition(";")[0])
    return None if user.lower() in _WITHHELD else user


def host_of(value: str | None) -> str | None:
    """The host in a header value or URI, without port, in lower case."""
    uri = uri_of(value)
    if uri is None or uri.lower().startswith("tel:"):
        return None
    hostport = re.split(r"[;?]", uri.partition(":")[2].rpartition("@")[2])[0]
    return _without_port(hostport)


def port_of(value: str | None) -> int:
    """The port in a header value or URI; where none is named, the one that stands for it: 5060, or 5061 for sips."""
    uri = uri_of(value) or ""
    found = re.search(r":(\d{1,5})$", re.split(r"[;?]", uri.partition(":")[2].rpartition("@")[2])[0])
    if found is not None:
        return int(found[1])
    return 5061 if uri.lower().startswith("sips:") else 5060


def uri_of(value: str | None) -> str | None:
    """The first SIP or tel URI in a header value."""
    found = _URI.search(value or "")
    if found is None:
        return None
    uri = found[0]
    # Outside angle brackets what follows a semicolon belongs to the header; the user part may hold one of its own.
    return uri if "<" in (value or "") else uri.partition(";")[0]


def sent_by(via: str | None) -> str | None:
    """The host that the last hop says it is: sent-by of the topmost Via (RFC 3261 section 18.2.1)."""
    found = re.match(r"\s*SIP\s*/\s*2\.0\s*/\s*\w+\s+([^;,\s]+)", via or "", re.IGNORECASE)
    return _without_port(found[1]) if found else None


def caller_number(headers: Mapping[str, str]) -> str | None:
    """Who calls: the network's word (P-Asserted-Identity, RFC 3325) before the caller's own (From)."""
    return user_of(headers.get("p-asserted-identity")) or user_of(headers.get("from"))


def dialled_number(headers: Mapping[str, str]) -> str:
    """What was dialled: To; empty when the caller named no user."""
    return user_of(headers.get("to")) or ""


def is_number(text: str) -> bool:
    """Whether the text can stand before the @ of a SIP URI as a number or a name."""
    return _NUMBER.fullmatch(text) is not None


def header_text(value: str) -> str:
    """A value fit for a SIP header: printable ASCII as it is, else one RFC 2047 word; cut to what arrives whole."""
    flat = " ".join(value.split())
    if flat.isascii() and flat.isprintable() and "=?" not in flat:
        return flat[:HEADER_BYTES]
    room = (HEADER_BYTES - len("=?utf-8?b??=")) // 4 * 3
    raw = flat.encode()
    if len(raw) > room:
        raw = raw[: room - len("…".encode())].decode(errors="ignore").encode() + "…".encode()
    return f"=?utf-8?b?{base64.b64encode(raw).decode()}?="


def text_of_header(value: str) -> str:
    """The words of a header value written by `header_text`; any other value as it is."""
    found = _ENCODED.fullmatch(value.strip())
    if found is None:
        return value
    word = found[1][: len(found[1]) // 4 * 4]
    try:
        return base64.b64decode(word, validate=True).decode(errors="ignore")
    except binascii.Error:
        return value


def _without_port(hostport: str) -> str | None:
    host = hostport.strip().lower()
    if host.startswith("["):
        return host.partition("]")[0].lstrip("[") or None
    return host.partition(":")[0] or None
