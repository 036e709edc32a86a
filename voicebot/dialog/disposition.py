"""How an attempt can end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Disposition:
    """One way for a call to end."""

    id: str
    zh: str
    en: str
    stops_dialling: bool = False
    """True when nobody may call again by machine until a person has looked at the case."""


DISPOSITIONS: Mapping[str, Disposition] = {
    item.id: item
    for item in (
        Disposition("ptp", "承诺还款", "promise to pay"),
        Disposition("partial", "承诺部分还款", "promise of a part"),
        Disposition("ptp_vague", "有意愿，未定日期金额", "willing, no date or amount"),
        Disposition("ptp_resched", "改了承诺日期", "promise moved"),
        Disposition("ptp_kept", "承诺已兑现", "promise kept"),
        Disposition("reminded", "已提醒", "reminded"),
        Disposition("paid_claim", "称已还款，待核", "says it is paid"),
        Disposition("plan_req", "申请分期", "asks for instalments"),
        Disposition("waiver_req", "申请减免", "asks for a waiver"),
        Disposition("refusal", "拒绝还款", "refuses"),
        Disposition("dispute_debt", "对债务有异议", "disputes the debt", stops_dialling=True),
        Disposition("dispute_amt", "对金额有异议", "disputes the amount"),
        Disposition("doc_req", "索取材料", "asks for documents"),
        Disposition("callback_at", "约了时间", "callback at a time"),
        Disposition("callback_unspec", "稍后再联系", "call later"),
        Disposition("hardship_income", "收入困难", "hardship: income"),
        Disposition("hardship_illness", "疾病困难", "hardship: illness", stops_dialling=True),
        Disposition("hardship_event", "灾害或家庭变故", "hardship: disaster or family", stops_dialling=True),
        Disposition("distress", "情绪崩溃", "distress", stops_dialling=True),
        Disposition("self_harm", "自伤风险", "self-harm risk", stops_dialling=True),
        Disposition("human_req", "转人工", "human asked for"),
        Disposition("lang", "换语言", "other language"),
        Disposition("complaint", "投诉", "complaint", stops_dialling=True),
        Disposition("cease", "要求停止联系", "stop contact", stops_dialling=True),
        Disposition("attorney", "已委托律师", "has a lawyer", stops_dialling=True),
        Disposition("dsr", "个人信息申请", "data rights request"),
        Disposition("rec_obj", "反对录音", "objects to recording"),
        Disposition("anger", "情绪激动", "anger"),
        Disposition("scam_suspect", "怀疑诈骗", "suspects a scam"),
        Disposition("wrong_number", "打错了", "wrong number", stops_dialling=True),
        Disposition("third_party", "第三人接听", "third party"),
        Disposition("third_party_optout", "第三人拒绝再联系", "third party opts out", stops_dialling=True),
        Disposition("id_unresolved", "未能核实身份", "identity not resolved"),
        Disposition("deceased", "债务人已故", "deceased", stops_dialling=True),
        Disposition("debtor_unavailable", "本人无法沟通", "debtor unavailable", stops_dialling=True),
        Disposition("minor", "未成年人接听", "minor answered"),
        Disposition("voicemail", "语音信箱", "voicemail"),
        Disposition("silence", "无人应声", "silence"),
        Disposition("noise", "听不清", "not understood"),
        Disposition("bye", "对方结束通话", "caller ended the call"),
        Disposition("hung_up", "对方挂机", "caller hung up"),
        Disposition("limit", "到了通话上限", "limit reached"),
        Disposition("guarded", "话术被拦下", "stopped by the guard"),
        Disposition("served", "来电已答复", "caller served"),
    )
}
"""By id. Ids are those of the outcome codes of the intents' response policies, in lower case, and a few of the call."""
