"""One judgement out of the layers: wordings known by heart, the trained model on the whole turn and on each clause,
the context."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from voicebot.understanding.answers import compact
from voicebot.understanding.intents.catalogue import NONE, PROTECTED, rank
from voicebot.understanding.intents.segments import Segmenter
from voicebot.understanding.intents.signals import signals
from voicebot.understanding.intents.topics import BESIDE, topics
from voicebot.understanding.intents.wordings import Wordings
from voicebot.understanding.meaning import Answer, Context, Expecting, IntentScore, Slot

Score = Mapping[str, float]
_CLAUSE = re.compile(r"[，,。！!？?；;\n]+")
_FIRST = 0.28
"""A whole turn's best intent counts from this probability on; less is "none of these": of held-out examples
judged below it, six in seven were judged wrongly."""
_FIRST_PROTECTED = 0.20
_SECOND = 0.15
"""The second and third meaning of a whole turn: composed turns share one whole between their meanings, and of those
between 0.15 and 0.25 as many were meant as of those up to 0.35."""
_BESIDE_DIGITS = 8  # characters that may stand beside the digits asked for: 我身份证最后四位是
_CLAUSE_SURE = 0.90
"""Probability from which a part of a turn adds what it means by itself."""
_CLAUSE_CERTAIN = 0.95
"""The same where the whole turn gives it nothing: for parts between punctuation and intents that are not pressing."""
_BORNE_OUT = ((0.2, 0.75), (0.05, 0.5), (0.002, 0.3))
_BARELY_BORNE_OUT = 0.0005
"""What the whole turn gives an intent that a part of it is sure of, and how far the part can then be believed: counted
on the test sentences. Under the least of them a part torn out of its turn means nothing: 别绕了 asks for no silence.
A part that leaves no doubt at all needs less."""
_CLAUSE_DOUBTLESS = 0.97
_GLIMPSE = 2
"""Characters of a turn that means what the library knows by heart, or nothing: 先帮 is no partial payment."""
_ASKS_FOR_LIKENESS = 0.6
"""A whole turn's best intent less likely than this is compared with the library's wordings by sound."""
_UNSURE = 0.35
"""A whole turn's meaning less likely than this gives way to words that must not be missed."""
_MENTIONED = 0.15
"""Reported and too little to act on: the debtor who tells of a death in the family is not dead."""
_REFUSES = 0.8
"""Confidence that somebody else who says 别打了 wants no calls at all."""
_DECIDES = 0.55
"""Below this an intent is reported and does not push ahead of what the whole turn means."""
_NEVER_BY_CLAUSE = frozenset({NONE, "asr_noise", "silence", "dtmf_choice"})
_SHORT = frozenset({"confirm_identity", "deny_identity_wrong_number", "end_call", "refuse_to_pay"})
_NAMES_SELF = re.compile(r"[嗯哦啊对]*(?:是我|我是|我就是|就是我|是本人|本人|我本人|正是我)[啊呀的呢]*")
"""An answer that says who speaks, whatever was asked: other short answers have no meaning of their own."""
_MAN_OR_WOMAN = re.compile(r"[嗯哦啊]*我(?:就|可)?是?一?个?[男女](?:的|人|生)[啊呀哦呢喔]*")
"""Says nothing of who it is, least of all yes to a name of the other sex."""
_WRONG_NUMBER = "deny_identity_wrong_number"
_SAYS_IT_ALREADY = (
    ("third_party_refuses", "cease_contact"),
    ("third_party_answers", "deny_identity_wrong_number"),
    ("debtor_unavailable", "hardship_illness"),
    ("minor_answers", "third_party_answers"),
    ("voicemail_assistant", "third_party_answers"),
)
"""The first, when sure, says what the second would; a stranger who says 打错了，别再打 has said both."""
_LEADS_BEFORE_CEASING = frozenset(
    {"abusive_anger", "deny_identity_wrong_number", "third_party_answers", "busy_call_later"}
)
"""Where the whole turn means one of these, 别打了 in it is reported and does not lead: 打错了，别打了."""
_IT_IS_ME = re.compile(r"(?:对|嗯|哦|啊|是的?|没错)*(?:我就?是|是我|我本人|本人|就是我)(?:本人|啊|呀|呢)?")
_HARDSHIP = frozenset({"hardship_unemployment", "hardship_illness"})
_MY_KIN = re.compile(
    r"(?:我|家里)(?:的)?(?:爸|妈|父亲|母亲|爷爷|奶奶|外公|外婆|公公|婆婆|岳父|岳母|老人|孩子|儿子|女儿)"
)
_PART_FIRST = re.compile(r"先(?:还|给|付|交|打|转|补|扣|来)|剩下|其余|余下|部分|只(?:能|有|剩|够)|手头就|最多")
_DONE = re.compile(r"已经|早|昨|前天|上个?[周月星礼]|刚|(?:还|付|交|转|结)[了过]|都")
_WAS_PAID = re.compile(r"(?:还|付|交|转|打|存|划|扣|汇|结|缴)(?:给?你们?)?(?:[过了]|掉|清|进去|过去|走了?|上了)")
_WHOLE = re.compile(r"还清|结清|付清|一次性|全部|还完")
_BRACKETS = re.compile(r"[(（][^)）]*[)）]")
_MARKERS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"^\W*(?:按键|按下|按了?[\d#*井星]|dtmf|用户按|键盘输入|拨号盘)"), "dtmf_choice"),
    (
        re.compile(
            r"^[(（\[](?:[^)）]{0,4}(?:静默|沉默|静音|无声|无语音|不说话|没有回应|无人说话|无应答|空|空白|"
            r"没有声音|没人说话)|仅背景|只有背景|背景|环境音|呼吸声|silence)"
        ),
        "silence",
    ),
    (re.compile(r"^[(（](?:[^)）]{0,3}(?:哭|啜泣|抽泣|哽咽|呜咽))"), "crying_distress"),
    (re.compile(r"^[(（](?:杂音|噪|嘈杂|听不清|无法识别|串线|串音|多人|回声|音乐|电视)"), "asr_noise"),
)
_EMPTY_WORDS = re.compile(
    r"那个|这个|那谁|就是|然后|对吧|我是说|不是|什么|来着|这样|那样|好像|那什么|怎么说|我说|你说|他说|是说|的话|是吧|反正|"
    r"[嗯啊呃额哦噢唉哎诶欸唔呜咳的了吧呢吗嘛呀是我你他这那就对不说话在啦哈嘿喂]"
)


