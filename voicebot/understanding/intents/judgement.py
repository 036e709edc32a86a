"""One judgement out of the layers: wordings known by heart, the trained model on the whole turn and on each clause, the context."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from voicebot.understanding.answers import compact, read_answer
from voicebot.understanding.intents.catalogue import NONE, PROTECTED, rank
from voicebot.understanding.meaning import Answer, Context, Expecting, IntentScore, Slot

Score = Mapping[str, float]
_CLAUSE = re.compile(r"[，,。！!？?；;\n]+")
_FIRST = 0.18
"""A whole turn's best intent counts from this probability on; less is "none of these"."""
_FIRST_PROTECTED = 0.15
_SECOND = 0.30
_CLAUSE_SURE = 0.60
_CLAUSE_LEAST = 3  # characters
_MARKERS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"^\W*(?:按键|按下|按了?[\d#*井星]|dtmf|用户按|键盘输入|拨号盘)"), "dtmf_choice"),
    (
        re.compile(
            r"^\W*(?:[^)）]{0,4}(?:静默|沉默|静音|无声|无人说话|无应答|空白|没有声音|没人说话)|仅背景|只有背景|背景|环境音|呼吸声|silence)"
        ),
        "silence",
    ),
    (re.compile(r"^[(（](?:[^)）]{0,3}(?:哭|啜泣|抽泣|哽咽|呜咽))"), "crying_distress"),
    (re.compile(r"^[(（](?:杂音|噪|嘈杂|听不清|无法识别|串线|音乐|电视)"), "asr_noise"),
)
_EMPTY_WORDS = re.compile(
    r"那个|这个|就是|然后|对吧|我是说|不是|什么|来着|这样|那样|好像|那什么|怎么说|我说|你说|他说|是说|的话|是吧|反正|"
    r"[嗯啊呃额哦噢唉哎诶欸唔呜咳的了吧呢吗嘛呀是我你他这那就对不说话在啦哈嘿喂]"
)


class Judge:
    """Weighs the layers. Holds the model's scorer and the wordings known by heart."""

    def __init__(self, score: Callable[[str], Score], by_heart: Mapping[str, str]) -> None:
        """`score` gives each label's probability for a cleaned text; `by_heart` maps a compact wording to its intent."""
        self._score = score
        self._by_heart = by_heart

    def intents(
        self, plain: str, clean: str, context: Context, slots: Mapping[str, Slot], answer: Answer | None
    ) -> tuple[IntentScore, ...]:
        """Every intent of the turn, the one that decides the response first."""
        marked = marker(plain)
        if marked is not None:
            return (marked,)
        found: dict[str, IntentScore] = {}
        if answer is None or len(compact(clean)) >= 4:
            self._add_whole(clean, found)
            self._add_clauses(clean, found)
        if answer is not None:
            _add_context(answer, context, found)
        if not found and answer is None and is_noise(plain):
            found["asr_noise"] = IntentScore("asr_noise", 0.7, "words without content")
        _settle_promises(found, slots, clean)
        return tuple(sorted(found.values(), key=lambda intent: (rank(intent.id), -intent.confidence)))

    def _add_whole(self, clean: str, found: dict[str, IntentScore]) -> None:
        known = self._by_heart.get(compact(clean))
        if known is not None:
            if known != NONE:
                found[known] = IntentScore(known, 0.99, f"exact: {clean}")
            return
        ranked = sorted(self._score(clean).items(), key=lambda item: -item[1])
        for place, (label, probability) in enumerate(ranked[:3]):
            least = _FIRST_PROTECTED if label in PROTECTED else _FIRST
            if label != NONE and probability >= (least if place == 0 else _SECOND):
                found[label] = IntentScore(label, round(probability, 3), "model")
            if place == 0 and label == NONE:
                return

    def _add_clauses(self, clean: str, found: dict[str, IntentScore]) -> None:
        parts = [part for part in _CLAUSE.split(clean) if part.strip()]
        if len(parts) < 2:
            return
        for part in parts:
            if len(compact(part)) < _CLAUSE_LEAST or read_answer(part) is not None:
                continue
            label, probability = max(self._score(part).items(), key=lambda item: item[1])
            if label in (NONE, "asr_noise", "silence", "end_call") or label in found:
                continue
            if probability >= _CLAUSE_SURE:
                found[label] = IntentScore(label, round(probability * 0.95, 3), f"model: {part}")


def marker(plain: str) -> IntentScore | None:
    """What a note in brackets stands for: （静默6秒）, （按键1）, （哭泣）…; silence for no words at all."""
    if not re.search(r"\w", plain):
        return IntentScore("silence", 0.99, "no words")
    for pattern, intent in _MARKERS:
        if pattern.match(plain):
            return IntentScore(intent, 0.97, "marker")
    return None


def is_noise(plain: str) -> bool:
    """Whether nothing is left once fillers and empty words are taken out."""
    return not _EMPTY_WORDS.sub("", compact(plain))


def _add_context(answer: Answer, context: Context, found: dict[str, IntentScore]) -> None:
    if context.expecting is not Expecting.IDENTITY:
        return
    if answer is Answer.YES and "deny_identity_wrong_number" not in found and "third_party_answers" not in found:
        found["confirm_identity"] = IntentScore("confirm_identity", 0.95, "context: yes")
    elif answer is Answer.NO and not found:
        found["deny_identity_wrong_number"] = IntentScore("deny_identity_wrong_number", 0.95, "context: no")


def _settle_promises(found: dict[str, IntentScore], slots: Mapping[str, Slot], clean: str) -> None:
    """A promise needs a day or a sum; words without either are a vague promise, whatever the model says."""
    usable = any(name in slots and not slots[name].needs_clarification for name in ("date", "amount"))
    promise, vague = found.get("promise_to_pay"), found.get("vague_promise")
    if promise is not None and not usable:
        del found["promise_to_pay"]
        found.setdefault(
            "vague_promise", IntentScore("vague_promise", promise.confidence, f"{promise.why}, no day, no sum")
        )
    elif promise is not None and vague is not None:
        del found["vague_promise"]
    exact_call = "callback_at" in slots and slots["callback_at"].value is not None
    busy, call = found.get("busy_call_later"), found.get("callback_time_given")
    if busy is not None and call is None and exact_call:
        del found["busy_call_later"]
        found["callback_time_given"] = IntentScore("callback_time_given", busy.confidence, f"{busy.why}, with a time")
    elif busy is not None and call is not None:
        del found["busy_call_later" if exact_call else "callback_time_given"]
