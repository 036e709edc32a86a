"""From written Mandarin to the syllables a voice says: figures, Latin letters, characters with two readings, sandhi.

Callers write amounts and dates out in words; what is left in figures is read here as well as can be told.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from typing import Any

DIGITS = "零一二三四五六七八九"
_TELEPHONE_DIGITS = "零幺二三四五六七八九"

LETTERS = {
    "A": "ei1", "B": "bi4", "C": "xi1", "D": "di4", "E": "yi4", "F": "ai2 fu5", "G": "ji4", "H": "ai2 chi5",
    "I": "ai4", "J": "zhei4", "K": "kei4", "L": "ai2 lou5", "M": "ai2 mu5", "N": "en1", "O": "ou1", "P": "pi4",
    "Q": "kei4 you5", "R": "a4 er5", "S": "ai2 si5", "T": "ti4", "U": "you4", "V": "wei1", "W": "da2 bu5 liu5",
    "X": "ai2 ke5 si5", "Y": "wai4", "Z": "zei4",
}  # fmt: skip
"""How Mandarin speakers name the Latin letters, in its own syllables."""

# Readings that a dictionary of everyday words misses or gets wrong in this trade.
PHRASES = {
    "发卡行": "fa1 ka3 hang2", "开户行": "kai1 hu4 hang2", "贷款行": "dai4 kuan3 hang2", "银行": "yin2 hang2",
    "我行": "wo3 hang2", "贵行": "gui4 hang2", "他行": "ta1 hang2", "本行": "ben3 hang2", "行长": "hang2 zhang3",
    "总行": "zong3 hang2", "分行": "fen1 hang2", "支行": "zhi1 hang2", "行内": "hang2 nei4", "跨行": "kua4 hang2",
    "重新": "chong2 xin1", "重复": "chong2 fu4", "重组": "chong2 zu3", "多重": "duo1 chong2",
    "调解": "tiao2 jie3", "协调": "xie2 tiao2", "调整": "tiao2 zheng3", "调减": "tiao2 jian3", "下调": "xia4 tiao2",
    "上调": "shang4 tiao2", "调取": "diao4 qu3", "调查": "diao4 cha2", "征信": "zheng1 xin4",
    "差额": "cha1 e2", "差多少": "cha4 duo1 shao5", "还差": "hai2 cha4", "差不多": "cha4 bu5 duo1",
    "数额": "shu4 e2", "期数": "qi1 shu4", "天数": "tian1 shu4", "应还": "ying1 huan2", "应付": "ying1 fu4",
    "应当": "ying1 dang1", "应该": "ying1 gai1", "尽快": "jin3 kuai4", "尽量": "jin3 liang4", "尽早": "jin3 zao3",
    "商量": "shang1 liang5", "了解": "liao3 jie3", "了结": "liao3 jie2", "结了": "jie2 le5", "麻烦": "ma2 fan5",
    "提供": "ti2 gong1", "供您": "gong1 nin2", "处理": "chu3 li3", "处罚": "chu3 fa2", "为您": "wei4 nin2",
    "为了": "wei4 le5", "转账": "zhuan3 zhang4", "转接": "zhuan3 jie1", "转人工": "zhuan3 ren2 gong1",
    "便宜": "pian2 yi5", "方便": "fang1 bian4", "薪水": "xin1 shui3", "着急": "zhao2 ji2", "长期": "chang2 qi1",
    "延长": "yan2 chang2", "多长": "duo1 chang2", "家长": "jia1 zhang3", "利率": "li4 lv4", "费率": "fei4 lv4",
    "什么": "shen2 me5", "怎么": "zen3 me5", "这么": "zhe4 me5", "那么": "na4 me5", "喂": "wei2", "嗯": "en1",
    "不了了之": "bu4 liao3 liao3 zhi1", "得了": "de2 liao3", "受不了": "shou4 bu5 liao3",
    "分期": "fen1 qi1", "逾期": "yu2 qi1", "宽限": "kuan1 xian4", "给予": "ji3 yu3", "都": "dou1", "谁": "shei2",
    "相机": "xiang4 ji1", "血": "xue4", "曾": "ceng2", "单女士": "shan4 nv3 shi4", "单先生": "shan4 xian1 sheng5",
    "仇先生": "qiu2 xian1 sheng5", "解先生": "xie4 xian1 sheng5", "任先生": "ren2 xian1 sheng5",
}  # fmt: skip

# 还 is huán where it is the verb; everywhere else it is hái. What follows decides first, then that nothing does.
_REPAY_AFTER = re.compile(
    r"还(?=款|清|钱|完|上(?!次|面|班)|给|债|贷|掉|回|本金|本息|息|利|过|多少|几|半|部分|全|最低|进|到|够|信用|借|账|花呗|银行|平台|公司|房|车|卡"
    r"|两|[二三四五六七八九十百千万零\d]|一(?!直|样|定|点|般|起|旦)|了(?!解)|不(?:了(?!解)|上|起|清|掉|完|出|动)|得(?:起|上|了|清|完|出)|出来|的(?!是)|这|那|我|他|她"
    r"|[吗吧呢啊呀嘛么哦啦]|$|[^一-鿿A-Za-z])"
)
_STILL_AFTER = re.compile(
    r"还(?=是|有|没|在|要|能|会|可|想|好|需|差|剩|未|记得|行|早|挺|真|算|用|请|以为|应|不|得|这么|那么|我行我素)"
)
_BARE_LIAO = re.compile(r"(?:[还来去办付交接做拿凑筹出给到干搞忘免少])(?:不|得)(了)(?!解)")
_MUST = re.compile(r"(?:您|你|我|他|她|们|还|也|就|都|总|可|必|非|又|先)(得)(?![到了起上知意])")


@dataclass(frozen=True)
class Syllable:
    """One spoken syllable."""

    pinyin: str
    """Without tone, ü as v: lv."""
    tone: int
    """1 to 4; 5 is the light tone."""


@dataclass(frozen=True)
class Clause:
    """What is said in one breath."""

    syllables: tuple[Syllable, ...]
    pause: float
    """Seconds of silence after it."""


_PAUSES = {"、": 0.08, "，": 0.16, ",": 0.16, "：": 0.2, ":": 0.2, "；": 0.25, ";": 0.25, "…": 0.3}
_SENTENCE_PAUSE = 0.35
_BREAK = re.compile(r"[、，,：:；;。！？!?…\n]+")
LONGEST_CLAUSE = 28
"""Characters; the network loses its rhythm in longer ones."""


def clauses(text: str) -> list[Clause]:
    """The text's clauses in order. Text without anything speakable gives none."""
    written = spell_out(text)
    spoken: list[Clause] = []
    start = 0
    for found in [*_BREAK.finditer(written), None]:
        piece = written[start : found.start() if found else None]
        start = found.end() if found else start
        pause = max((_PAUSES.get(mark, _SENTENCE_PAUSE) for mark in found.group()), default=0.0) if found else 0.0
        parts = _breaths(piece)
        for i, part in enumerate(parts):
            if said := tuple(syllables(part)):
                spoken.append(Clause(said, pause if i == len(parts) - 1 else 0.04))
    return spoken


