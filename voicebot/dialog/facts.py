"""What a case says about a debt and its debtor: the only source of every name, amount and date that is spoken."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from enum import Enum

FactValue = str | int | bool | Decimal | date | datetime


class FactKind(Enum):
    """How a fact is typed, and so how it is read aloud."""

    TEXT = "text"
    MONEY = "money"
    DATE = "date"
    TIME = "time"
    """A date with a time of day."""
    COUNT = "count"
    DIGITS = "digits"
    """Read digit by digit: a hotline, the last four of a document."""
    FLAG = "flag"


@dataclass(frozen=True)
class FactSpec:
    """One fact that flows and lines may name."""

    name: str
    kind: FactKind
    means: str
    """For the author, in Chinese."""
    means_en: str
    """The same in English."""
    account: bool = False
    """True when a line that speaks it tells about the debt or the account."""
    personal: bool = False
    """True when it belongs to the person's identity and must never be read out to check it."""
    samples: tuple[str, ...] = ()
    """Values, from ordinary to extreme, that the checker puts into lines."""


_MONEY = ("2380", "0.5", "1286.40", "10000", "305020.08", "1000000")
_DATES = ("2026-03-01", "2026-12-31", "2028-02-29")
_NAMES = ("王小样", "欧阳示例", "阿卜杜拉·示例", "李例")

