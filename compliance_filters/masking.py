"""Takes personal data out of transcripts, logs and exports: identity and card numbers, phones, names, addresses,
amounts.

Figures count in any form a recogniser writes them: 13800001234, 138-0000-1234, １３８…, 一三八零零零零幺二三四. What
stays is enough to talk about (the last four figures, a surname) and never more. Foreign numbers are found by
libphonenumber.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Mapping
from typing import Any

import phonenumbers

from compliance_filters.amounts import amounts_in
from compliance_filters.english_amounts import sums_in

HIDDEN = "*"
_KEPT_FIGURES = 4
_SPOKEN = "零〇一二两三四五六七八九幺洞拐"
_FIGURE = rf"[0-9０-９{_SPOKEN}]"
# Fillers and separators that people and recognisers put between figures.
_BETWEEN = r"[\s\-—–·.,，、嗯啊呃]{0,3}"
_RUN = re.compile(rf"{_FIGURE}(?:{_BETWEEN}{_FIGURE}){{6,}}(?:{_BETWEEN}[xXＸ])?(?![年月日元块])")
_PLAIN_RUN = re.compile(r"\d+")
_SECRET = re.compile(
    rf"(?P<word>验证码|校验码|动态码|密码|口令|安全码|cvv|CVV|PIN|pin)(?P<gap>[^0-9０-９{_SPOKEN}]{{0,6}})(?P<figures>{_FIGURE}(?:{_BETWEEN}{_FIGURE}){{2,}})"
)
_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_AREA = r"[一-鿿]{2,8}?(?:省|自治区|市|自治州|区|县|旗)"
_ADDRESS = re.compile(
    rf"(?:(?:{_AREA}){{1,3}}[一-鿿0-9]{{0,12}}?(?:街道|镇|乡|村|路|街|大道|巷|弄|胡同|小区|花园|苑|新村)"
    rf"|[一-鿿]{{2,6}}(?:路|街|大道|巷|弄|胡同|小区|花园|苑|新村|村)(?=[0-9一二三四五六七八九十百零]+(?:号|区|栋|幢|座|弄|单元|楼|室)))"
    r"(?:[0-9一二三四五六七八九十百零A-Za-z\-]{1,6}(?:段|区|号院|号楼|号|栋|幢|座|弄|支弄|单元|楼|层|室|组|队|房))*(?:(?<=[栋幢座元楼])\d{3,4})?"
)
_STREET = re.compile(
    r"\b\d{1,5}\s(?:[NSEW]\.?\s)?(?:[A-Z][a-z]+\s){1,3}(?:Street|St|Avenue|Ave|Road|Rd|Lane|Ln|Drive|Dr|Boulevard|Blvd|"
    r"Court|Ct|Way|Place|Terrace|Close)\b\.?(?:,?\s(?:[Aa]pt|[Aa]partment|[Uu]nit|[Ff]lat|#)\.?\s?\w+)?"
)
# Letters and figures that name a person's account or car: a WeChat or QQ name, a number plate.
_HANDLE = re.compile(
    r"(?P<word>(?:微信|QQ|支付宝|抖音)(?:账号|号|名)?(?:是|为|叫)?[:：\s]*)(?P<name>[A-Za-z][\w-]{4,19})"
)
_PLATE = re.compile(r"[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼][A-Z][·\s]?[A-Z0-9]{4,6}\b")
_ENGLISH_FIGURE = r"(?:zero|oh|one|two|three|four|five|six|seven|eight|nine|double|triple)"
_ENGLISH_RUN = re.compile(rf"\b{_ENGLISH_FIGURE}(?:[\s,.-]+{_ENGLISH_FIGURE}){{6,}}\b", re.IGNORECASE)
_DATE = re.compile(r"(?:19|20)\d\d[-/.](?:0?[1-9]|1[0-2])[-/.](?:0?[1-9]|[12]\d|3[01])")
_MARKED = re.compile(r"(?:人民币|¥|￥)\s?\d+(?:,\d{3})*(?:\.\d+)?|\d+(?:\.\d+)?\s?万\d?(?=[^\d人次年个]|$)")
# A sum said without its unit (三千五, 一万二): hidden only where it can be nothing else.
_UNMARKED = re.compile(
    r"(?<![零一二两三四五六七八九十第])[一二两三四五六七八九](?:[万千百][零一二三四五六七八九十]*)+(?![零一二三四五六七八九十万千百]|[多几来]?[人次年个天期号分倍度米里公克家条份名位只]|元|块)"
)

_UNIT = re.compile(r"块钱|万元|元|块|美元|港币|港元|台币|dollars|pounds|bucks|euros")

TAGGED_FIELDS = ("number", "name", "text", "amount")
"""Fields of log records and timeline entries in which personal data may stand, and the only ones."""


def _hide_run(match: re.Match[str]) -> str:
    """Hides all figures of a run but the last four; separators stay, so that the shape can be read."""
    run = match.group()
    if _DATE.fullmatch(run):
        return run
    figures = [i for i, c in enumerate(run) if re.match(rf"{_FIGURE}|[xXＸ]", c)]
    kept = set(figures[-_KEPT_FIGURES:]) if len(figures) > 2 * _KEPT_FIGURES - 2 else set()
    return "".join(HIDDEN if i in figures and i not in kept else c for i, c in enumerate(run))


def _hide_foreign(text: str, region: str) -> str:
    found = list(phonenumbers.PhoneNumberMatcher(text, region, leniency=phonenumbers.Leniency.POSSIBLE))
    for match in reversed(found):
        shown = text[match.start : match.end]
        figures = [i for i, c in enumerate(shown) if c.isdigit()]
        if len(figures) < 7 or _DATE.fullmatch(shown):
            continue
        kept = set(figures[-_KEPT_FIGURES:])
        hidden = "".join(HIDDEN if c.isdigit() and i not in kept else c for i, c in enumerate(shown))
        text = text[: match.start] + hidden + text[match.end :]
    return text


def _hide_spoken(match: re.Match[str]) -> str:
    """Leaves the last four figures of a number read out in English."""
    figures = re.findall(r"[A-Za-z]+", match.group())
    return f"{HIDDEN * 3} {' '.join(figures[-_KEPT_FIGURES:])}"


def _hide_address(match: re.Match[str]) -> str:
    """Leaves the words before an address ("我家住在") where they are."""
    lead = re.match(r"[我您你他她家住在是的到于现地址老单位：]*", match.group())
    return (lead.group() if lead else "") + "[地址]"


def _hide_amounts(text: str) -> str:
    """Hides sums of money, in figures and in words, Chinese and English; the unit stays."""
    places = {(a.start, a.end) for a in amounts_in(text)} | {(a.start, a.end) for a in sums_in(text)}
    places |= {match.span() for pattern in (_MARKED, _UNMARKED) for match in pattern.finditer(text)}
    for start, end in sorted(places, key=lambda place: (-place[0], -place[1])):
        shown = text[start:end]
        if HIDDEN in shown:
            continue
        unit = "".join(_UNIT.findall(shown)[-1:])
        space = " " if unit.isascii() and unit else ""
        text = text[:start] + HIDDEN * 3 + space + unit + text[end:]
    return text


def mask_number(number: str) -> str:
    """A phone, card or identity number with only its last four figures readable: +86138****1234 as *********1234."""
    figures = [i for i, c in enumerate(number) if c.isalnum()]
    kept = set(figures[-_KEPT_FIGURES:]) if len(figures) > _KEPT_FIGURES else set()
    return "".join(HIDDEN if i in figures and i not in kept else c for i, c in enumerate(number))


def mask_name(name: str) -> str:
    """A name with the given name hidden: 王小样 as 王**, Ann Example as A*********."""
    stripped = name.strip()
    if len(stripped) <= 1:
        return HIDDEN * len(stripped)
    kept = 2 if stripped[:2] in _DOUBLE_SURNAMES and len(stripped) > 2 else 1
    return stripped[:kept] + HIDDEN * (len(stripped) - kept)


_DOUBLE_SURNAMES = frozenset(
    {"欧阳", "司马", "上官", "诸葛", "东方", "皇甫", "尉迟", "公孙", "令狐", "慕容", "司徒", "夏侯", "端木", "南宫"}
)


def mask(text: str, *, names: Iterable[str] = (), amounts: bool = False, region: str = "CN") -> str:
    """The text without personal data.

    `names` are hidden wherever they stand, given names alone included. `amounts` hides sums of money too. `region`
    is where
    numbers without a country code belong (ISO 3166).
    """
    masked = _SECRET.sub(lambda m: m["word"] + m["gap"] + re.sub(_FIGURE, HIDDEN, m["figures"]), text)
    masked = _EMAIL.sub(lambda m: HIDDEN * 4 + m.group()[m.group().index("@") :], masked)
    masked = _HANDLE.sub(lambda m: m["word"] + HIDDEN * len(m["name"]), masked)
    if amounts:
        masked = _hide_amounts(masked)
    masked = _STREET.sub("[address]", _ADDRESS.sub(_hide_address, masked))
    masked = _PLATE.sub(lambda m: m.group()[0] + HIDDEN * (len(m.group()) - 1), masked)
    masked = _ENGLISH_RUN.sub(_hide_spoken, masked)
    masked = _RUN.sub(_hide_run, masked)
    masked = _hide_foreign(masked, region)
    for name in sorted({n.strip() for n in names if n.strip()}, key=len, reverse=True):
        masked = masked.replace(name, mask_name(name))
        given = name[2:] if name[:2] in _DOUBLE_SURNAMES else name[1:]
        if len(given) >= 2 and not name.isascii():
            masked = masked.replace(given, HIDDEN * len(given))
    return masked


def mask_fields(fields: Mapping[str, Any], *, names: Iterable[str] = (), amounts: bool = True) -> dict[str, Any]:
    """A mapping (a timeline entry, a row to export) with its tagged fields hidden, at any depth."""
    known = tuple(names)

    def hide(key: str, value: Any) -> Any:
        if isinstance(value, Mapping):
            return {k: hide(k, v) for k, v in value.items()}
        if isinstance(value, (list, tuple)):
            return [hide(key, item) for item in value]
        if value is None or isinstance(value, bool):
            return value
        if key == "number":
            return mask_number(str(value))
        if key == "name":
            return mask_name(str(value))
        if key == "amount":
            return HIDDEN * 3 if amounts else value
        if isinstance(value, str):
            return mask(value, names=known, amounts=amounts and key == "text")
        return value

    return {key: hide(key, value) for key, value in fields.items()}


class MaskingFilter(logging.Filter):
    """Hides the tagged fields of every record that passes, and figures that slipped into its message.

    Attach it to handlers, so that no logger can go round it.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        for tagged in TAGGED_FIELDS:
            if tagged == "name":
                continue  # `name` of a record is the logger; the person's name travels as person_name.
            if tagged in record.__dict__:
                setattr(record, tagged, mask_fields({tagged: getattr(record, tagged)})[tagged])
        if "person_name" in record.__dict__:
            record.person_name = mask_name(str(record.__dict__["person_name"]))
        message = record.getMessage()
        hidden = mask(message)
        if hidden != message:
            record.msg, record.args = hidden, ()
        return True