def _breaths(piece: str) -> list[str]:
    """Cuts a long clause into parts of about even length, between words."""
    if len(piece) <= LONGEST_CLAUSE:
        return [piece]
    count = -(-len(piece) // LONGEST_CLAUSE)
    target = len(piece) / count
    parts: list[str] = []
    part = ""
    for word in _words(piece):
        if part and len(part) + len(word) / 2 > target and len(parts) < count - 1:
            parts.append(part)
            part = ""
        part += word
    return [*parts, part]


def spell_out(text: str) -> str:
    """Figures in words, full-width Latin made plain, the rest as it was."""
    plain = "".join(
        unicodedata.normalize("NFKC", mark) if mark.isalnum() or mark in "％＋－．￥／＂" else mark for mark in text
    )
    plain = re.sub(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?!\d)", r"\1年\2月\3日", plain)
    plain = re.sub(r"(\d{4})(?=年)", lambda m: _one_by_one(m[1]), plain)
    plain = re.sub(
        r"(?<!\d)([01]?\d|2[0-3])[:：]([0-5]\d)(?!\d)",
        lambda m: (
            cardinal(m[1]) + "点" + ("整" if m[2] == "00" else ("零" if m[2][0] == "0" else "") + cardinal(m[2]) + "分")
        ),
        plain,
    )
    plain = re.sub(r"(\d+(?:\.\d+)?)\s*%", lambda m: "百分之" + cardinal(m[1]), plain)
    plain = re.sub(r"[¥￥]\s*(\d[\d,]*(?:\.\d+)?)(元)?", r"\1元", plain)
    plain = re.sub(r"(\d)\s*[-~～—]\s*(?=\d{1,2}(?:天|日|个|期|号|月|点))", r"\1到", plain)
    plain = re.sub(r"(?<=\d),(?=\d{3})", "", plain)
    plain = re.sub(
        r"(尾号|号码|账号|卡号|工号|编号|热线|电话|拨打|验证码|密码)([是为：:\s]*)([\d\-]+)", _after_label, plain
    )
    return re.sub(r"(?<!\d)2(?=个|位|次|笔|天|期|百|千|万|元|块)|\d+(?:\.\d+)?", _number, plain)


def _after_label(found: re.Match[str]) -> str:
    return found[1] + found[2] + _one_by_one(found[3].replace("-", ""), telephone=True)


def _number(found: re.Match[str]) -> str:
    figures = found[0]
    following = found.string[found.end() : found.end() + 1]
    if figures == "2" and following and following in "个位次笔天期千万元块":
        return "两"
    whole = figures.split(".", maxsplit=1)[0]
    if "." not in figures and (len(whole) >= 7 or (whole.startswith("0") and len(whole) > 1)):
        return _one_by_one(whole, telephone=len(whole) >= 5)
    return cardinal(figures)


def _one_by_one(figures: str, *, telephone: bool = False) -> str:
    names = _TELEPHONE_DIGITS if telephone else DIGITS
    return "".join(names[int(figure)] for figure in figures)


def cardinal(figures: str) -> str:
    """A number in words: 1050.5 is 一千零五十点五. Raises `ValueError` for what is not decimal figures."""
    if not re.fullmatch(r"\d+(\.\d+)?", figures, re.ASCII):
        raise ValueError(f"{figures!r} is not a decimal number")
    whole, _, part = figures.partition(".")
    words = _whole(int(whole))
    return words + "点" + _one_by_one(part) if part else words


def _whole(number: int) -> str:
    if number == 0:
        return "零"
    groups: list[int] = []
    while number:
        number, group = divmod(number, 10_000)
        groups.append(group)
    words = ""
    units = ["", "万", "亿", "万亿", "亿亿"]
    for place in range(len(groups) - 1, -1, -1):
        group = groups[place]
        if group == 0:
            continue
        if words and (group < 1000 or groups[place + 1] == 0) and not words.endswith("零"):
            words += "零"
        words += ("两" if group == 2 and place else _four_figures(group)) + (units[place] if place < len(units) else "")
    return words.removeprefix("一") if words.startswith("一十") else words


def _four_figures(group: int) -> str:
    words, gap = "", False
    for power, unit in ((1000, "千"), (100, "百"), (10, "十"), (1, "")):
        figure, group = divmod(group, power)
        if figure == 0:
            gap = bool(words)
            continue
        words += ("零" if gap else "") + ("两" if figure == 2 and unit == "千" else DIGITS[figure]) + unit
        gap = False
    return words


def simplified(text: str) -> str:
    """In simplified characters."""
    return str(_converter().convert(text))


@cache
def _converter() -> Any:
    from opencc import OpenCC

    return OpenCC("t2s")


def syllables(text: str) -> list[Syllable]:
    """The syllables of a stretch without punctuation, sandhi done. What no voice can say is left out."""
    said: list[Syllable] = []
    for run in re.finditer(r"[一-鿿㐀-䶿〇]+|[A-Za-z]", text):
        if run[0].isascii():
            said += [_syllable(one) for one in LETTERS[run[0].upper()].split()]
        else:
            at_end = not re.match(r"[一-鿿]", text[run.end() : run.end() + 1])
            said += _characters(run[0], text, run.start(), at_end=at_end)
    return said


def _characters(run: str, text: str, offset: int, *, at_end: bool) -> list[Syllable]:
    words = _words(run)
    tones = [_syllable(reading) for word in words for reading in _readings(word)]
    for place, mark in enumerate(run):
        if mark == "还" and not _covered(words, place):
            tones[place] = Syllable("huan" if _repays(text, offset + place) else "hai", 2)
    for pattern, reading in ((_BARE_LIAO, Syllable("liao", 3)), (_MUST, Syllable("dei", 3))):
        for found in pattern.finditer(run):
            tones[found.start(1)] = reading
    return _sandhi(run, words, tones)


def _covered(words: list[str], place: int) -> bool:
    """Whether the word at `place` has a reading of its own in our phrases."""
    start = 0
    for word in words:
        if start <= place < start + len(word):
            return word in PHRASES
        start += len(word)
    return False


def _repays(text: str, place: int) -> bool:
    """Whether the 还 at `place` is huán."""
    if place and text[place - 1] in "归偿返退交奉赎催":
        return True
    if text.startswith("欠", place + 1):
        return bool(place and text[place - 1] in "来去要想先能")
    if _REPAY_AFTER.match(text, place):
        return True
    if _STILL_AFTER.match(text, place):
        return False
    return bool(
        place and text[max(0, place - 2) : place] in ("分期", "怎么", "按时", "按期", "提前", "逐月", "每月", "一次")
    )


def _sandhi(run: str, words: list[str], said: list[Syllable]) -> list[Syllable]:
    """Tones as they are spoken in a row: 不 and 一 by what follows, a third tone before a third becomes a second."""
    spoken = list(said)
    for i, mark in enumerate(run[:-1]):
        following = said[i + 1].tone
        if mark == "不" and following == 4:
            spoken[i] = Syllable("bu", 2)
        elif mark == "一" and said[i].pinyin == "yi" and not _counts(run, i):
            spoken[i] = Syllable("yi", 2 if following in (4, 5) else 4)
    start = 0
    for word in words:
        end = start + len(word)
        reach = end if len(word) > 1 else end + 1  # one lone syllable leans on the word that follows
        for i in range(min(reach, len(spoken)) - 2, start - 1, -1):
            if said[i].tone == 3 and said[i + 1].tone == 3 and run[i] not in "一不":
                spoken[i] = Syllable(spoken[i].pinyin, 2)
        start = end
    return spoken


def _counts(run: str, place: int) -> bool:
    """Whether the 一 at `place` is a figure, which keeps its first tone."""
    before, after = run[place - 1 : place], run[place + 1 : place + 2]
    return (before != "" and before in "第初十零幺二三四五六七八九一") or after in "月号日二三四五六七八九零幺一"


def _syllable(reading: str) -> Syllable:
    return Syllable(reading[:-1], int(reading[-1]))


@cache
def _dictionary() -> tuple[Any, Any]:
    import pypinyin
    from pypinyin.constants import PHRASES_DICT
    from pypinyin.seg import mmseg

    prefixes = mmseg.PrefixSet()
    prefixes.train(iter([*PHRASES_DICT, *PHRASES]))
    return pypinyin, mmseg.Seg(prefixes)


def _words(run: str) -> list[str]:
    """Cuts a stretch where the dictionary and our own phrases have words."""
    _, segments = _dictionary()
    return [word for word in segments.cut(run) if word]


def _readings(word: str) -> list[str]:
    if word in PHRASES:
        return PHRASES[word].split()
    pypinyin, _ = _dictionary()
    style = pypinyin.Style.TONE3
    readings = pypinyin.lazy_pinyin(word, style=style, neutral_tone_with_five=True, v_to_u=False, errors=_unreadable)
    return [reading.replace("ü", "v") for reading in readings]


def _unreadable(text: str) -> list[str]:
    """One light syllable for a character without a reading, so that places stay in step."""
    return ["a5"] * len(text)
