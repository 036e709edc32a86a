"""Whose a number is: the labels a number may carry, and under which names they are reported."""

from __future__ import annotations

from collections.abc import Mapping

from compliance_filters.contact_facts import Owner

LABELS: Mapping[str, Owner] = {
    "": Owner.DEBTOR,
    "own": Owner.DEBTOR,
    "mobile": Owner.DEBTOR,
    "home": Owner.DEBTOR,
    "household": Owner.DEBTOR,
    "work": Owner.DEBTOR,
    "guarantor": Owner.GUARANTOR,
    "third_party": Owner.THIRD_PARTY,
}
"""Whom a call to a number of each label is a call to. A number without a label is the debtor's own."""

_REPORTED_AS = {
    "own": ("本人", "self", "debtor"),
    "mobile": ("手机", "移动电话", "cell"),
    "home": ("住宅", "家庭电话", "landline"),
    "household": ("家庭共用", "家人共用", "共用", "shared"),
    "work": ("单位", "工作", "公司", "office", "employer"),
    "guarantor": ("担保人", "保证人", "共同借款人", "co_borrower"),
    "third_party": ("第三人", "第三方", "联系人", "紧急联系人", "亲友", "contact", "reference", "third-party"),
}
_NAMES = {alias.casefold(): name for name, aliases in _REPORTED_AS.items() for alias in (name, *aliases)}


def label_named(text: str) -> str | None:
    """The label that a creditor's table means; None when it is none."""
    return _NAMES.get(text.strip().casefold().replace(" ", "_"))


def owner_of(label: str) -> Owner | None:
    """Whose a number with this label is; None, which refuses, for a label that nobody explained."""
    known = label.strip().casefold()
    return LABELS[known] if known in LABELS else LABELS.get(_NAMES.get(known, "?"))
