"""Whatever is sent, the answer is JSON that says what is wrong, where and how to mend it; nothing is half done."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from voicebot.console import ConsoleLimits

Console = Any
Opener = Any

CASE = {
    "name": "李示例",
    "numbers": ["13800000002"],
    "creditor": "示例银行",
    "amount_due": "1200.50",
    "due_date": "2026-11-01",
}
JSON = {"Content-Type": "application/json"}


async def post(console: Console, path: str, data: bytes, headers: dict[str, str] = JSON) -> tuple[int, dict[str, Any]]:
    response = await console.client.post(path, data=data, headers={**console.auth("operator"), **headers})
    body = await response.json(content_type=None)
    if response.status >= 400:
        assert response.content_type == "application/problem+json"
        assert body["status"] == response.status
        assert body["detail"]
        assert body["remedy"]
        assert body["instance"] == path
    return response.status, body


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "not JSON"),
        (b"{", "line 1, column 2"),
        (b"\xff\xfe", "not UTF-8"),
        (b'{"case": NaN}', "NaN"),
        (b"[" * 100_000, "not JSON that can be used"),
        (b"1" * 5000, "not JSON that can be used"),
    ],
)
async def test_bodies_that_cannot_be_read_are_refused_with_the_place(console: Console, data: bytes, said: str) -> None:
    status, problem = await post(console, "/api/v1/calls", data)
    assert status == 400
    assert said in problem["detail"]


@pytest.mark.parametrize("value", [None, [], "text", 7, True, {}])
async def test_bodies_of_the_wrong_shape_name_what_is_missing(console: Console, value: object) -> None:
    status, problem = await post(console, "/api/v1/calls", json.dumps(value).encode())
    assert status == 422
    assert problem["errors"]


async def test_all_mistakes_of_a_body_come_at_once_with_their_places(console: Console) -> None:
    data = {**CASE, "amount_due": -1, "due_date": "tomorrow", "colour": "red", "numbers": []}
    status, problem = await post(console, "/api/v1/cases", json.dumps(data).encode())
    assert status == 422
    by_place = {error["where"]: error for error in problem["errors"]}
    assert set(by_place) == {"body.amount_due", "body.due_date", "body.colour", "body.numbers"}
    assert by_place["body.colour"]["remedy"].startswith("Leave it out. Known: external_id, name")
    assert "YYYY-MM-DD" in by_place["body.due_date"]["remedy"]


async def test_only_json_is_taken(console: Console) -> None:
    status, _ = await post(console, "/api/v1/calls", b"case=1", {"Content-Type": "application/x-www-form-urlencoded"})
    assert status == 415


async def test_a_body_over_the_limit_is_refused(open_console: Opener) -> None:
    console = await open_console(ConsoleLimits(max_body_bytes=2000))
    status, problem = await post(console, "/api/v1/cases", b'"' + b"x" * 2000 + b'"')
    assert status == 413
    assert "max_body_bytes" in problem["remedy"]


async def test_a_case_is_added_then_changed_by_its_external_id(console: Console) -> None:
    data = {**CASE, "external_id": "contract-7"}
    first, made = await post(console, "/api/v1/cases", json.dumps(data).encode())
    second, changed = await post(console, "/api/v1/cases", json.dumps({**data, "amount_due": "900"}).encode())
    assert (first, second) == (201, 200)
    assert made["id"] == changed["id"]
    stored = await console.store.cases.get(made["id"])
    assert stored.debtor.numbers[0].number == "+8613800000002"
    assert str(stored.debt.amount_due.normalize()) == "9E+2"


async def test_what_an_operator_hands_in_comes_back_masked(console: Console) -> None:
    _, made = await post(console, "/api/v1/cases", json.dumps(CASE).encode())
    assert (made["name"], made["amount_due"]) == ("李**", None)
    response = await console.client.get(f"/api/v1/cases/{made['id']}", headers=console.auth("officer"))
    assert (await response.json())["name"] == "李示例"
    listed = await (await console.client.get("/api/v1/cases", headers=console.auth("operator"))).json()
    assert {case["name"] for case in listed["cases"]} == {"李**", "王**"}


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"numbers": ["12"]}, "body.numbers"),
        ({"numbers": ["+86"]}, "body.numbers"),
        ({"numbers": ["138 0000 call"]}, "body.numbers"),
        ({"numbers": ["1380"], "jurisdiction": "cn"}, "body.numbers"),
        ({"name": "王\n小样"}, "body.name"),
        ({"name": "\u0000"}, "body.name"),
        ({"amount_due": "1e400"}, "body.amount_due"),
        ({"amount_due": "NaN"}, "body.amount_due"),
        ({"id_last_four": "12345"}, "body.id_last_four"),
        ({"time_zone": "../etc/passwd"}, "body.time_zone"),
        ({"time_zone": "x" * 5000}, "body.time_zone"),
        ({"payday": 32}, "body.payday"),
    ],
)
async def test_case_data_that_cannot_be_true_is_refused(console: Console, change: dict[str, Any], place: str) -> None:
    status, problem = await post(console, "/api/v1/cases", json.dumps({**CASE, **change}).encode())
    assert status == 422
    assert [error["where"].rsplit(".0", 1)[0] for error in problem["errors"]] == [place]


@pytest.mark.parametrize("query", ["limit=0", "limit=501", "limit=x", "status=lost", "colour=red", "limit=1&limit=2"])
async def test_queries_with_mistakes_are_refused(console: Console, query: str) -> None:
    response = await console.client.get(f"/api/v1/cases?{query}", headers=console.auth("operator"))
    problem = await response.json(content_type="application/problem+json")
    assert response.status == 422
    assert problem["errors"][0]["where"] == f"query.{query.partition('=')[0]}"


async def test_a_time_without_a_zone_is_refused(console: Console) -> None:
    response = await console.client.get("/api/v1/calls?before=2026-11-20T09:00:00", headers=console.auth("operator"))
    assert response.status == 422


async def test_what_is_not_there_and_what_is_not_offered_are_problems_too(console: Console) -> None:
    missing = await console.client.get("/api/v2/calls")
    assert missing.status == 404
    assert (await missing.json(content_type=None))["type"] == "urn:voicebot:problem:not-found"
    wrong = await console.client.put("/api/v1/calls", headers=console.auth("admin"))
    assert wrong.status == 405
    assert wrong.headers["Allow"] == "GET, POST"


async def test_a_fault_of_ours_shows_no_traceback(console: Console, caplog: pytest.LogCaptureFixture) -> None:
    async def broken(*arguments: object, **named: object) -> None:
        raise RuntimeError("secret inside")

    console.placer.place = broken
    status, problem = await post(console, "/api/v1/calls", json.dumps({"case": "c", "flow": "f"}).encode())
    assert status == 500
    assert "secret inside" not in json.dumps(problem)
    assert "secret inside" in caplog.text


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
HOSTILE_TEXT = st.text(max_size=60) | st.sampled_from(
    ["\u0000", "'; DROP TABLE cases; --", "../../etc", "\ud800", "٣" * 11]
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    path=st.sampled_from(["/api/v1/calls", "/api/v1/cases"]),
    body=JSON_VALUES
    | st.fixed_dictionaries({}, optional={key: HOSTILE_TEXT | JSON_VALUES for key in [*CASE, "case", "flow", "to"]}),
)
async def test_no_body_makes_the_console_fail(console: Console, path: str, body: Any) -> None:
    status, _ = await post(console, path, json.dumps(body).encode())
    assert status in {200, 201, 202, 422}


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(max_size=200))
async def test_no_bytes_make_the_console_fail(console: Console, data: bytes) -> None:
    status, _ = await post(console, "/api/v1/cases", data)
    assert status in {400, 422}


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    change=st.dictionaries(
        st.sampled_from([*CASE, "external_id", "honorific", "dialect", "risk_tier"]), HOSTILE_TEXT, max_size=2
    )
)
async def test_hostile_words_in_a_case_are_stored_as_words_or_refused(console: Console, change: dict[str, str]) -> None:
    status, body = await post(console, "/api/v1/cases", json.dumps({**CASE, **change}).encode())
    assert status in {200, 201, 422}
    if status == 201 and "name" in change:
        stored = await console.store.cases.get(body["id"])
        assert stored.debtor.name == change["name"].strip()
