"""Characters by their sound: toneless pinyin, folded over the mergers that accents and recognisers make.

Each syllable becomes one private character, so that an automaton over sounds is an automaton over short strings.
"""

from __future__ import annotations

import functools
import itertools
import re
import unicodedata

_FIRST_SYLLABLE = 0xE000

# The core words of this trade that a dictionary reads the other way.
_PREFERRED = {
    "还": "huan",
    "长": "chang",
    "重": "zhong",
    "行": "xing",
    "得": "de",
    "都": "dou",
    "了": "le",
    "率": "lv",
    "给": "gei",
    "没": "mei",
    "要": "yao",
    "不": "bu",
    "处": "chu",
    "调": "diao",
    "朝": "chao",
    "数": "shu",
    "弹": "dan",
    "差": "cha",
    "传": "chuan",
    "警": "jing",
    "监": "jian",
    "曝": "bao",
    "血": "xue",
    "宿": "su",
    "车": "che",
    "参": "can",
    "单": "dan",
    "折": "zhe",
    "降": "jiang",
    "卡": "ka",
    "扎": "zha",
    "着": "zhe",
    "的": "de",
    "地": "di",
    "和": "he",
    "说": "shuo",
    "为": "wei",
    "大": "da",
    "会": "hui",
    "把": "ba",
    "看": "kan",
    "打": "da",
    "别": "bie",
    "听": "ting",
    "系": "xi",
    "色": "se",
    "便": "bian",
}
_SECOND = {
    "还": "hai",
    "长": "zhang",
    "重": "chong",
    "行": "hang",
    "得": "dei",
    "都": "du",
    "率": "shuai",
    "调": "tiao",
    "朝": "zhao",
    "弹": "tan",
    "差": "chai",
    "传": "zhuan",
    "曝": "pu",
    "参": "shen",
    "单": "shan",
    "折": "she",
    "降": "xiang",
    "着": "zhao",
    "和": "huo",
    "便": "pian",
    "给": "ji",
    "藏": "zang",
    "曾": "zeng",
    "乐": "yue",
    "仇": "qiu",
    "解": "xie",
    "区": "ou",
    "尽": "jin",
    "伯": "bai",
    "颤": "zhan",
    "地": "de",
    "剥": "bo",
    "薄": "bo",
    "露": "lou",
    "落": "la",
    "绿": "lu",
    "约": "yao",
    "咽": "yan",
    "模": "mu",
    "屏": "bing",
}

# Spoken figures, for digits that stand for a sound ("4定了").
DIGIT_SYLLABLES = {
    "0": "ling",
    "1": "yi",
    "2": "er",
    "3": "san",
    "4": "si",
    "5": "wu",
    "6": "liu",
    "7": "qi",
    "8": "ba",
    "9": "jiu",
}

_INITIALS = (
    "zh",
    "ch",
    "sh",
    "b",
    "p",
    "m",
    "f",
    "d",
    "t",
    "n",
    "l",
    "g",
    "k",
    "h",
    "j",
    "q",
    "x",
    "r",
    "z",
    "c",
    "s",
    "y",
    "w",
)


def _strip_tone(marked: str) -> str:
    plain = unicodedata.normalize(
        "NFD", marked.replace("ü", "v").replace("ǖ", "v").replace("ǘ", "v").replace("ǚ", "v").replace("ǜ", "v")
    )
    return "".join(c for c in plain if not unicodedata.combining(c))


@functools.cache
def _dictionary() -> dict[int, str]:
    from pypinyin.pinyin_dict import pinyin_dict

    return dict(pinyin_dict)


def fold(syllable: str) -> str:
    """One toneless syllable with the mergers undone: zh as z, ch as c, sh as s, -ing as -in, -eng as -en, -ang as
    -an."""
    folded = syllable
    for retroflex, flat in (("zh", "z"), ("ch", "c"), ("sh", "s")):
        if folded.startswith(retroflex):
            folded = flat + folded[2:]
    if folded.endswith(("ing", "eng", "ang")):
        folded = folded[:-1]
    return folded


