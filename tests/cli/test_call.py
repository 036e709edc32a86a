"""`voicebot call` against an engine's API: the answers are shown, the refusals are said as the engine says them."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

import pytest

Invoke = Any

CALL = {
    "id": "c1", "started_at": "2026-11-20T09:00:00Z", "direction": "outbound", "flow": "reminder_first",
    "state": "greet", "disposition": None, "cause": None,
}  # fmt: skip
TIMELINE = [
    {"media_seconds": 0.5, "kind": "line.said", "data": {"text": "您好"}},
    {"media_seconds": 2.0, "kind": "turn.heard", "data": {"text": "喂"}},
    {"media_seconds": 3.0, "kind": "dialog.decision", "data": {"state": "verify", "actions": []}},
]
PROBLEM = {
    "title": "The request contains mistakes", "detail": "The body contains mistakes.", "remedy": "See `errors`.",
    "errors": [{"where": "body.flow", "what": "no such flow", "remedy": "List flows."}],
}  # fmt: skip


class Engine(BaseHTTPRequestHandler):
    """Answers as the console does."""

    seen: ClassVar[list[tuple[str, str, dict[str, str], bytes]]] = []

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.seen.append((self.command, self.path, dict(self.headers.items()), body))
        status, value = self._value(body)
        raw = b"" if value is None else json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def _value(self, body: bytes) -> tuple[int, Any]:
        match self.command, self.path.partition("?")[0]:
            case "POST", "/api/v1/calls":
                return (422, PROBLEM) if b"wrong" in body else (202, {"id": "c1"})
            case "GET", "/api/v1/calls":
                return 200, {"calls": [CALL]}
            case "GET", "/api/v1/calls/c1":
                return 200, CALL
            case "GET", "/api/v1/calls/c1/timeline":
                return 200, {"entries": TIMELINE}
            case "DELETE", "/api/v1/calls/c1":
                return 204, None
        return 500, "no problem document"

    do_GET = do_POST = do_DELETE = _answer

    def log_message(self, format: str, *args: Any) -> None: ...


@pytest.fixture
def engine(folder: object, monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Engine]]:
    Engine.seen = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Engine)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    monkeypatch.setenv("VOICEBOT_URL", f"http://127.0.0.1:{server.server_address[1]}")
    monkeypatch.setenv("VOICEBOT_TOKEN", "vbt_a_b")
    yield Engine
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_call_is_placed_with_token_and_key(invoke: Invoke, engine: type[Engine]) -> None:
    placed = invoke("call", "place", "case-1", "reminder_first", "--key", "k1")
    assert placed.exit_code == 0, placed.output
    assert placed.stdout == "c1\n"
    _, _, headers, body = engine.seen[0]
    assert headers["Authorization"] == "Bearer vbt_a_b"
    assert headers["Idempotency-Key"] == "k1"
    assert json.loads(body) == {"case": "case-1", "flow": "reminder_first"}


def test_a_refusal_is_said_with_place_and_remedy(invoke: Invoke, engine: type[Engine]) -> None:
    refused = invoke("call", "place", "case-1", "wrong")
    assert refused.exit_code == 1
    assert "body.flow: no such flow. List flows." in refused.stderr
    assert "See `errors`." in refused.stderr


def test_calls_are_listed_and_one_is_shown_with_its_words(invoke: Invoke, engine: type[Engine]) -> None:
    listed = invoke("call", "list", "--live", "--case", "a b&c")
    assert "reminder_first" in listed.stdout
    assert engine.seen[0][1] == "/api/v1/calls?limit=50&live=true&case=a%20b%26c"
    shown = invoke("call", "show", "c1", "--timeline")
    assert "来电人 caller: 喂" in shown.stdout
    assert "dialog.decision state=verify" in shown.stdout
    assert json.loads(invoke("call", "show", "c1", "--timeline", "--json").stdout)["timeline"] == TIMELINE


def test_a_call_is_ended(invoke: Invoke, engine: type[Engine]) -> None:
    assert invoke("call", "hang-up", "c1").exit_code == 0
    assert engine.seen[0][:2] == ("DELETE", "/api/v1/calls/c1")


def test_an_answer_that_is_not_the_engines_is_said(invoke: Invoke, engine: type[Engine]) -> None:
    strange = invoke("call", "show", "../../etc")
    assert strange.exit_code == 1
    assert "answered 500" in strange.stderr
    assert engine.seen[0][1] == "/api/v1/calls/..%2F..%2Fetc"


def test_an_engine_that_is_not_there_is_said(invoke: Invoke) -> None:
    nobody = invoke("call", "list", "--url", "http://127.0.0.1:9", "--token", "t")
    assert nobody.exit_code == 1
    assert "voicebot serve" in nobody.stderr
