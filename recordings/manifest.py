"""The manifest that closes a call's evidence: what the files hold, where their chains end, and a signature."""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from recordings.canonical import Fault, canonical, parse_object
from recordings.cipher import KeyRing

MANIFEST = "manifest.json"
FORMAT = 1


@dataclass(frozen=True)
class CallSummary:
    """What the engine knows when a call ends. It is kept readable: no personal data, no amounts."""

    disposition: str = ""
    flow: str = ""
    flow_hash: str = ""
    """SHA-256 of the flow and its lines, hexadecimal."""
    pack_hash: str = ""
    """SHA-256 of the rule pack that guarded the call, hexadecimal."""
    case_id: str | None = None
    versions: Mapping[str, str] = field(default_factory=dict)
    """Of the engine and of every model that heard or spoke."""
    reasons_to_keep: tuple[str, ...] = ()
    """promise, complaint, dispute, oral_agreement: kept at least until the case is settled."""


@dataclass(frozen=True)
class Part:
    """One pair of files."""

    number: int
    audio_file: str
    """Name inside the call's folder."""
    audio_bytes: int
    chunks: int
    audio_chain: str
    """Chain value after the last chunk, hexadecimal."""
    timeline_file: str
    timeline_bytes: int
    entries: int
    timeline_chain: str
    """Chain value after the last entry, hexadecimal."""


@dataclass(frozen=True)
class Manifest:
    """What `evidence verify` holds the files against."""

    call_id: str
    sample_rate: int
    """Hz."""
    started_at: datetime
    closed_at: datetime
    duration_seconds: float
    """Length of the longer side."""
    parts: tuple[Part, ...]
    key_id: str | None
    """Key that seals the files and signs the manifest; None leaves both undone."""
    summary: CallSummary = field(default_factory=CallSummary)
    recovered: bool = False
    """True when the worker died and the evidence was closed afterwards: it ends where the worker died."""
    torn_bytes: int = 0
    """Bytes of an unfinished last write that recovery cut off."""
    lost_seconds: float = 0.0
    """Seconds of audio of either side that no disk took."""
    lost_entries: int = 0

    def to_json(self) -> dict[str, Any]:
        summary = vars(self.summary) | {
            "versions": dict(self.summary.versions),
            "reasons_to_keep": list(self.summary.reasons_to_keep),
        }
        return vars(self) | {
            "format": FORMAT,
            "started_at": self.started_at.isoformat(),
            "closed_at": self.closed_at.isoformat(),
            "parts": [vars(part) for part in self.parts],
            "summary": summary,
        }

    @property
    def digest(self) -> str:
        """SHA-256 of the manifest without its signature, hexadecimal. A database keeps it to tie itself to them."""
        return hashlib.sha256(canonical(self.to_json())).hexdigest()

    def text(self, keys: KeyRing | None) -> bytes:
        """The file's text: the manifest, its digest, and when it has a key the signature (Ed25519 over the digest)."""
        document: dict[str, Any] = {"manifest": self.to_json(), "digest": self.digest}
        if self.key_id is not None and keys is not None:
            signer = keys.signer(self.key_id)
            document["signature"] = {
                "public_key": base64.b64encode(signer.public_key().public_bytes_raw()).decode(),
                "value": base64.b64encode(signer.sign(self.digest.encode())).decode(),
            }
        return canonical(document) + b"\n"

    def write(self, folder: Path, keys: KeyRing | None) -> Path:
        """Writes it whole or not at all. Raises OSError."""
        path = folder / MANIFEST
        beside = folder / f".{MANIFEST}.new"
        with beside.open("wb") as file:
            file.write(self.text(keys))
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
        return path


def read_manifest(path: Path, keys: KeyRing | None = None) -> Manifest:
    """Reads and proves a manifest: its form, its digest, its signature; with `keys`, that the ring made it.

    Raises Fault, KeyFault when the ring lacks the key, and OSError.
    """
    text = path.read_bytes()
    if not text.endswith(b"\n"):
        raise Fault(MANIFEST, "the file ends inside the manifest")
    document = parse_object(text[:-1], MANIFEST)
    manifest = _from_json(document.get("manifest"))
    signature = document.get("signature")
    expected = {"manifest", "digest"} | ({"signature"} if manifest.key_id is not None else set())
    if set(document) != expected:
        raise Fault(MANIFEST, "the signature was taken off, or something was added")
    if manifest.to_json() != document["manifest"] or manifest.digest != document["digest"]:
        raise Fault(MANIFEST, "the manifest was changed: its SHA-256 differs")
    if manifest.key_id is not None:
        _check_signature(manifest, signature, keys)
    return manifest


def _check_signature(manifest: Manifest, signature: Any, keys: KeyRing | None) -> None:
    try:
        public = base64.b64decode(signature["public_key"], validate=True)
        value = base64.b64decode(signature["value"], validate=True)
        Ed25519PublicKey.from_public_bytes(public).verify(value, manifest.digest.encode())
    except (InvalidSignature, KeyError, TypeError, ValueError):
        raise Fault(MANIFEST, "the signature does not fit the manifest") from None
    if keys is not None and manifest.key_id is not None:
        own = keys.signer(manifest.key_id).public_key().public_bytes_raw()
        if own != public:
            raise Fault(MANIFEST, f"it was signed by somebody else: not by key {manifest.key_id} of this ring")


def _from_json(value: Any) -> Manifest:
    try:
        fields = dict(value)
        if fields.pop("format") != FORMAT:
            raise Fault(MANIFEST, f"format {value['format']} is not known to this version")
        summary = dict(fields.pop("summary"))
        summary["reasons_to_keep"] = tuple(summary["reasons_to_keep"])
        return Manifest(
            **fields
            | {
                "started_at": datetime.fromisoformat(fields["started_at"]),
                "closed_at": datetime.fromisoformat(fields["closed_at"]),
                "parts": tuple(Part(**part) for part in fields["parts"]),
                "summary": CallSummary(**summary),
            }
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Fault(MANIFEST, f"a field is missing or malformed ({error})") from None