@functools.lru_cache(maxsize=65536)
def readings(character: str) -> tuple[str, ...]:
    """Toneless readings of one character, the usual one first; empty when it has none."""
    found = _dictionary().get(ord(character))
    if found is None:
        return ()
    plain = list(dict.fromkeys(_strip_tone(r) for r in found.split(",")))
    preferred = _PREFERRED.get(character)
    if preferred:
        plain = [preferred, *(r for r in plain if r != preferred)]
    return tuple(plain)


@functools.cache
def _codes() -> dict[str, str]:
    syllables = sorted({fold(_strip_tone(r)) for rs in _dictionary().values() for r in rs.split(",")})
    return {syllable: chr(_FIRST_SYLLABLE + index) for index, syllable in enumerate(syllables)}


@functools.lru_cache(maxsize=65536)
def code(character: str) -> str:
    """The private character of the folded sound of a character, digit or the character itself where it has none."""
    syllable = DIGIT_SYLLABLES.get(character)
    if syllable is None:
        found = readings(character)
        if not found:
            return character
        syllable = found[0]
    return _codes().get(fold(syllable), character)


@functools.lru_cache(maxsize=4096)
def second_code(character: str) -> str:
    """The code of the second common reading of a character with two, else its first code."""
    second = _SECOND.get(character)
    return _codes().get(fold(second), code(character)) if second else code(character)


@functools.cache
def _syllable_set() -> frozenset[str]:
    return frozenset(_strip_tone(r) for rs in _dictionary().values() for r in rs.split(",")) - {
        "m",
        "n",
        "ng",
        "hm",
        "g",
    }


@functools.lru_cache(maxsize=4096)
def spell(latin: str) -> tuple[str, ...]:
    """Splits a Latin word into pinyin syllables ("fayuan" as fa, yuan), longest first; empty when it is none."""
    known = _syllable_set()

    def split(rest: str) -> tuple[str, ...] | None:
        if not rest:
            return ()
        for length in range(min(6, len(rest)), 0, -1):
            head = rest[:length]
            if head in known:
                tail = split(rest[length:])
                if tail is not None:
                    return (head, *tail)
        return None

    return split(latin) or ()


@functools.lru_cache(maxsize=4096)
def spelt_codes(latin: str) -> str:
    """The private characters of the syllables of a Latin word, U+FFFD for one without; empty when it is no pinyin."""
    return "".join([_codes().get(fold(syllable), "\ufffd") for syllable in spell(latin)])


def initials(word: str) -> str:
    """First letters of the syllables of a word ("起诉" as qs); empty when a character has no reading."""
    letters = []
    for character in word:
        found = readings(character)
        if not found:
            return ""
        letters.append(found[0][0])
    return "".join(letters)


_HAN = re.compile(r"[㐀-䶿一-鿿]")


@functools.lru_cache(maxsize=65536)
def is_han(character: str) -> bool:
    return bool(_HAN.match(character))


def encodings(word: str, limit: int = 4) -> list[str]:
    """Sound codes of a word of a pack, with both readings of its characters where they differ."""
    options = []
    for character in word:
        first, second = code(character), second_code(character)
        options.append((first,) if first == second else (first, second))
    return ["".join(choice) for choice in itertools.islice(itertools.product(*options), limit)]


def _near(character: str) -> frozenset[str]:
    """Readings of a character with only the mergers that keep its vowel: zh as z, -ing as -in, but -ang stays."""
    near = set()
    for reading in readings(character) or ((DIGIT_SYLLABLES[character],) if character in DIGIT_SYLLABLES else ()):
        plain = reading
        for retroflex, flat in (("zh", "z"), ("ch", "c"), ("sh", "s")):
            if plain.startswith(retroflex):
                plain = flat + plain[2:]
        near.add(plain[:-1] if plain.endswith(("ing", "eng")) else plain)
    return frozenset(near)


@functools.lru_cache(maxsize=65536)
def sounds_like(surface: str, word: str) -> bool:
    """True when each character of a short surface sounds like that of a word, more closely than the folded codes
    tell."""
    return len(surface) == len(word) and all(_near(a) & _near(b) for a, b in zip(surface, word, strict=True))
