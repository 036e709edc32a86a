"""Flags of a case: what each holds back, for whom, and under which names it is reported."""

from __future__ import annotations

from collections.abc import Mapping

from compliance_filters.contact_facts import HoldKind

FLAGS: Mapping[str, HoldKind] = {
    "dispute": HoldKind.DISPUTE,
    "complaint": HoldKind.COMPLAINT,
    "deceased": HoldKind.DECEASED,
    "debtor_unavailable": HoldKind.INCAPACITY,
    "incapacity": HoldKind.INCAPACITY,
    "minor": HoldKind.MINOR,
    "self_harm_risk": HoldKind.SELF_HARM,
    "welfare_check_urgent": HoldKind.SELF_HARM,
    "vulnerable": HoldKind.VULNERABLE,
    "distress": HoldKind.VULNERABLE,
    "hardship_illness": HoldKind.VULNERABLE,
    "hardship_event": HoldKind.VULNERABLE,
    "do_not_call": HoldKind.DO_NOT_CALL,
    "stop_contact": HoldKind.STOP_CONTACT,
    "cease_written": HoldKind.CEASE_WRITTEN,
    "attorney": HoldKind.LAWYER,
    "attorney_contact": HoldKind.LAWYER,
    "lawyer": HoldKind.LAWYER,
    "bankruptcy": HoldKind.LEGAL_HOLD,
    "legal_hold": HoldKind.LEGAL_HOLD,
    "illegal_debt": HoldKind.ILLEGAL_DEBT,
    "agreement": HoldKind.AGREEMENT,
    "paid_claim": HoldKind.PAYMENT_CLAIMED,
    "says_paid": HoldKind.PAYMENT_CLAIMED,
    "dormant": HoldKind.DORMANT,
    "breathing_space": HoldKind.BREATHING_SPACE,
}
"""What each flag of a case holds back."""
OF_THE_DEBT = frozenset({"illegal_debt", "agreement"})
"""Flags that are about one debt alone; every other one holds all cases of the debtor."""
AUTHORISATIONS = frozenset({"legal_action_authorised", "waiver_authorised", "visit_authorised", "co_borrower"})
"""Flags that hold nothing back but let the bot say more: only an officer sets them."""

_REPORTED_AS = {
    "dispute": ("争议", "异议", "有异议", "disputed"),
    "complaint": ("投诉",),
    "deceased": ("死亡", "身故", "去世", "dead"),
    "incapacity": ("无行为能力", "限制行为能力"),
    "minor": ("未成年", "未成年人"),
    "self_harm_risk": ("自伤风险", "轻生风险"),
    "vulnerable": ("弱势", "脆弱客户", "特殊困难", "困难群体", "vulnerability"),
    "hardship_illness": ("重大疾病", "重病"),
    "hardship_event": ("失业", "重大变故"),
    "do_not_call": ("免打扰", "拒绝来电", "dnc"),
    "stop_contact": ("停止联系", "拒绝联系", "停催", "stop"),
    "cease_written": ("书面要求停止联系", "cease"),
    "lawyer": ("律师", "律师代理", "委托律师"),
    "bankruptcy": ("破产",),
    "legal_hold": ("诉讼中", "司法冻结"),
    "illegal_debt": ("非法债务",),
    "agreement": ("已达成协议", "分期协议"),
    "paid_claim": ("声称已还", "称已还款"),
    "dormant": ("休眠", "冻结"),
}
_NAMES = {alias.casefold(): name for name, aliases in _REPORTED_AS.items() for alias in (name, *aliases)}


def flag_named(text: str) -> str | None:
    """The flag that a creditor's table means; None when it is none."""
    word = text.strip().casefold().replace(" ", "_").replace("-", "_")
    return _NAMES.get(word) or (word if word in FLAGS or word in AUTHORISATIONS else None)
