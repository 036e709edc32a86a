"""Numbers that are no sums: hot lines, years, ages, and how often something is done (五毛一趟, 三百一回)."""

from __future__ import annotations

import re

from voicebot.understanding.numerals import parse_number, spoken_digits

_DIGIT = r"[\d零〇一幺二两三四五六七八九]"
_TELEPHONE = re.compile(
    r"(?<!\d)(?:0\d{2,3}-\d{7,8}|[48]00-?\d{3,4}-?\d{3,4}|1\d{2}-\d{4}-\d{4})(?!\d)|"
    r"[四八](?:零零|〇〇|洞洞)[零〇一幺二两三四五六七八九]{7}"
)
_SHORT_NUMBER = re.compile(r"11[0-9]|12[0-2]|123\d\d|9[56]\d{3}|100(?:00|01|1\d|50|60|86|99)")
"""Emergency, government, bank, insurance and telephone company lines of China."""
_HOT_LINE = re.compile(rf"(?<!{_DIGIT})(?P<n>{_DIGIT}{{3}}|{_DIGIT}{{5}})(?!{_DIGIT}|[,.]\d|[十百千万亿块元圆毛])")
_CALLS_IT = re.compile(
    r"(?:打|拨|拔|致电|call|找|告到|报到|捅到|反映到|通过|上|问|向|跟|和|还有|电话|热线|客服|投诉|举报|警|[、/])"
    r"(?:了|过|个|的|你们?|一下|那个|这个|说|是|去|[,，])*$",
    re.I,
)
_IS_A_LINE = re.compile(
    r"(?:那边|那里|去|又|都|也)*(?:打|热线|电话|投诉|告你|举报|报警|反映|免费|咨询|的(?:人|客服|短信|接线|电话)|给我[发打来])"
)
_PAID = re.compile(r"(?:还|付|转|交|缴|存|汇|凑|[给打]给?你们?|[给打]给?您)(?:你们?|您|上|了|个|款|钱)*$")
_PAID_AFTER = re.compile(r"给[你您]|过[去来]|进|到你")
_EVENT = re.compile(
    r"(?<=[百千万块元圆毛角分钱])(?:[一二两三四五六七八九](?=趟|次|遍|回(?![来去家头执单复到])|笔(?!记)|顿)|一(?=道|下(?!个?[周月]|个?礼拜|"
    r"个?星期|午|班)|把|起|并|共|定|总|齐|口气|块儿|律|直|样|般|手))|"
    r"(?<=[百千万块元圆毛角][一二两三四五六七八九十])(?:两|一)(?=趟|次|遍|回(?![来去家头执单复到])|笔(?!记))|"
    r"(?<=[百千万块元圆毛角][一二两三四五六七八九十])一(?=道|下(?!个?[周月]|个?礼拜|个?星期|午|班)|把|起|并|共|定|总|齐|口气|律|直)|"
    r"(?<=十)一(?=并|共|定|齐|口气|律)|"
    r"(?<=[加凑拢])一块儿?|一块儿|(?<![百千万十零多])一块(?=[全都还给转打交结付存缴])"
)
"""In 五毛一趟 and 三百五十一定 the last numeral belongs to the word after it; 加一块 is no sum."""
_AGE = re.compile(
    rf"(?:今年|年纪|年龄|虚岁|周岁|岁数|都快|快|奔|眼看|活了|活到)(?:我|都|就|要|已经|快|有|也|是|到)*(?P<n>{_DIGIT}*十?{_DIGIT}*)"
    r"(?:多|来|好几)?(?=岁|了|的人|啦|哉|嘞|喽|咧|[，,。]|$)"
)
_OLDEST = 120
_YEAR = re.compile(r"(?<!\d)(?:19|20)\d{2}(?=那?年|届)|[一二][九零〇][零〇一二三四五六七八九]{2}(?=那?年|届)")


def strays(text: str) -> list[tuple[int, int]]:
    """Where the text has numbers that are no sums, in order."""
    found = [match.span() for pattern in (_TELEPHONE, _EVENT, _YEAR) for match in pattern.finditer(text)]
    found += [match.span("n") for match in _HOT_LINE.finditer(text) if _is_line(text, match)]
    found += [match.span("n") for match in _AGE.finditer(text) if _is_age(match["n"])]
    return sorted(found)


def _is_line(text: str, match: re.Match[str]) -> bool:
    """Whether a short number is one to call: told after a verb of calling, or as one of its own, and not paid."""
    digits = spoken_digits(match["n"]) or ""
    if not _SHORT_NUMBER.fullmatch(digits):
        return False
    before, after = text[: match.start()], text[match.end() :]
    if _PAID.search(before) or _PAID_AFTER.match(after):
        return False
    return bool(_CALLS_IT.search(before) or _IS_A_LINE.match(after))


def _is_age(words: str) -> bool:
    value = parse_number(words)
    return value is not None and value <= _OLDEST
