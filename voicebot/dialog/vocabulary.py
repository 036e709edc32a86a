"""The words that an author may put between braces, as a table for the guides and for `voicebot flow facts`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from voicebot.dialog.facts import FACTS, FactKind, FactSpec
from voicebot.dialog.wording import COMPUTED, SLOTS

READ: Mapping[FactKind, Mapping[str, str]] = {
    FactKind.TEXT: {"zh": "照念", "en": "as it stands"},
    FactKind.MONEY: {"zh": "金额：两千三百八十元", "en": "as money"},
    FactKind.DATE: {"zh": "日期：三月十三日", "en": "as a date"},
    FactKind.TIME: {"zh": "时间：明天下午三点", "en": "as a time of day"},
    FactKind.COUNT: {"zh": "数目：十二", "en": "as a count"},
    FactKind.DIGITS: {"zh": "一位一位念", "en": "digit by digit"},
    FactKind.FLAG: {"zh": "是或否，只用在条件里", "en": "true or false, for conditions"},
}
"""How a value is read aloud."""

_COMPUTED_MEANS: Mapping[str, Mapping[str, str]] = {
    "promise.remaining": {"zh": "还了刚说的金额之后还剩多少", "en": "what stays due after the amount just offered"},
    "callback.hour": {"zh": "回电时间是几点，0 到 23", "en": "hour of the callback, 0 to 23"},
    "today": {"zh": "今天", "en": "today"},
    "call.reference": {"zh": "这通电话的受理编号", "en": "reference number of this call"},
    "queue.ahead": {"zh": "转人工时前面还有几位", "en": "callers who wait for a human before this one"},
}

_SLOT_MEANS: Mapping[str, Mapping[str, str]] = {
    "date": {"zh": "哪天还", "en": "the day of payment"},
    "amount": {"zh": "还多少", "en": "how much"},
    "callback_at": {"zh": "什么时候回电", "en": "when to call back"},
    "instalments": {"zh": "分几期", "en": "number of instalments"},
    "digits": {"zh": "一串数字", "en": "a row of digits"},
    "id_last_four": {"zh": "证件后四位", "en": "last four of the document"},
    "name": {"zh": "姓名", "en": "a name"},
    "preferred_channel": {"zh": "愿意用什么方式联系", "en": "how they would rather be reached"},
    "language": {"zh": "想说哪种话", "en": "the language they would rather speak"},
    "callback_number": {"zh": "回电打哪个号码", "en": "number to call back"},
}

_HEADS: Mapping[str, Sequence[str]] = {
    "zh": ("名字", "意思", "怎么念", "限制"),
    "en": ("name", "what it is", "how it is read", "limits"),
}
_ACCOUNT = {"zh": "账户：只对核实过的本人说", "en": "account: for the verified debtor only"}
_PERSONAL = {"zh": "核对用：不许念出来", "en": "for comparing only: never read out"}


def rows(locale: str) -> list[tuple[str, str, str, str]]:
    """Name, meaning, reading and limits of every fact, computed value and slot. `locale` is zh or en."""
    found = [
        (spec.name, spec.means if locale == "zh" else spec.means_en, READ[spec.kind][locale], _limit(spec, locale))
        for spec in FACTS.values()
    ]
    found += [
        (
            name,
            _COMPUTED_MEANS[name][locale],
            READ[kind][locale],
            _ACCOUNT[locale] if name == "promise.remaining" else "",
        )
        for name, kind in COMPUTED.items()
    ]
    found += [(f"slot.{name}", _SLOT_MEANS[name][locale], READ[kind][locale], "") for name, kind in SLOTS.items()]
    return found


def _limit(spec: FactSpec, locale: str) -> str:
    if spec.personal:
        return _PERSONAL[locale]
    return _ACCOUNT[locale] if spec.account else ""


def table(locale: str) -> str:
    """The same as Markdown."""
    head = _HEADS[locale]
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    lines += [f"| `{name}` | {means} | {read} | {limit} |" for name, means, read, limit in rows(locale)]
    return "\n".join(lines)
