"""Which column of a foreign table is which field of what its rows are read as."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from voicebot.campaign.case_form import CaseForm
from voicebot.campaign.importing_table import TableFault

FAULT = "fault"
"""Column of the file of rejected rows that says why; ignored when that file is imported."""
_CASE_ALIASES: Mapping[str, Sequence[str]] = {
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
    "residence": ("居住州", "state"),
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


@dataclass(frozen=True)
class Fields:
    """The fields that a row may have."""

    names: tuple[str, ...]
    required: tuple[str, ...]
    aliases: Mapping[str, Sequence[str]]
    """Names under which tables carry a field."""
    template: str = "voicebot case template"
    """The command that prints a table with all of them."""

    @cached_property
    def by_name(self) -> Mapping[str, str]:
        """Field of each name that is understood."""
        return {alias.casefold(): name for name in self.names for alias in (name, *self.aliases.get(name, ()))}


def fields_of(form: type[BaseModel], aliases: Mapping[str, Sequence[str]], **more: str) -> Fields:
    """The fields of a form."""
    required = tuple(name for name, info in form.model_fields.items() if info.is_required())
    return Fields(tuple(form.model_fields), required, aliases, **more)


CASE_FIELDS = replace(
    fields_of(CaseForm, _CASE_ALIASES),
    required=("external_id", *(name for name, info in CaseForm.model_fields.items() if info.is_required())),
)


class _MappingFile(BaseModel):
    model_config = ConfigDict(extra="forbid")
    columns: dict[str, str] = {}
    ignore: list[str] = []
    constants: Annotated[dict[str, str], Field(default_factory=dict)]


@dataclass(frozen=True)
class Columns:
    """What a mapping file says."""

    names: Mapping[str, str] = field(default_factory=dict)
    """Column of the table to field."""
    ignore: frozenset[str] = frozenset()
    """Columns that are not wanted."""
    constants: Mapping[str, str] = field(default_factory=dict)
    """Fields that are the same in every row and have no column."""

    def bind(self, header: Sequence[str], fields: Fields = CASE_FIELDS) -> tuple[str | None, ...]:
        """The field of each column, None for an ignored one. Raises TableFault that names every wrong column."""
        bound = tuple(self._field(name, fields) for name in header)
        said = [*self._unknown(header, bound), *self._doubled(header, bound), *self._missing(bound, fields)]
        if said:
            raise TableFault("; ".join(said))
        return tuple(None if name == FAULT else name for name in bound)

    def _field(self, column: str, fields: Fields) -> str | None:
        if column in self.ignore or column == FAULT:
            return FAULT
        return self.names.get(column) or fields.by_name.get(column.strip().casefold())

    def _unknown(self, header: Sequence[str], bound: Sequence[str | None]) -> list[str]:
        unknown = sorted({name or "(no name)" for name, field in zip(header, bound, strict=True) if field is None})
        remedy = "name them in a mapping file, under columns or ignore"
        return [f"the header names unknown columns: {', '.join(unknown)}; {remedy}"] if unknown else []

    def _doubled(self, header: Sequence[str], bound: Sequence[str | None]) -> list[str]:
        doubled = sorted({name for name in bound if name not in (None, FAULT) and bound.count(name) > 1 and name})
        return [
            f"{name} comes twice, from {', '.join(c for c, b in zip(header, bound, strict=True) if b == name)}"
            for name in doubled
        ]

    def _missing(self, bound: Sequence[str | None], fields: Fields) -> list[str]:
        missing = sorted(name for name in fields.required if name not in bound and name not in self.constants)
        return [f"the header lacks {', '.join(missing)}"] if missing else []


def read_columns(file: Path, fields: Fields = CASE_FIELDS) -> Columns:
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
    if strange := sorted({*found.columns.values(), *found.constants} - set(fields.names)):
        raise TableFault(f"{file}: there is no field {', '.join(strange)}; see `{fields.template}`")
    return Columns(found.columns, frozenset(found.ignore), found.constants)
