"""Two-channel recorder, evidence, encryption, retention. Imports nothing of the engine."""

from recordings.cipher import Key, KeyFault, KeyRing
from recordings.container import Side
from recordings.manifest import CallSummary, Manifest
from recordings.problem import EvidenceProblem, ProblemKind
from recordings.reading import Export, export_wav, read_audio, read_entries
from recordings.recorder import CallEvidence
from recordings.recovery import Recovery, recover
from recordings.timeline import Entry
from recordings.verify import Verification, verify, verify_all

__all__ = [
    "CallEvidence",
    "CallSummary",
    "Entry",
    "EvidenceProblem",
    "Export",
    "Key",
    "KeyFault",
    "KeyRing",
    "Manifest",
    "ProblemKind",
    "Recovery",
    "Side",
    "Verification",
    "export_wav",
    "read_audio",
    "read_entries",
    "recover",
    "verify",
    "verify_all",
]