_FILLERS = re.compile(r"那个|这个|那谁|就是|然后|呃|什么|我是说|那什么|来着")


def found_confidence(found: Mapping[str, IntentScore], intent: str) -> float:
    """Confidence of an intent, 0 when it was not found."""
    return found[intent].confidence if intent in found else 0.0


class Judge:
    """Weighs the layers. Holds the model's scorer and the wordings known by heart."""

    def __init__(
        self,
        score: Callable[[Sequence[str]], Sequence[Score]],
        light: Callable[[str], Score],
        wordings: Wordings,
    ) -> None:
        """`score` gives each label's probability for cleaned texts, `light` quickly for one."""
        self._score = score
        self._segmenter = Segmenter(light)
        self._wordings = wordings

    def intents(
        self, plain: str, clean: str, context: Context, slots: Mapping[str, Slot], answer: Answer | None
    ) -> tuple[IntentScore, ...]:
        """Every intent of the turn, the one that decides the response first."""
        marked = marker(plain)
        if marked is not None and marked.id != "crying_distress":
            return (marked,)
        if answer is None and mumbled(plain):
            return (IntentScore("asr_noise", 0.9, "fillers and nothing else"),)
        found: dict[str, IntentScore] = {}
        top: str | None = None
        spoken = _BRACKETS.sub("", clean) if marked is not None else clean
        if _spelled(spoken, context, slots):
            return tuple(IntentScore(found, sure, f"signal: {words}") for found, sure, words in signals(spoken))
        if len(compact(spoken)) >= 2 and (answer is None or len(compact(spoken)) >= 4):
            parts = self._segmenter.parts(spoken)
            scored = self._score([spoken, *parts])
            top = self._add_whole(spoken, scored[0], found)
            if top != NONE:
                for part, score in zip(parts, scored[1:], strict=True):
                    self._add_clause(part, spoken, score, scored[0], found)
        elif self._wordings.exact(spoken) == _WRONG_NUMBER:
            found[_WRONG_NUMBER] = IntentScore(_WRONG_NUMBER, 0.99, f"exact: {spoken}")
        elif context.expecting in (Expecting.NOTHING, Expecting.OPEN) and _NAMES_SELF.fullmatch(compact(spoken)):
            found["confirm_identity"] = IntentScore("confirm_identity", 0.9, f"exact: {spoken}")
        if marked is not None:
            found[marked.id] = marked
        for intent, confidence, words in signals(spoken):
            if intent not in found or found[intent].confidence < confidence:
                found[intent] = IntentScore(intent, confidence, f"signal: {words}")
            if top is not None and top not in (intent, NONE) and found_confidence(found, top) < _UNSURE:
                top = intent
        for intent, words in topics(spoken) if top != NONE else ():
            if found_confidence(found, intent) < BESIDE:
                found[intent] = IntentScore(intent, BESIDE, f"topic: {words}")
        self._add_short_clauses(spoken, found)
        if answer is not None:
            _add_context(answer, context, found)
        if not found and answer is None and is_noise(plain):
            found["asr_noise"] = IntentScore("asr_noise", 0.7, "words without content")
        top = _settle(found, slots, spoken, top)
        return tuple(sorted(found.values(), key=lambda intent: _order(intent, top)))

    def _add_whole(self, clean: str, score: Score, found: dict[str, IntentScore]) -> str | None:
        """Adds what the whole turn means; gives the label that is most likely."""
        known = self._wordings.exact(clean)
        if known is not None:
            if known != NONE:
                found[known] = IntentScore(known, 0.99, f"exact: {clean}")
            return known
        if len(compact(clean)) <= _GLIMPSE and not clean.isascii():
            return NONE
        ranked = sorted(score.items(), key=lambda item: -item[1])
        heard = self._wordings.heard(clean)
        if heard is None and ranked[0][1] < _ASKS_FOR_LIKENESS:
            heard = self._wordings.near(clean)
        if heard is not None and (heard.intent == ranked[0][0] or heard.confidence > ranked[0][1]):
            if heard.intent != NONE:
                found[heard.intent] = IntentScore(heard.intent, heard.confidence, heard.why)
            return heard.intent
        if ranked[0][0] == NONE and ranked[0][1] >= _FIRST:
            return NONE
        for place, (label, probability) in enumerate(ranked[:3]):
            least = _FIRST_PROTECTED if label in PROTECTED else _FIRST
            if label != NONE and probability >= (least if place == 0 else _SECOND):
                found[label] = IntentScore(label, round(probability, 3), "model")
        return ranked[0][0]

    def _add_clause(self, part: str, clean: str, score: Score, whole: Score, found: dict[str, IntentScore]) -> None:
        """Adds what one part means, as far as the whole turn bears it out."""
        label, probability = max(score.items(), key=lambda item: item[1])
        known = self._wordings.exact(part)
        if known is not None:
            label, probability = known, 0.99
        if label in _NEVER_BY_CLAUSE or label in found or probability < _CLAUSE_SURE:
            return
        lasting = probability >= _CLAUSE_CERTAIN and rank(label) == rank(NONE) and part in _CLAUSE.split(clean)
        least = 0.0 if lasting else _BARELY_BORNE_OUT if probability >= _CLAUSE_DOUBTLESS else 1.0
        for borne_out, believed in (*_BORNE_OUT, (least, _BORNE_OUT[-1][1])):
            if whole.get(label, 0.0) >= borne_out:
                found[label] = IntentScore(label, round(probability * believed, 3), f"model: {part}")
                return

    def _add_short_clauses(self, clean: str, found: dict[str, IntentScore]) -> None:
        """是我，…; …，再见: clauses too short for the model, known by heart."""
        parts = [compact(part) for part in _CLAUSE.split(clean)]
        for part in parts if len(parts) > 1 else []:
            known = self._wordings.exact(part) if 2 <= len(part) <= 4 else None
            if known is None and _IT_IS_ME.fullmatch(part):
                known = "confirm_identity"
            if known in _SHORT and known not in found:
                found[known] = IntentScore(known, 0.5, f"exact: {part}")


