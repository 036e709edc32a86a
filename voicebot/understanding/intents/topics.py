"""Words that name a matter beyond doubt, for turns that mean several things: the model hears the loudest of them best.

A topic is reported beside what the whole turn means and never leads before it.
"""

from __future__ import annotations

import re

BESIDE = 0.4
"""Confidence of a matter that is named and is not what the whole turn means most."""
_N = r"[\d一二两三四五六七八九十几]"

TOPICS: tuple[tuple[str, re.Pattern[str], re.Pattern[str] | None], ...] = tuple(
    (intent, re.compile(words), re.compile(unless) if unless else None)
    for intent, words, unless in (
        (
            "recording_objection",
            r"(?:别|不要|不许|不准|不同意|停止|关掉|谁让|没同意|不允许|拒绝).{0,5}录音|录音.{0,6}(?:不同意|没同意|关掉|停掉|删)",
            "",
        ),
        ("suspect_scam", r"骗子|诈骗|骗人的|骗我的|scam", r"被.{0,3}(?:骗|诈骗)|骗子.{0,4}(?:冒用|盗用|拿我)"),
        (
            "hardship_unemployment",
            r"失业|下岗|被(?:公司|单位|厂里)?(?:裁|辞退|开除|炒)|裁员|没了?工作|没有工作|没了?收入|没有收入|(?:公司|厂|店).{0,3}(?:倒闭|破产|关门)"
            r"|没发工资|拖欠工资|laid off|lost my job",
            "",
        ),
        (
            "hardship_illness",
            r"癌症|化疗|透析|尿毒症|白血病|(?:我|妈|爸|孩子).{0,4}(?:生病|住院|做手术)",
            r"[他她].{0,6}住院",
        ),
        (
            "instalment_request",
            rf"(?:能|想|可以|可不可以|要|给我|申请|要不).{{0,6}}分期|分(?:成|个|作)?(?:{_N}+(?:个月|期|年)|半年)|缓(?:我)?{_N}+个?月|停息挂账|每个?月还(?:一?点|{_N})",
            "",
        ),
        (
            "waiver_request",
            r"减免|(?:利息|罚息|违约金|滞纳金|手续费).{0,6}(?:免|减|少[收算点]|取消|去掉)|(?:免|减|少[收算]).{0,4}(?:利息|罚息|违约金|滞纳金)"
            r"|打个?[几\d一二三四五六七八九对]?折|少还一?点|其他的.{0,4}免",
            r"没打折",
        ),
        ("credit_question", r"征信|信用记录|信用报告|credit (?:score|report|record)", ""),
        (
            "legal_question",
            r"(?:会不会|会|要不要|是不是要?|得).{0,5}(?:坐牢|被抓|起诉|判刑|告我)|坐牢吗|失信名单|老赖",
            "",
        ),
        (
            "payment_channel",
            r"(?:怎么|咋|咋个|在哪|从哪|往哪|去哪|如何)(?:里|儿|才能)?(?:还(?:款|钱|进|上)?(?:$|[，,。？?呢啊])|转|付款|交钱|还给)|还款(?:链接|账号|账户|码)"
            r"|(?:微信|支付宝|现金|柜台).{0,3}(?:能|可以|可不可以|行).{0,3}还",
            r"怎么还(?:打|催|没|不|要|上|给)",
        ),
        ("ask_amount_details", r"(?:欠|要还|该还|还欠).{0,4}多少|一共多少|总共多少|how much do i owe", ""),
        (
            "request_documents",
            r"(?:合同|协议|凭证|证据|账单|明细|授权书|委托书|证明).{0,4}(?:发|寄|给我|拿|交给)|(?:发|寄|拿|看|要|出示).{0,5}(?:合同|协议|凭证|证据|明细|授权书|委托书)",
            "",
        ),
        ("data_rights", r"(?:删|清除|注销).{0,6}(?:信息|资料|数据)|(?:信息|资料|数据).{0,4}(?:删|清除)", ""),
        (
            "dispute_debt",
            r"(?:没|没有|从来没|从没)(?:有)?(?:借过|贷过|欠过|办过|欠你们|欠钱|欠谁)|不是我(?:借|贷|欠|花)的|冒用|盗用",
            "",
        ),
        (
            "already_paid",
            r"(?:已经|早就|早都|都)(?:还|付|结|交)(?:了|过|清|完)",
            r"(?:要是|如果|等).{0,4}还(?:了|清|完)",
        ),
        ("ask_if_robot", r"(?:你|这).{0,4}(?:是|是不是)(?:个)?(?:机器人|真人|AI|ai|人工智能)", ""),
        (
            "busy_call_later",
            r"(?:我|现在|正)(?:在|正在)?(?:开会|开车|上班|上课|忙着|骑车)|不方便(?:说|讲|接|$|[，,。])|晚点(?:再)?(?:说|打|聊)",
            r"[他她].{0,6}(?:开会|开车|上班|上课|不方便)",
        ),
        (
            "repeated_reschedule",
            r"(?:说好|答应|上次|之前|约定|约好).{0,8}(?:还不了|还不上|凑不齐|不行|来不及|办不到)",
            "",
        ),
        ("partial_payment", rf"先(?:还|给|交|付)(?:你们?|个|上)?(?:{_N}+[百千块]|一半|一部分|一点)", ""),
    )
)


def topics(clean: str) -> list[tuple[str, str]]:
    """Intent and the words, for every matter that the text names."""
    found = []
    for intent, words, unless in TOPICS:
        match = words.search(clean if unless is None else unless.sub("…", clean))
        if match:
            found.append((intent, match[0]))
    return found
