"""Stream messages are read as Twilio documents them, in their order; anything else is one kind of error."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telephony.twilio_messages import (
    ProtocolViolation,
    StreamConnected,
    StreamDigit,
    StreamMark,
    StreamMedia,
    StreamReader,
    StreamStarted,
    StreamStopped,
    clear_message,
    mark_message,
    media_message,
)

SID = "MZ18ad3ab5a668481ce02b83e7395059f0"
# Messages as Twilio's documentation prints them.
CONNECTED = {"event": "connected", "protocol": "Call", "version": "1.0.0"}
START: dict[str, Any] = {
    "event": "start",
    "sequenceNumber": "1",
    "start": {
        "accountSid": "ACXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX",
        "streamSid": SID,
        "callSid": "CAXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX",
        "tracks": ["inbound"],
        "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
        "customParameters": {"FirstName": "Jane", "LastName": "Doe"},
    },
    "streamSid": SID,
}
MEDIA: dict[str, Any] = {
    "event": "media",
    "sequenceNumber": "3",
    "media": {"track": "inbound", "chunk": "1", "timestamp": "5", "payload": "no+JhoaJjpz/"},
    "streamSid": SID,
}
DTMF = {
    "event": "dtmf",
    "streamSid": SID,
    "sequenceNumber": "5",
    "dtmf": {"track": "inbound_track", "digit": "1"},
}
MARK = {"event": "mark", "sequenceNumber": "4", "streamSid": SID, "mark": {"name": "my label"}}
STOP = {"event": "stop", "sequenceNumber": "5", "stop": {"accountSid": "AC", "callSid": "CA"}, "streamSid": SID}


def reader(*messages: dict[str, Any]) -> StreamReader:
    stream = StreamReader()
    for message in messages:
        stream.read(json.dumps(message))
    return stream


def test_a_whole_stream_as_documented() -> None:
    stream = StreamReader()
    read = [stream.read(json.dumps(message)) for message in (CONNECTED, START, MEDIA, DTMF, MARK, STOP)]
    assert read == [
        StreamConnected(),
        StreamStarted(
            SID, START["start"]["accountSid"], START["start"]["callSid"], {"FirstName": "Jane", "LastName": "Doe"}
        ),
        StreamMedia(bytes.fromhex("9e8f898686898e9cff"), 0.005),
        StreamDigit("1"),
        StreamMark("my label"),
        StreamStopped(),
    ]


def test_a_start_without_parameters_and_a_message_of_tomorrow() -> None:
    start = {**START, "start": {key: value for key, value in START["start"].items() if key != "customParameters"}}
    stream = reader(CONNECTED)
    started = stream.read(json.dumps(start))
    assert isinstance(started, StreamStarted)
    assert started.parameters == {}
    assert stream.read(json.dumps({"event": "weather", "streamSid": SID})) is None
    outbound = {**MEDIA, "media": {**MEDIA["media"], "track": "outbound"}}
    assert stream.read(json.dumps(outbound)) is None


@pytest.mark.parametrize("key", ["Z", "", "12", "flash", "١"])
def test_a_key_that_no_telephone_has_is_ignored_and_said(key: str, caplog: pytest.LogCaptureFixture) -> None:
    stream = reader(CONNECTED, START)
    assert stream.read(json.dumps({**DTMF, "dtmf": {"track": "inbound_track", "digit": key}})) is None
    assert [record.message for record in caplog.records] == ["a key that is not on a telephone was ignored"]
    assert stream.read(json.dumps(DTMF)) == StreamDigit("1")


@pytest.mark.parametrize(
    ("before", "message", "says"),
    [
        ([], START, "expected connected, got start"),
        ([], MEDIA, "expected connected, got media"),
        ([CONNECTED], MEDIA, "expected start, got media"),
        ([CONNECTED], CONNECTED, "expected start, got connected"),
        ([CONNECTED, START], START, "expected media, dtmf, mark or stop, got start"),
        ([CONNECTED, START, STOP], MEDIA, "expected nothing after stop, got media"),
        ([CONNECTED, START], {**MEDIA, "streamSid": "MZ0"}, "expected the streamSid of the start message"),
        ([CONNECTED, START], {"event": "stop"}, "expected a text under 'streamSid', got NoneType"),
    ],
)
def test_the_order_is_kept(before: list[dict[str, Any]], message: dict[str, Any], says: str) -> None:
    with pytest.raises(ProtocolViolation, match=says):
        reader(*before).read(json.dumps(message))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"payload": "no+J hoaJ"}, "expected base64"),
        ({"payload": "签名"}, "expected base64"),
        ({"payload": 7}, "expected a text under 'payload', got int"),
        ({"timestamp": "-5"}, "expected milliseconds"),
        ({"timestamp": "٥"}, "expected milliseconds"),
        ({"timestamp": 5.5}, "expected milliseconds"),
        ({"timestamp": True}, "expected milliseconds"),
        ({"timestamp": "9" * 13}, "got centuries"),
    ],
)
def test_media_is_audio_with_a_time(change: dict[str, Any], says: str) -> None:
    with pytest.raises(ProtocolViolation, match=says):
        reader(CONNECTED, START).read(json.dumps({**MEDIA, "media": {**MEDIA["media"], **change}}))


@pytest.mark.parametrize(
    "change", [{"encoding": "audio/l16"}, {"sampleRate": 16000}, {"sampleRate": "8000"}, {"channels": 2}]
)
def test_another_codec_is_refused_before_it_is_heard_as_noise(change: dict[str, Any]) -> None:
    media_format = {**START["start"]["mediaFormat"], **change}
    with pytest.raises(ProtocolViolation, match="expected one channel of audio/x-mulaw at 8000 Hz, got"):
        reader(CONNECTED).read(json.dumps({**START, "start": {**START["start"], "mediaFormat": media_format}}))


def test_what_we_send_is_what_twilio_takes() -> None:
    assert json.loads(media_message(SID, b"\xff\x7f")) == {
        "event": "media",
        "streamSid": SID,
        "media": {"payload": "/38="},
    }
    assert json.loads(mark_message(SID, "m1")) == {"event": "mark", "streamSid": SID, "mark": {"name": "m1"}}
    assert json.loads(clear_message(SID)) == {"event": "clear", "streamSid": SID}


_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
_twisted = st.sampled_from([CONNECTED, START, MEDIA, DTMF, MARK, STOP]).flatmap(
    lambda message: st.tuples(st.sampled_from(sorted(message)), _values).map(
        lambda change: {**message, change[0]: change[1]}
    )
)


@given(
    texts=st.lists(st.text(max_size=80) | _values.map(json.dumps) | _twisted.map(json.dumps), max_size=5),
    started=st.booleans(),
)
def test_any_text_is_a_message_or_a_violation(texts: list[str], started: bool) -> None:
    stream = reader(CONNECTED, START) if started else StreamReader()
    violations = []
    for text in texts:
        try:
            stream.read(text)
        except ProtocolViolation as violation:
            violations.append(str(violation))
    assert all(text.startswith("expected ") and len(text) < 250 for text in violations), "nor does it fill the log"