FACTS: Mapping[str, FactSpec] = {
    spec.name: spec
    for spec in (
        FactSpec("debtor.name", FactKind.TEXT, "债务人姓名", "the debtor's name", samples=_NAMES),
        FactSpec(
            "debtor.surname",
            FactKind.TEXT,
            "姓，由姓名得出",
            "surname, taken from the name",
            samples=("王", "欧阳", "阿卜杜拉"),
        ),
        FactSpec(
            "debtor.honorific",
            FactKind.TEXT,
            "称呼：先生、女士；未知时为空",
            "先生 or 女士; empty where unknown",
            samples=("女士", "先生", ""),
        ),
        FactSpec(
            "debtor.id_last_four",
            FactKind.DIGITS,
            "证件后四位，只用来核对",
            "last four of the document; only to compare with",
            personal=True,
            samples=("3866",),
        ),
        FactSpec("debtor.age", FactKind.COUNT, "年龄", "age in years", personal=True, samples=("35", "72")),
        FactSpec(
            "debtor.payday",
            FactKind.COUNT,
            "每月发薪日",
            "day of the month on which the debtor is paid",
            personal=True,
            samples=("10",),
        ),
        FactSpec(
            "debt.creditor",
            FactKind.TEXT,
            "债权人",
            "to whom it is owed",
            account=True,
            samples=("安信银行", "示例消费金融公司"),
        ),
        FactSpec(
            "debt.product", FactKind.TEXT, "产品名", "name of the product", account=True, samples=("信用卡", "消费贷款")
        ),
        FactSpec("debt.amount_due", FactKind.MONEY, "现在应还", "what is due now", account=True, samples=_MONEY),
        FactSpec("debt.principal", FactKind.MONEY, "其中本金", "of which principal", account=True, samples=_MONEY),
        FactSpec(
            "debt.fees", FactKind.MONEY, "其中利息和费用", "of which interest and fees", account=True, samples=_MONEY
        ),
        FactSpec(
            "debt.minimum_due", FactKind.MONEY, "最低应还", "the least that is due now", account=True, samples=_MONEY
        ),
        FactSpec("debt.due_date", FactKind.DATE, "到期日", "when it was or is due", account=True, samples=_DATES),
        FactSpec(
            "debt.as_of", FactKind.DATE, "账目截至哪一天", "day of the account's state", account=True, samples=_DATES
        ),
        FactSpec(
            "debt.days_overdue",
            FactKind.COUNT,
            "逾期天数",
            "days since it was due",
            account=True,
            samples=("1", "12", "365"),
        ),
        FactSpec(
            "debt.authorised",
            FactKind.FLAG,
            "法律措施已获授权",
            "legal measures are authorised",
            account=True,
            samples=("false",),
        ),
        FactSpec(
            "debt.instalments",
            FactKind.FLAG,
            "可以申请分期",
            "instalments may be applied for",
            account=True,
            samples=("true", "false"),
        ),
        FactSpec(
            "promise.amount",
            FactKind.MONEY,
            "上次承诺的金额",
            "amount of the last promise",
            account=True,
            samples=_MONEY,
        ),
        FactSpec(
            "promise.date", FactKind.DATE, "上次承诺的日期", "date of the last promise", account=True, samples=_DATES
        ),
        FactSpec(
            "promise.paid", FactKind.MONEY, "承诺后已到账", "paid since the promise", account=True, samples=_MONEY
        ),
        FactSpec(
            "promise.status",
            FactKind.TEXT,
            "kept、partly、broken，没有承诺时缺",
            "kept, partly or broken; absent without a promise",
            account=True,
            samples=("kept", "partly", "broken"),
        ),
        FactSpec(
            "promise.changes",
            FactKind.COUNT,
            "已改期次数",
            "how often a promise was moved",
            account=True,
            samples=("0", "2", "3"),
        ),
        FactSpec(
            "firm.name",
            FactKind.TEXT,
            "来电机构，不得让人听出催收",
            "who calls; must not let anyone hear that a debt is collected",
            samples=("安信银行", "示例客户服务中心"),
        ),
        FactSpec(
            "firm.callback_number",
            FactKind.DIGITS,
            "官方回拨号码",
            "official number to call back",
            samples=("4000000000", "95500", "02100000000"),
        ),
        FactSpec(
            "firm.complaint_number", FactKind.DIGITS, "投诉号码", "number for complaints", samples=("4000000001",)
        ),
        FactSpec(
            "firm.app", FactKind.TEXT, "官方应用的名字", "name of the official app", samples=("安信银行APP", "官方APP")
        ),
        FactSpec(
            "firm.hours",
            FactKind.TEXT,
            "人工服务时间，按说出来的样子",
            "hours of human service, as spoken",
            samples=("早上九点到晚上六点",),
        ),
        FactSpec(
            "firm.contact_person",
            FactKind.TEXT,
            "可回拨找到的真人姓名",
            "a real person who can be reached",
            samples=("Alex Example",),
        ),
        FactSpec("case.reference", FactKind.DIGITS, "案件编号", "number of the case", samples=("20260001",)),
        FactSpec(
            "case.stage",
            FactKind.TEXT,
            "谈到哪一步：due_soon、first、later、promise",
            "how far it has come: due_soon, first, later, promise",
            account=True,
            samples=("first",),
        ),
        FactSpec(
            "firm.closed", FactKind.FLAG, "人工服务现在下班", "nobody serves the phones now", samples=("true", "false")
        ),
        FactSpec(
            "call.withheld",
            FactKind.FLAG,
            "对方没有显示号码",
            "the caller hides their number",
            samples=("true", "false"),
        ),
        FactSpec(
            "case.lost_contact",
            FactKind.FLAG,
            "本人已失联",
            "the debtor cannot be reached any more",
            samples=("false",),
        ),
        FactSpec(
            "case.callback_expected",
            FactKind.FLAG,
            "本人来电是回我们的未接",
            "the caller returns our missed call",
            samples=("true", "false"),
        ),
        FactSpec(
            "case.can_text",
            FactKind.FLAG,
            "现在可以给本人发短信",
            "a text message may be sent to the debtor now",
            samples=("true", "false"),
        ),
    )
}
"""Every fact by its name. A case may carry others under `x.`, typed by their values."""

_COMPOUND = "欧阳司马上官诸葛东方皇甫尉迟公孙慕容令狐宇文长孙司徒端木夏侯轩辕独孤南宫闻人申屠澹台"


class FactError(ValueError):
    """A case gave a fact that cannot be used. Says which, what came and what is expected."""


