"""Which column of a foreign table is which field of a case."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from voicebot.campaign.case_form import CaseForm
from voicebot.campaign.importing_table import TableFault

FAULT = "fault"
"""Column of the file of rejected rows that says why; ignored when that file is imported."""
REQUIRED = tuple(name for name, info in CaseForm.model_fields.items() if info.is_required())
_ALIASES = {
    "external_id": ("合同号", "合同编号", "借据号", "案件编号", "contract", "contract_number"),
    "name": ("姓名", "客户姓名", "借款人", "debtor_name"),
    "surname": ("姓",),
    "honorific": ("称呼", "称谓"),
    "debtor_id": ("客户号", "客户编号", "customer_number"),
    "id_last_four": ("证件后四位", "身份证后四位", "证件尾号"),
    "age_band": ("年龄段", "年龄", "age"),
    "numbers": ("手机号", "手机号码", "电话", "电话号码", "联系电话", "phone", "phones"),
    "creditor": ("债权人", "机构", "放款机构"),
    "amount_due": ("应还金额", "欠款金额", "逾期金额", "amount"),
    "principal": ("本金", "剩余本金"),
    "minimum_due": ("最低还款额",),
    "due_date": ("到期日", "应还日期", "还款日", "最后还款日"),
    "currency": ("币种",),
    "product": ("产品", "产品名称"),
    "language": ("语言",),
    "dialect": ("方言",),
    "jurisdiction": ("法域", "适用规则"),
    "time_zone": ("时区",),
    "risk_tier": ("风险等级",),
    "payday": ("发薪日",),
    "preferred_hours": ("方便时间", "希望联系时间"),
    "consent_call": ("同意电话联系",),
    "consent_robot_call": ("同意机器人外呼",),
    "consent_recording": ("同意录音",),
    "consent_sms": ("同意短信",),
    "consent_date": ("同意日期", "授权日期"),
    "consent_source": ("同意来源", "授权来源"),
}
"""Names under which creditors' tables carry a field; taken without a mapping file."""
_FIELD_OF = {alias.casefold(): name for name, aliases in _ALIASES.items() for alias in (name, *aliases)}


class _MappingFile(BaseModel):
    model_config = ConfigDict(extra="forbid")
    columns: dict[str, str] = {}
    ignore: list[str] = []
    constants: Annotated[dict[str, str], Field(default_factory=dict)]


@dataclass(frozen=True)
class Columns:
    """What a mapping file says."""

    names: Mapping[str, str] = field(default_factory=dict)
    """Column of the table to field of the case."""
    ignore: frozenset[str] = frozenset()
    """Columns that are not wanted."""
    constants: Mapping[str, str] = field(default_factory=dict)
    """Fields that are the same in every row and have no column."""

    def bind(self, header: Sequence[str]) -> tuple[str | None, ...]:
        """The field of each column, None for an ignored one. Raises TableFault that names every wrong column."""
        bound = tuple(self._field(name) for name in header)
        said = [*self._unknown(header), *self._doubled(header, bound), *self._missing(bound)]
        if said:
            raise TableFault("; ".join(said))
        return tuple(None if name == FAULT else name for name in bound)

    def _field(self, column: str) -> str | None:
        if column in self.ignore or column == FAULT:
            return FAULT
        return self.names.get(column) or _FIELD_OF.get(column.strip().casefold())

    def _unknown(self, header: Sequence[str]) -> list[str]:
        unknown = sorted({name or "(no name)" for name in header if self._field(name) is None})
        remedy = "name them in a mapping file, under columns or ignore"
        return [f"the header names unknown columns: {', '.join(unknown)}; {remedy}"] if unknown else []

    def _doubled(self, header: Sequence[str], bound: Sequence[str | None]) -> list[str]:
        doubled = sorted({name for name in bound if name not in (None, FAULT) and bound.count(name) > 1 and name})
        return [
            f"{name} comes twice, from {', '.join(c for c, b in zip(header, bound, strict=True) if b == name)}"
            for name in doubled
        ]

    def _missing(self, bound: Sequence[str | None]) -> list[str]:
        needed = ("external_id", *REQUIRED)
        missing = sorted(name for name in needed if name not in bound and name not in self.constants)
        return [f"the header lacks {', '.join(missing)}"] if missing else []


def read_columns(file: Path) -> Columns:
    """Reads a mapping file. Raises TableFault with the place and the remedy, OSError for the file itself."""
    try:
        document = YAML(typ="safe").load(file.read_text(encoding="utf-8"))
        found = _MappingFile.model_validate(document or {})
    except (YAMLError, UnicodeDecodeError) as error:
        raise TableFault(f"{file}: not YAML in UTF-8: {' '.join(str(error).split())}") from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise TableFault(f"{file}: {where}: {first['msg']}; it has columns, ignore and constants") from error
    fields = [*found.columns.values(), *found.constants]
    if strange := sorted(set(fields) - set(CaseForm.model_fields)):
        raise TableFault(f"{file}: a case has no field {', '.join(strange)}; see `voicebot case template`")
    return Columns(found.columns, frozenset(found.ignore), found.constants)
