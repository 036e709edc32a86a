"""Tables of news about cases: payments, flags, numbers, consents and notices, times."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from enum import Enum
from pathlib import Path
from typing import Protocol

from pydantic import BaseModel

from voicebot.campaign.importing import BATCH, ImportReport, Loaded, Progress, RowKind, import_rows
from voicebot.campaign.importing_cells import Readers, RowFault, answer, day, fill, moment, money, typed
from voicebot.campaign.importing_columns import Columns, fields_of
from voicebot.campaign.news_forms import ConsentForm, FlagForm, NewsForm, NumberForm, PaymentForm, TimeForm
from voicebot.store.news_records import News, PaymentNews, Taken, TakenAs


class NewsTable(Enum):
    """What a table of news is about."""

    PAYMENTS = "payments"
    FLAGS = "flags"
    NUMBERS = "numbers"
    CONSENTS = "consents"
    TIMES = "times"


class NewsSink(Protocol):
    """What takes the news: `Store.news`."""

    async def take(self, news: Sequence[News], *, by: str, looser: bool = False) -> Sequence[Taken]: ...


async def import_news(
    file: Path,
    table: NewsTable,
    sink: NewsSink,
    *,
    by: str,
    rejects: Path,
    looser: bool = False,
    columns: Columns | None = None,
    encoding: str | None = None,
    progress: Progress = lambda report, share: None,
    batch: int = BATCH,
) -> ImportReport:
    """Loads a table of news: see `import_rows`. The same table again changes nothing.

    `by` is kept with what changes. Without `looser`, rows that would allow more calls are handed back.
    """

    async def load(news: Sequence[News]) -> Loaded:
        return _loaded(await sink.take(news, by=by, looser=looser))

    kind = KINDS[table]
    return await import_rows(
        file, kind, load, rejects=rejects, columns=columns, encoding=encoding, progress=progress, batch=batch
    )


def _loaded(taken: Sequence[Taken]) -> Loaded:
    counts = {outcome: sum(one.outcome is outcome for one in taken) for outcome in TakenAs}
    refused = {
        place: RowFault(0, one.field, one.why) for place, one in enumerate(taken) if one.outcome is TakenAs.REFUSED
    }
    return Loaded(counts[TakenAs.NEW], counts[TakenAs.CHANGED], counts[TakenAs.KNOWN], refused)


_CASE = ("合同号", "合同编号", "借据号", "案件编号", "external_id", "contract", "contract_number")


def _kind(
    table: NewsTable,
    form: type[BaseModel],
    readers: Readers,
    aliases: Mapping[str, Sequence[str]],
    name: Callable[[News], str | None] = lambda news: None,
    named_by: str = "row",
) -> RowKind[News]:
    own = fields_of(form, aliases, template=f"voicebot case template --of {table.value}")
    fields = replace(
        own, names=("case", *own.names), required=("case", *own.required), aliases={"case": _CASE, **aliases}
    )

    def read(values: Mapping[str, str], line: int) -> tuple[News | None, tuple[RowFault, ...]]:
        given = typed(values, readers)
        case = str(given.pop("case", ""))
        filled, faults = fill(form, given, line)
        if not case:
            faults = (RowFault(line, "case", "the contract number, or the id, of the case is needed"), *faults)
        if faults or filled is None:
            return None, faults
        told: NewsForm = filled  # type: ignore[assignment]
        return told.news(case), ()

    return RowKind[News](fields, read, name, named_by)


def _payment_name(news: News) -> str | None:
    return f"{news.case}\0{news.reference}" if isinstance(news, PaymentNews) else None


KINDS: Mapping[NewsTable, RowKind[News]] = {
    NewsTable.PAYMENTS: _kind(
        NewsTable.PAYMENTS,
        PaymentForm,
        {"amount": money, "paid_on": day, "currency": str.upper},
        {
            "reference": ("流水号", "还款流水号", "交易号", "payment_id"),
            "amount": ("还款金额", "金额", "入账金额"),
            "paid_on": ("还款日期", "入账日期", "date"),
            "currency": ("币种",),
        },
        _payment_name,
        "reference",
    ),
    NewsTable.FLAGS: _kind(
        NewsTable.FLAGS,
        FlagForm,
        {"in_force": answer, "since": day},
        {
            "flag": ("标记", "标识", "状态"),
            "in_force": ("生效", "是否生效"),
            "since": ("日期", "发生日期", "date"),
            "note": ("备注", "说明"),
        },
    ),
    NewsTable.NUMBERS: _kind(
        NewsTable.NUMBERS,
        NumberForm,
        {"state": lambda text: text.casefold()},
        {
            "number": ("手机号", "号码", "电话", "电话号码", "phone"),
            "state": ("状态", "号码状态"),
            "label": ("标签", "关系", "号码归属", "owner"),
            "approved_by": ("批准人", "审核人"),
        },
    ),
    NewsTable.CONSENTS: _kind(
        NewsTable.CONSENTS,
        ConsentForm,
        {"granted": answer, "on": day},
        {
            "kind": ("类型", "事项"),
            "granted": ("是否同意", "同意"),
            "on": ("日期", "date"),
            "source": ("来源", "凭证"),
        },
    ),
    NewsTable.TIMES: _kind(
        NewsTable.TIMES,
        TimeForm,
        {"starts": moment, "ends": moment, "in_force": answer},
        {
            "kind": ("类型",),
            "starts": ("开始", "开始时间"),
            "ends": ("结束", "结束时间"),
            "source": ("来源", "凭证"),
            "in_force": ("生效", "是否生效"),
        },
    ),
}
"""How the rows of each table are read."""
