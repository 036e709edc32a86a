"""Reads a folder of two-channel WAV files with a JSON file beside each. The shape is in docs/speech.md."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from voicebot.call.backchannel import only_listening
from voicebot.call.turns.annotation import AnnotatedCall, BotLine, CallerSpeech, Pause, PauseKind, SpeechKind
from voicebot.speech.wav import Recording, WavError, read_channels
from voicebot.understanding.meaning import Expecting

Place = tuple[str | int, ...]
"""Keys and positions that lead to a value in the file."""

_BEGINS = ("start", "begin", "begins", "from", "onset")
_ENDS = ("end", "ends", "to", "stop", "offset")
_LENGTHS = ("duration", "length")
_SPEAKERS = ("speaker", "who", "role", "side", "channel", "party")
_KINDS = ("kind", "type", "label", "category")
_TIMELINES = ("segments", "events", "turns", "utterances", "speech", "timeline", "items")
_PAUSES = ("pauses", "silences", "gaps")
_CALLER = frozenset(["caller", "callee", "customer", "debtor", "human", "user", "client", "person", "far"])
_BOT = frozenset(["bot", "agent", "system", "assistant", "robot", "engine", "machine", "tts", "near"])
_SPEECH = {
    SpeechKind.TURN: "turn speech answer utterance statement normal question reply talk",
    SpeechKind.BARGE_IN: "barge_in bargein barge interruption interrupt interrupting interrupts",
    SpeechKind.BACKCHANNEL: "backchannel back_channel listening acknowledgement acknowledgment ack filler",
    SpeechKind.NOISE: "noise cough background laugh breath",
}
_PAUSE = {
    PauseKind.WITHIN_TURN: "within_turn within mid_turn in_turn inside_turn intra_turn inside hesitation hesitating "
    "thinking think breath dictation dictating continue continues hold mid_sentence mid_utterance",
    PauseKind.END_OF_TURN: "end_of_turn end turn_end endpoint final finished complete eot done yield shift "
    "between_turns",
}
_NEAREST_BARGE_IN = 0.3
"""Seconds before the end of a bot line: speech that begins later than that is an early answer, no barge-in."""

Kind = TypeVar("Kind", SpeechKind, PauseKind)


class AnnotationError(Exception):
    """The folder, or a file in it, cannot be used. The message has file, line and remedy, one fault a line."""


class _Fault(Exception):
    def __init__(self, place: Place, message: str) -> None:
        super().__init__(message)
        self.place = place


def read_calls(folder: Path) -> list[AnnotatedCall]:
    """Reads every annotated call of a folder, by name. Raises `AnnotationError` with all faults at once."""
    if not folder.is_dir():
        raise AnnotationError(f"{folder}: not a folder. Give the folder with the WAV files and a JSON file beside each")
    calls: list[AnnotatedCall] = []
    faults: list[str] = []
    used: set[Path] = set()
    for file in sorted(folder.glob("*.json")):
        try:
            read = _read(file)
        except AnnotationError as fault:
            faults.append(str(fault))
            used.add(file.with_suffix(".wav"))
            continue
        if read is not None:
            calls.append(read[0])
            used.add(read[1])
    for sound in sorted(folder.glob("*.wav")):
        if sound not in used:
            faults.append(f"{sound}:1: no {sound.stem}.json beside it. Write who speaks when, and what each pause is")
    if not calls and not faults:
        faults.append(f"{folder}: no calls. Put WAV files there, caller left and bot right, each with a JSON beside it")
    if faults:
        raise AnnotationError("\n".join(faults))
    return calls


def _read(file: Path) -> tuple[AnnotatedCall, Path] | None:
    """The call of one JSON file and its sound; None for JSON that is no annotation."""
    try:
        text = file.read_text(encoding="utf-8-sig")
        content: Any = json.loads(text)
    except json.JSONDecodeError as broken:
        raise AnnotationError(f"{file}:{broken.lineno}: not JSON ({broken.msg}). Mend it there") from broken
    except (OSError, UnicodeDecodeError, RecursionError) as unreadable:
        raise AnnotationError(f"{file}:1: cannot be read ({unreadable}). Give UTF-8 JSON") from unreadable
    head: Mapping[str, Any] = content if isinstance(content, dict) else {}
    named = next((head[key] for key in ("audio", "wav", "file", "recording") if isinstance(head.get(key), str)), None)
    sound = file.parent / named if named else file.with_suffix(".wav")
    if not sound.exists() and not named and not (set(head) & {*_TIMELINES, *_PAUSES}):
        return None
    try:
        return _call(file.stem, content, head, sound), sound
    except _Fault as fault:
        raise AnnotationError(f"{file}:{_line(text, fault.place)}: {fault}") from fault


def _call(name: str, content: Any, head: Mapping[str, Any], sound: Path) -> AnnotatedCall:
    lines: list[BotLine] = []
    speech: list[tuple[CallerSpeech, bool]] = []
    pauses: list[Pause] = []
    for place, row, speaker in _rows(content):
        kind_word = _word(row, _KINDS)
        if kind_word in _words(_PAUSE) and speaker is not False:
            pauses.append(Pause(*_span(place, row), _kind(place, kind_word, _PAUSE)))
            continue
        if speaker is None:
            raise _Fault(place, 'no "speaker". Add "speaker": "caller" or "bot"')
        begins, ends = _span(place, row)
        text = row.get("text") or ""
        if not isinstance(text, str):
            raise _Fault((*place, "text"), "the text is not a string. Put it in quotation marks")
        if not speaker:
            lines.append(_line_of_bot(place, row, begins, ends, text))
            continue
        told = kind_word is not None
        kind = _kind(place, kind_word, _SPEECH) if told else SpeechKind.TURN
        speech.append((CallerSpeech(begins, ends, kind, text), told))
        pauses += _pause_after(place, row, ends)
    for key in _PAUSES:
        if isinstance(head.get(key), list):
            for number, item in enumerate(head[key]):
                place = (key, number)
                row = _object(place, item)
                pauses.append(Pause(*_span(place, row), _kind(place, _word(row, _KINDS), _PAUSE)))
    if not speech and not pauses:
        raise _Fault((), 'nobody speaks. Add "segments": [{"speaker": "caller", "start": 1.2, "end": 2.4}, …]')
    lines.sort(key=lambda line: line.begins)
    heard = sorted((_told(one, told, lines) for one, told in speech), key=lambda one: one.begins)
    found = _settled(pauses, heard) if pauses else _derived(heard, lines)
    language = head.get("language") if isinstance(head.get("language"), str) else None
    return AnnotatedCall(name, _caller(head, sound), language or "zh-CN", tuple(lines), tuple(heard), tuple(found))


def _rows(content: Any) -> Iterator[tuple[Place, Mapping[str, Any], bool | None]]:
    """Every item of the timeline, with True for the caller, False for the bot, None where it is not said."""
    if isinstance(content, list):
        yield from _listed((), content, None)
        return
    if not isinstance(content, dict):
        raise _Fault((), 'not an object. Write {"segments": [...], "pauses": [...]}')
    for key, value in content.items():
        side = _side(key)
        if isinstance(value, list) and (key in _TIMELINES or side is not None):
            yield from _listed((key,), value, side)
        elif isinstance(value, dict) and key in _TIMELINES:
            for inner, rows in value.items():
                if isinstance(rows, list) and _side(inner) is not None:
                    yield from _listed((key, inner), rows, _side(inner))


def _listed(
    place: Place, rows: Sequence[Any], side: bool | None
) -> Iterator[tuple[Place, Mapping[str, Any], bool | None]]:
    for number, row in enumerate(rows):
        here = (*place, number)
        item = _object(here, row)
        said = _word(item, _SPEAKERS)
        of_item = _side(said) if said is not None else None
        if said is not None and of_item is None:
            raise _Fault(here, f'unknown speaker {said!r}. Write "caller" or "bot"')
        yield here, item, of_item if of_item is not None else side


def _object(place: Place, row: Any) -> Mapping[str, Any]:
    if isinstance(row, dict):
        return row
    if isinstance(row, list) and len(row) >= 2:
        return {"start": row[0], "end": row[1], **({"text": row[2]} if len(row) > 2 else {})}
    raise _Fault(place, 'neither an object nor a pair of seconds. Write {"start": 1.2, "end": 2.4, …}')


def _side(word: object) -> bool | None:
    plain = str(word).lower().strip().rstrip("0123456789_- ")
    for suffix in ("_segments", "_speech", "_turns", "_channel", "s"):
        plain = plain.removesuffix(suffix)
    return True if plain in _CALLER else False if plain in _BOT else None


def _word(row: Mapping[str, Any], keys: Sequence[str]) -> str | None:
    for key in keys:
        if isinstance(row.get(key), str):
            return str(row[key]).strip().lower().replace("-", "_").replace(" ", "_") or None
    return None


def _words(kinds: Mapping[Kind, str]) -> frozenset[str]:
    return frozenset(" ".join(kinds.values()).split())


def _kind(place: Place, word: str | None, kinds: Mapping[Kind, str]) -> Kind:
    for kind, words in kinds.items():
        if word in words.split():
            return kind
    wanted = ", ".join(kind.value for kind in kinds)
    raise _Fault(place, f"{'no kind' if word is None else f'unknown kind {word!r}'}. Write one of: {wanted}")


def _seconds(place: Place, row: Mapping[str, Any], keys: Sequence[str]) -> float | None:
    for key in keys:
        for name, unit in ((key, 1.0), (f"{key}_seconds", 1.0), (f"{key}_s", 1.0), (f"{key}_ms", 0.001)):
            value = row.get(name)
            if value is None:
                continue
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e8:
                raise _Fault((*place, name), f"{name} is {value!r}. Write seconds from the beginning, such as 1.25")
            return float(value) * unit
    return None


def _span(place: Place, row: Mapping[str, Any]) -> tuple[float, float]:
    begins = _seconds(place, row, _BEGINS)
    ends = _seconds(place, row, _ENDS)
    if ends is None and begins is not None:
        length = _seconds(place, row, _LENGTHS)
        ends = begins + length if length is not None else None
    if begins is None or ends is None:
        raise _Fault(place, 'no times. Add "start" and "end", in seconds (or start_ms and end_ms)')
    if ends <= begins:
        raise _Fault(place, f"it ends at {ends:g}, not after its start at {begins:g}. Mend the times")
    return begins, ends


def _line_of_bot(place: Place, row: Mapping[str, Any], begins: float, ends: float, text: str) -> BotLine:
    word = str(row.get("expecting") or ("open" if text.rstrip().endswith(("？", "?")) else "nothing")).lower()
    if word not in {one.value for one in Expecting}:
        raise _Fault(
            (*place, "expecting"),
            f"unknown expecting {word!r}. Write one of: {', '.join(one.value for one in Expecting)}",
        )
    digits = row.get("digits", 0)
    if isinstance(digits, bool) or not isinstance(digits, int) or digits < 0:
        raise _Fault((*place, "digits"), f"digits is {digits!r}. Write how many digits are asked for, such as 4")
    return BotLine(begins, ends, text, Expecting(word), digits, row.get("interruptible", True) is not False)


def _pause_after(place: Place, row: Mapping[str, Any], ends: float) -> list[Pause]:
    told = row.get("pause_after", row.get("pause"))
    if told is None:
        return []
    item: Mapping[str, Any] = told if isinstance(told, dict) else {"kind": told}
    here = (*place, "pause_after" if "pause_after" in row else "pause")
    length = _seconds(here, item, _LENGTHS) or 0.001
    return [Pause(ends, ends + length, _kind(here, _word(item, _KINDS), _PAUSE))]


def _told(speech: CallerSpeech, told: bool, lines: Sequence[BotLine]) -> CallerSpeech:
    """Says what speech over the bot is where the file does not: a sign of listening, or else a barge-in."""
    over = any(line.begins <= speech.begins < line.ends - _NEAREST_BARGE_IN for line in lines)
    if told or not over:
        return speech
    listening = bool(speech.text) and only_listening(speech.text)
    return replace(speech, kind=SpeechKind.BACKCHANNEL if listening else SpeechKind.BARGE_IN)


def _settled(pauses: Sequence[Pause], speech: Sequence[CallerSpeech]) -> list[Pause]:
    """Pauses in order; one that is followed by more speech lasts until that begins."""
    found = []
    for pause in sorted(pauses, key=lambda one: one.begins):
        following = [one.begins for one in speech if one.begins >= pause.begins + 0.02]
        if pause.kind is PauseKind.WITHIN_TURN and following:
            found.append(replace(pause, ends=max(following[0], pause.begins + 0.02)))
        else:
            found.append(pause)
    return found


def _derived(speech: Sequence[CallerSpeech], lines: Sequence[BotLine]) -> list[Pause]:
    """Pauses of a file that tells none: one in which the bot speaks, and the last, ends a turn."""
    said = [one for one in speech if one.kind in (SpeechKind.TURN, SpeechKind.BARGE_IN)]
    found = []
    for number, one in enumerate(said):
        ends = said[number + 1].begins if number + 1 < len(said) else one.ends + 3.0
        if ends <= one.ends:
            continue
        answered = number + 1 == len(said) or any(one.ends <= line.begins < ends for line in lines)
        found.append(Pause(one.ends, ends, PauseKind.END_OF_TURN if answered else PauseKind.WITHIN_TURN))
    return found


def _caller(head: Mapping[str, Any], sound: Path) -> Recording:
    try:
        channels = read_channels(sound, rates=None)
    except (WavError, OSError) as unusable:
        raise _Fault(("audio",) if "audio" in head else (), f"{sound.name}: {unusable}") from unusable
    wanted = _channel(head)
    if wanted >= len(channels):
        raise _Fault(
            ("channels",),
            f"{sound.name} has {len(channels)} channels, the caller is said to be on number {wanted}, from 0. "
            'Write "channels": {"caller": 0, "bot": 1}',
        )
    return channels[wanted]


def _channel(head: Mapping[str, Any]) -> int:
    told = head.get("channels")
    if isinstance(told, list):
        return next((number for number, word in enumerate(told) if _side(word)), 0)
    if isinstance(told, dict):
        for key, value in told.items():
            if _side(key) and isinstance(value, int):
                return value
            if _side(value):
                return {"left": 0, "right": 1}.get(key, int(key) if key.isdigit() else 0)
    return 0


def _line(text: str, place: Place) -> int:
    """Line of the file on which the value at `place` begins; JSON is YAML, whose nodes know where they stand."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError
    from ruamel.yaml.nodes import MappingNode, SequenceNode

    try:
        node = YAML(typ="safe", pure=True).compose(text)
    except YAMLError:
        return 1
    for step in place:
        inner = None
        if isinstance(node, MappingNode):
            inner = next((value for key, value in node.value if key.value == step), None)
        elif isinstance(node, SequenceNode) and isinstance(step, int) and step < len(node.value):
            inner = node.value[step]
        if inner is None:
            break
        node = inner
    return int(node.start_mark.line) + 1 if node is not None else 1
