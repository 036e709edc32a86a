"""A flow as the machine runs it: compiled from YAML, every name resolved, every part with its place."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Flow:
    """A flow with the sub-flows it uses. `voicebot.dialog.loader.load_flow(name_or_path, library)` makes one."""

    name: str
    title: str
    language: str
    direction: str
    """outbound, inbound or voicemail."""
    policy: str
    """Rule pack: cn, us, ..."""
    hash: str
    """SHA-256 over the flow, its sub-flows and its lines: the version a call keeps."""