def _order(intent: IntentScore, top: str | None) -> tuple[int, int, float]:
    """Priority first, for intents that are sure enough to decide; then what the whole turn means; then confidence."""
    place = rank(intent.id) if intent.confidence >= _DECIDES or intent.id == top else rank(NONE)
    return place, int(intent.id != top), -intent.confidence


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


def mumbled(plain: str) -> bool:
    """Whether a turn is a row of fillers: more than one of them, and no word with content. 嗯嗯 is not: it answers."""
    return len(_FILLERS.findall(plain)) > 1 and is_noise(plain)


def _spelled(spoken: str, context: Context, slots: Mapping[str, Slot]) -> bool:
    """Whether the turn is the digits that were asked for and next to nothing else: 末四位是八八零二."""
    digits = slots.get("digits")
    if context.expecting is not Expecting.DIGITS or digits is None:
        return False
    return len(compact(spoken)) <= len(str(digits.value)) + _BESIDE_DIGITS


def _add_context(answer: Answer, context: Context, found: dict[str, IntentScore]) -> None:
    if context.expecting is not Expecting.IDENTITY:
        return
    if answer is Answer.YES and "deny_identity_wrong_number" not in found and "third_party_answers" not in found:
        found["confirm_identity"] = IntentScore("confirm_identity", 0.95, "context: yes")
    if answer is Answer.NO:
        found.pop("confirm_identity", None)
    if answer is Answer.NO and not found:
        found["deny_identity_wrong_number"] = IntentScore("deny_identity_wrong_number", 0.95, "context: no")


