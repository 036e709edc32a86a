"""Proves edited flows in a process of its own: the proofs keep a core busy for seconds, and calls must not notice.

A version that was proven once is not proven again, see `voicebot.call.proofs`.

`python -m voicebot.call.proving` reads what to judge from its standard input and writes the verdicts to its standard
output, both pickled: what the worker is to serve is the very thing that was proven.
"""

from __future__ import annotations

import asyncio
import os
import pickle
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from voicebot.call.proofs import RememberedProofs
from voicebot.dialog.publishing import Judged, judge

_NICE = 10
"""How far the proofs stand back behind everything else on the machine."""


class ProofFault(RuntimeError):
    """The proofs could not be carried out. Nothing is published then."""


async def prove_apart(content: Path, served: Mapping[str, str]) -> Mapping[str, Judged]:
    """As `voicebot.dialog.publishing.judge`, in a child process that dies with the caller's task. Raises ProofFault."""
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "voicebot.call.proving",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        told, complaint = await child.communicate(pickle.dumps((content, dict(served))))
    except BaseException:
        if child.returncode is None:
            child.kill()
            await child.wait()
        raise
    if child.returncode:
        raise ProofFault(
            f"the proofs ended with status {child.returncode}: {complaint.decode(errors='replace')[-2000:]}"
        )
    # One by one: unpickling holds the interpreter, and a live call's audio must not wait for all flows at once.
    return {name: await asyncio.to_thread(_unpacked, packed) for name, packed in _unpacked(told).items()}


def _unpacked(told: bytes) -> Any:
    return pickle.loads(told)  # noqa: S301 - it comes from our own child process


def main() -> None:
    """The child's side."""
    os.nice(_NICE)
    content, served = _unpacked(sys.stdin.buffer.read())
    judged = judge(content, served, RememberedProofs.of_this_engine())
    sys.stdout.buffer.write(pickle.dumps({name: pickle.dumps(verdict) for name, verdict in judged.items()}))


if __name__ == "__main__":
    main()
