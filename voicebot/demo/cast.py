"""Who takes part in the demo: invented people, their cases, and what they answer when they are called."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from voicebot.demo.script import Reply
from voicebot.store.agent_records import AgentRecord, AgentState
from voicebot.store.records import Case, Debt, Debtor, PhoneNumber

FIRM = "安信银行"
CALLBACK_NUMBER = "4000000000"
CALLER_NUMBER = "+864000000000"
NOW = datetime(2026, 3, 10, 15, 0, tzinfo=ZoneInfo("Asia/Shanghai"))
"""The demo's clock starts on a Tuesday afternoon: it calls nobody at night, and 下周五 is always the same day."""

AGENT_NUMBER = "8001"


@dataclass(frozen=True)
class Part:
    """One person in the demo and the case behind the call."""

    key: str
    title: str
    """Heading of the call in the terminal."""
    case: Case
    replies: tuple[Reply, ...]
    rate: float
    pitch: float

    @property
    def number(self) -> str:
        return self.case.debtor.numbers[0].number


def _case(key: str, name: str, honorific: str, last_four: str, number: str, amount: str) -> Case:
    return Case(
        id=f"demo-{key}",
        external_id=f"DEMO-{key.upper()}",
        debtor=Debtor(
            id=f"demo-debtor-{key}",
            name=name,
            honorific=honorific,
            id_last_four=last_four,
            numbers=(PhoneNumber(number),),
        ),
        debt=Debt(creditor=FIRM, product="信用卡", amount_due=Decimal(amount), due_date=date(2026, 3, 1)),
    )


PROMISER = Part(
    key="promise",
    title="一、外呼提醒：核实身份，约定还款",
    case=_case("promise", "王小样", "女士", "3866", "+8613800000001", "2380"),
    replies=(
        Reply(when=("王小样本人吗", "请问您是王小样", "是您本人吗"), say="对，我就是。", at_most=2),
        Reply(when=("身份证的后四位", "后四位", "按键输入"), say="三八", press="66", at_most=4),
        Reply(when=("打算哪天还", "还多少"), say="下周五还两千。", at_most=2),
        Reply(when=("对吗", "是这样吗", "没错吧", "可以吗"), say="对，没错。", at_most=3),
        Reply(when=("没有听清", "听得到吗"), say="喂，您请说。", at_most=3),
    ),
    rate=1.05,
    pitch=0.85,
)

RELATIVE = Part(
    key="relative",
    title="二、家人接听：什么也不透露",
    case=_case("relative", "李示例", "先生", "2715", "+8613800000002", "5600"),
    replies=(
        Reply(when=("李示例本人吗", "请问您是李示例", "是您本人吗"), say="他不在家，我是他爱人，有什么事跟我说吧。"),
        Reply(when=("转告", "回拨"), say="好的，我会转告他。", at_most=2),
        Reply(when=("没有听清", "听得到吗"), say="我说他不在，我是他爱人。", at_most=2),
    ),
    rate=1.0,
    pitch=1.12,
)

CALLER = Part(
    key="caller",
    title="三、客户来电：遇到困难，要找人工",
    case=_case("caller", "张演示", "先生", "4209", "+8613800000003", "8800"),
    replies=(
        Reply(when=("什么可以帮您", "有什么可以帮", "请问有什么"), say="我失业了，现在还不上，我要转人工。", at_most=2),
        Reply(when=("没有听清", "听得到吗", "您请说"), say="请帮我转人工。", at_most=2),
        Reply(when=("人工客服小例", "我是人工客服", "请问您遇到了"), say="您好，我上个月失业了，想申请分期还款。"),
        Reply(when=("登记", "专员", "回复您"), say="好的，谢谢您，再见。", hang_up=True),
    ),
    rate=1.0,
    pitch=0.92,
)

PARTS = (PROMISER, RELATIVE, CALLER)

AGENT = AgentRecord(
    id="demo-agent", name="小例", endpoint="", skills=frozenset({"agent", "vulnerable"}), state=AgentState.FREE
)
AGENT_GREETING = "您好，我是人工客服小例，请问您遇到了什么困难？"
AGENT_REPLIES = (
    Reply(when=("分期", "失业", "困难", "申请"), say="我了解了，这就为您登记分期申请，三个工作日内会有专员回复您。"),
)

PROMISED_ON = date(2026, 3, 20)
PROMISED_AMOUNT = Decimal("2000")
