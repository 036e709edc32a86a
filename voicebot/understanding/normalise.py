"""From what a recogniser or a keyboard gives to one plain form: simplified, half-width, without fillers, dialect in
Mandarin."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from opencc import OpenCC

from voicebot.understanding.dialect import Dialects
from voicebot.understanding.numerals import parse_number
from voicebot.understanding.sound import Homophones

_DOMAIN_WORDS = [
    "还款",
    "还钱",
    "还清",
    "还完",
    "分期",
    "减免",
    "免息",
    "罚息",
    "利息",
    "本金",
    "征信",
    "逾期",
    "账单",
    "催收",
    "起诉",
    "律师",
    "本人",
    "人工",
    "转人工",
    "投诉",
    "举报",
    "银监会",
    "欠款",
    "贷款",
    "借款",
    "借钱",
    "信用卡",
    "短信",
    "邮件",
    "录音",
    "诈骗",
    "骗子",
    "住院",
    "化疗",
    "手术",
    "失业",
    "裁员",
    "工资",
    "发工资",
    "协商",
    "延期",
    "停息挂账",
    "违约金",
    "滞纳金",
    "合同",
    "凭证",
    "法院",
    "坐牢",
    "机器人",
    "身份证",
    "客服",
    "经理",
    "隐私",
    "个人信息",
    "删除",
    "转账",
    "支付宝",
    "银行卡",
    "一次性",
    "最低还款",
]
_INNOCENT = [
    "还请",
    "还轻",
    "还情",
    "还欠",
    "还前",
    "还签",
    "还玩",
    "还晚",
    "换完",
    "分七",
    "分其",
    "与其",
    "语气",
    "于其",
    "事业",
    "实业",
    "视野",
    "经历",
    "精力",
    "克服",
    "片子",
    "祝愿",
    "见面",
    "写上",
    "谢上",
    "有件",
    "又见",
    "有间",
    "有见",
    "节前",
    "街前",
    "接前",
    "话聊",
    "财源",
    "菜园",
    "公子",
    "失夜",
    "十页",
    "首饰",
    "离席",
    "起速",
    "发源",
    "带宽",
    "转帐",
    "预付",
]
"""Real words, or words across a boundary (有件事, 国庆节前), that sound like a domain word and are not one."""
_SPACE = re.compile(r"\s+")
_BETWEEN_HAN = re.compile(r"(?<=[一-鿿])\s+(?=[一-鿿])")
_STRETCH = 3
"""Characters between two spaces, on the average, from which the spaces are pauses."""
_FILLER = re.compile(
    r"(?:(?<=[，,。、\s])|^)(?:嗯+|呃+|额+|啊+|唉+|哎+|诶+|欸+|哦+|噢+|那个+|这个+|就是说|就是那个|"
    r"怎么说呢|我跟你说啊?|你听我说|那什么|这么说吧)+(?:[，,、\s]+|(?=[一-鿿]{2}))"
)
_MID_FILLER = re.compile(r"(?:呃+|嗯嗯+|那个那个|这个这个|就是就是|(?<=[一-鿿])嗯(?=[一-鿿]))")
_STUTTER = re.compile(r"([我你您他她它咱这那就还要想不没])\1+")
_STUTTER_PAIR = re.compile(
    r"(我是|你们|我们|我想|我要|他们|就是|这个|那个|我的|没有|不是|你是|现在|因为|所以|但是|可以|我还|"
    r"今天|明天)(?:[，、]?\1)+"
)
_NUMBER = re.compile(
    r"[零〇一二两三四五六七八九十百千万亿\d]*(?:[十百千万]|[一二两三四五六七八九\d](?=块|元|期|个月|"
    r"毛))[零〇一二两三四五六七八九十百千万亿\d]*"
)


class Normaliser:
    """Makes the plain form. Holds lexicons, no state."""

    def __init__(self, dialects: Dialects) -> None:
        self._dialects = dialects
        self._homophones = Homophones(_DOMAIN_WORDS, _INNOCENT)

    def plain(self, text: str) -> str:
        """Simplified, half-width, lower case, dialect in Mandarin, homophones mended; fillers and stutters still
        there."""
        text = unicodedata.normalize("NFKC", text).lower().replace("…", "，").replace("...", "，")
        text = _BETWEEN_HAN.sub("", _SPACE.sub(" ", text)).strip()
        text = simplify(text)
        return self._homophones.mend(self._dialects.to_mandarin(text))

    def with_pauses(self, text: str) -> str:
        """The text with a comma where a recogniser left a space for a pause: 是我 现在在开会.

        A space after nearly every word is a manner of writing and tells nothing.
        """
        pieces = _BETWEEN_HAN.split(text.strip())
        paused = len(pieces) > 1 and sum(map(len, pieces)) >= _STRETCH * len(pieces)
        return "，".join(pieces) if paused else text

    def clean(self, plain: str) -> str:
        """The plain form without fillers and stutters; the plain form itself when nothing else would be left."""
        text = _STUTTER.sub(r"\1", _STUTTER_PAIR.sub(r"\1", _MID_FILLER.sub("", plain)))
        text = _FILLER.sub("", text).strip("，,、 ")
        return text if re.search(r"\w", text) else plain


def write_numbers(text: str) -> str:
    """Spoken numbers with a unit or a measure written in digits: 一万二 to 12000, 三期 to 3期. Others stay: 一下,
    周五."""

    def digits(match: re.Match[str]) -> str:
        value = parse_number(match[0])
        return match[0] if value is None else format(value.normalize(), "f")

    return _NUMBER.sub(digits, text)


@lru_cache(maxsize=1)
def _converter() -> OpenCC:
    return OpenCC("t2s")


@lru_cache(maxsize=20_000)
def _simple(character: str) -> str:
    return str(_converter().convert(character))


def simplify(text: str) -> str:
    """Traditional characters to simplified. Whole-phrase conversion only where some character changes: it is slow."""
    if all(_simple(character) == character for character in text):
        return text
    return str(_converter().convert(text))