def surname_of(name: str) -> str:
    """Surname of a Chinese name: 王小样 gives 王, 欧阳示例 gives 欧阳; a Latin name gives its last word."""
    name = name.strip()
    if not name:
        return ""
    if name.isascii():
        return name.split()[-1]
    if "·" in name:
        return name.split("·")[0]
    compound = len(name) > 2 and name[:2] in {_COMPOUND[start : start + 2] for start in range(0, len(_COMPOUND), 2)}
    return name[:2] if compound else name[:1]


@dataclass(frozen=True)
class Facts:
    """Typed facts of one case, by dotted name. Immutable; missing facts are absent, never guessed."""

    values: Mapping[str, FactValue]
    currency: str = "CNY"
    """ISO 4217, of every amount of the case."""

    def __getitem__(self, name: str) -> FactValue:
        return self.values[name]

    def __contains__(self, name: object) -> bool:
        return name in self.values

    def get(self, name: str) -> FactValue | None:
        return self.values.get(name)

    def amount(self, name: str) -> Decimal | None:
        value = self.values.get(name)
        return value if isinstance(value, Decimal) else None

    @classmethod
    def of(cls, raw: Mapping[str, object]) -> Facts:
        """From a mapping, nested ({"debtor": {"name": ...}}) or dotted ({"debtor.name": ...}), as YAML, JSON or the
        store gives it. Strings are read into the kind that the fact has. `debtor.surname` comes from the name, where it
        is missing. Raises FactError."""
        flat = dict(_flatten("", raw))
        currency = str(flat.pop("debt.currency", "CNY"))
        values: dict[str, FactValue] = {}
        for name, value in flat.items():
            if value is None:
                continue
            spec = FACTS.get(name)
            if spec is None and not name.startswith("x."):
                raise FactError(f"{name}: no such fact. Known facts are listed in docs; your own start with x.")
            values[name] = _typed(name, spec.kind if spec else None, value)
        owner = values.get("debtor.name")
        if isinstance(owner, str):
            values.setdefault("debtor.surname", surname_of(owner))
            values.setdefault("debtor.honorific", "")
        if "debt.creditor" in values:
            values.setdefault("firm.name", values["debt.creditor"])
        return cls(values, currency)


def _flatten(prefix: str, raw: Mapping[str, object]) -> Iterator[tuple[str, object]]:
    for key, value in raw.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            yield from _flatten(f"{name}.", value)
        else:
            yield name, value


def _typed(name: str, kind: FactKind | None, value: object) -> FactValue:
    try:
        return _READ[kind](value)
    except (InvalidOperation, ValueError, KeyError) as error:
        raise FactError(f"{name}: {value!r} cannot be read as {kind.value if kind else 'text'}") from error


def _any(value: object) -> FactValue:
    return value if isinstance(value, str | int | bool | Decimal | date | datetime) else str(value)


def _text(value: object) -> FactValue:
    return str(value).strip()


def _money(value: object) -> FactValue:
    amount = Decimal(str(value))
    if not amount.is_finite():
        raise ValueError(value)
    return amount


def _date(value: object) -> FactValue:
    if isinstance(value, datetime):
        return value.date()
    return value if isinstance(value, date) else date.fromisoformat(str(value))


def _time(value: object) -> FactValue:
    return value if isinstance(value, datetime) else datetime.fromisoformat(str(value))


def _count(value: object) -> FactValue:
    return int(str(value))


def _flag(value: object) -> FactValue:
    return value if isinstance(value, bool) else {"true": True, "false": False}[str(value).lower()]


_READ: Mapping[FactKind | None, Callable[[object], FactValue]] = {
    None: _any,
    FactKind.TEXT: _text,
    FactKind.DIGITS: _text,
    FactKind.MONEY: _money,
    FactKind.DATE: _date,
    FactKind.TIME: _time,
    FactKind.COUNT: _count,
    FactKind.FLAG: _flag,
}
