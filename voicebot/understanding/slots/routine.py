"""What people do at the same hour every day, and the part of day that it tells: 吃完午饭一点半, 下夜班后十点."""

from __future__ import annotations

import re

_CHILD = r"(?:孩子|小孩子?|娃儿?|小人|小囡|囡囡|伢崽?|细路仔?|细佬|囝仔|儿子|女儿|闺女|崽|孙子|孙女)"
_EAT = r"[吃食恰噶呷喫用]"
_ROUTINES: tuple[tuple[str, str, str], ...] = (
    ("早上", _EAT, r"早饭|早餐|早点|朝饭|早茶"),
    ("早上", "送", rf"{_CHILD}(?:上学|去学校|到学校|去幼儿园)?"),
    ("早上", "[下上值]", r"(?:大|通宵)?夜班"),
    ("早上", "[赶做]", r"早市|晨练"),
    ("中午", _EAT, r"(?:中午|晌午|晏昼|当昼|[午中晌昼])饭|午餐"),
    ("下午", "睡", r"[午中晌]觉|午睡"),
    ("下午", "接", rf"{_CHILD}(?:放学|回家|回来|到家)?"),
    ("晚上", "喝", r"汤"),
    ("晚上", _EAT, r"[晚夜黑暝]饭|晚餐|夜宵|宵夜|消夜"),
    ("晚上", "[下上]", r"(?:晚|中|小夜)班|晚自习"),
    ("晚上", "[跳看]", r"广场舞|新闻联播"),
    ("傍晚", "下", r"班"),
    ("傍晚", "[放收]", r"工"),
)
"""The part of day that an errand tells once it is done, its verb, and what is done."""
_OVER = r"(?:完|好|过|了|罢|掉|脱|咗|毕|到|哒|咖|个)"
_AFTERWARDS = r"(?:完|过|罢|毕|醒|起来|以后|之后|过后|后头|后|下了|下课|下班|交班|散了)"
_OFF_WORK = r"下班|[放收]工"
_UP_TO_THE_HOUR = r"(?:了|以后|之后|过后|后|起来|睡?醒|那?会儿|的时候)*[，,]?(?:我|俺|就|大概|大约|差不多)*"
_TOLD = tuple(
    (
        part,
        rf"{verb}{_OVER}+(?:我|我们?家?)?(?:{done})|(?:{verb})?(?:{done}){_AFTERWARDS}+",
    )
    for part, verb, done in _ROUTINES
)
ROUTINE = rf"(?<![点半分刻钟差])(?:{'|'.join(words for _, words in _TOLD)}|{_OFF_WORK}){_UP_TO_THE_HOUR}"
"""Any of these once it is over, and the words up to the hour, as a pattern. Leaving work needs no sign for that."""
AFTER_A_MEAL = r"(?:[早午中晚夜]饭|[早午晚]餐|夜宵|午觉)(?:以后|之后|过后|后头?)"
"""A meal that is over, which tells a part of the day without an hour too."""
_PARTS = tuple((part, re.compile(words)) for part, words in (*_TOLD, ("傍晚", _OFF_WORK)))


def part_of_day(words: str) -> str | None:
    """The part of day at which something is over; None for other words."""
    return next((part for part, pattern in _PARTS if pattern.search(words)), None)
