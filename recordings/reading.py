"""Reads evidence back: the timeline's entries, and the audio as a two-channel WAV."""

from __future__ import annotations

import json
import wave
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from recordings.canonical import Fault
from recordings.cipher import KeyFault, KeyRing
from recordings.container import Side, open_chunk, part_cipher, read_audio_header, read_chunks
from recordings.folder import audio_name, part_numbers, timeline_name
from recordings.header import PartHeader
from recordings.timeline import Entry, open_line, read_lines, read_timeline_header


@dataclass(frozen=True)
class Export:
    """What `export_wav` wrote."""

    path: Path
    seconds: float
    sample_rate: int
    """Hz."""
    sha256: str
    """Of the WAV file, hexadecimal."""


def read_entries(folder: Path, keys: KeyRing | None) -> Iterator[Entry]:
    """Entries of a call in order, those of a live or crashed call too, up to the last whole one.

    Raises Fault where the chain breaks, KeyFault when they are sealed and the key is not there, and OSError.
    """
    for number in part_numbers(folder):
        with (folder / timeline_name(number)).open("rb") as file:
            header, chain = read_timeline_header(file)
            _need_key(header, keys, folder)
            cipher = part_cipher(header, keys, "timeline")
            try:
                for line in read_lines(file, chain, None):
                    yield open_line(line, header, cipher)
            except Fault as fault:
                if not fault.torn:
                    raise
                return


def read_audio(folder: Path, keys: KeyRing | None) -> tuple[NDArray[np.int16], int]:
    """Audio of a call, shape (frames, 2), channel 0 the caller, and its sample rate in Hz. Raises as `read_entries`."""
    pieces: list[tuple[Side, int, bytes]] = []
    rate = 0
    for number in part_numbers(folder):
        with (folder / audio_name(number)).open("rb") as file:
            header, chain = read_audio_header(file)
            _need_key(header, keys, folder)
            rate = header.sample_rate
            cipher = part_cipher(header, keys, "audio")
            try:
                pieces.extend(
                    (chunk.side, chunk.first_frame, open_chunk(chunk, cipher)) for chunk in read_chunks(file, chain)
                )
            except Fault as fault:
                if not fault.torn:
                    raise
    if not rate:
        raise FileNotFoundError(2, "there is no audio of a call here", str(folder))
    frames = max((first + len(pcm) // 2 for _, first, pcm in pieces), default=0)
    audio = np.zeros((frames, len(Side)), dtype=np.int16)
    for side, first, pcm in pieces:
        audio[first : first + len(pcm) // 2, side] = np.frombuffer(pcm, dtype="<i2")
    return audio, rate


def export_wav(folder: Path, target: Path, keys: KeyRing | None) -> Export:
    """Writes the call as a WAV, the caller left and the engine right, and beside it a note of where it came from."""
    audio, rate = read_audio(folder, keys)
    with wave.open(str(target), "wb") as file:
        file.setnchannels(len(Side))
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(audio.astype("<i2").tobytes())
    digest = sha256(target.read_bytes()).hexdigest()
    note = {"evidence": str(folder), "sha256": digest, "sample_rate": rate, "channels": ["caller", "engine"]}
    target.with_suffix(target.suffix + ".json").write_text(json.dumps(note, indent=1) + "\n", encoding="utf-8")
    return Export(target, len(audio) / rate, rate, digest)


def _need_key(header: PartHeader, keys: KeyRing | None, folder: Path) -> None:
    if header.key_id is not None and keys is None:
        raise KeyFault(f"{folder} is sealed with key {header.key_id}; give its key file with --keys")