def _settle(found: dict[str, IntentScore], slots: Mapping[str, Slot], clean: str, top: str | None) -> str | None:
    """Takes out what another intent already says, and decides by the values named where words alone cannot.

    Gives what the whole turn means after that.
    """
    if "confirm_identity" in found and _MAN_OR_WOMAN.fullmatch(compact(clean)):
        del found["confirm_identity"]
        top = None if top == "confirm_identity" else top
    if "cease_contact" in found and {"third_party_answers", "debtor_unavailable"} & set(found):
        refusal = replace(found["cease_contact"], id="third_party_refuses", confidence=_REFUSES)
        if found_confidence(found, "third_party_refuses") < _REFUSES:
            found["third_party_refuses"] = replace(refusal, why=f"{refusal.why}, said by another")
    if "deceased" in found and _HARDSHIP & set(found) and _MY_KIN.search(clean):
        mourning = replace(found["deceased"], id="hardship_disaster_family")
        found.setdefault("hardship_disaster_family", replace(mourning, why=f"{mourning.why}, in the family"))
        found["deceased"] = replace(found["deceased"], confidence=_MENTIONED)
        top = "hardship_disaster_family" if top == "deceased" else top
    for stronger, weaker in _SAYS_IT_ALREADY:
        if weaker == "cease_contact" and _WRONG_NUMBER in found:
            continue
        if stronger in found and weaker in found and found[stronger].confidence >= _DECIDES and weaker != top:
            del found[weaker]
    if top == "hardship_disaster_family" and "deceased" in found:
        found["deceased"] = replace(found["deceased"], confidence=_MENTIONED)
    if top in _LEADS_BEFORE_CEASING and "cease_contact" in found:
        quieter = min(_DECIDES - 0.01, found["cease_contact"].confidence)
        found["cease_contact"] = replace(found["cease_contact"], confidence=quieter)
    if top == "language_switch" and "ask_human" in found:
        found["ask_human"] = replace(found["ask_human"], confidence=min(_DECIDES - 0.01, found["ask_human"].confidence))
    if top == "already_paid" and "promise_to_pay" in found and "date" in slots and not _DONE.search(clean):
        found.pop("already_paid", None)
        top = "promise_to_pay"
    top = _settle_paid(found, slots, clean, top)
    _settle_promises(found, slots, clean)
    return _settle_calls(found, slots, top)


def _settle_paid(found: dict[str, IntentScore], slots: Mapping[str, Slot], clean: str, top: str | None) -> str | None:
    """What is promised lies ahead: on a day gone by it was paid. So was a sum of that day beside other matters."""
    if "past_date" not in slots or "date" in slots:
        return top
    promise = found.get("promise_to_pay")
    if promise is not None:
        del found["promise_to_pay"]
        if found_confidence(found, "already_paid") < promise.confidence:
            found["already_paid"] = replace(promise, id="already_paid", why=f"{promise.why}, on a day gone by")
        return "already_paid" if top == "promise_to_pay" else top
    if "amount" in slots and _WAS_PAID.search(clean):
        found.setdefault("already_paid", IntentScore("already_paid", BESIDE, f"topic: {slots['past_date'].text}"))
    return top


def _settle_promises(found: dict[str, IntentScore], slots: Mapping[str, Slot], clean: str) -> None:
    """A promise needs a day or a sum; a part paid first is a partial payment; words without either are vague."""
    usable = any(name in slots and not slots[name].needs_clarification for name in ("date", "amount"))
    promise = found.get("promise_to_pay")
    if promise is None:
        return
    if not usable:
        del found["promise_to_pay"]
        found.setdefault("vague_promise", replace(promise, id="vague_promise", why=f"{promise.why}, no day, no sum"))
    elif "amount" in slots and _PART_FIRST.search(clean) and not _WHOLE.search(clean):
        del found["promise_to_pay"]
        found.setdefault("partial_payment", replace(promise, id="partial_payment", why=f"{promise.why}, a part first"))
    else:
        found.pop("vague_promise", None)


def _settle_calls(found: dict[str, IntentScore], slots: Mapping[str, Slot], top: str | None) -> str | None:
    """With an exact time it is an appointment, and being busy is the reason; without any it is only being busy."""
    exact = "callback_at" in slots and slots["callback_at"].value is not None
    busy, call = found.get("busy_call_later"), found.get("callback_time_given")
    if call is not None and "callback_at" not in slots and "promise_to_pay" in found:
        del found["callback_time_given"]
        return "promise_to_pay" if top == "callback_time_given" else top
    if busy is not None and exact:
        found["callback_time_given"] = call or replace(busy, id="callback_time_given", why=f"{busy.why}, with a time")
        found["busy_call_later"] = replace(busy, confidence=min(_DECIDES - 0.01, busy.confidence))
        return "callback_time_given" if top == "busy_call_later" else top
    if busy is not None and call is not None and "callback_at" not in slots:
        del found["callback_time_given"]
    return top
