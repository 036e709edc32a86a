"""Words that must never be missed, whatever the model says: risk, death, a lawyer, a wish for a human or for silence.

A signal adds its intent to those found. Only risk to life goes to the head of the list by itself; the others stand
behind
what the whole turn means, so that 滚！别再打给我 is answered as anger and still stops the calls.
"""

from __future__ import annotations

import re

_SURE = 0.95
_HINT = 0.4
SIGNALS: tuple[tuple[str, float, re.Pattern[str]], ...] = tuple(
    (intent, confidence, re.compile(words))
    for intent, confidence, words in (
        (
            "self_harm_risk",
            _SURE,
            r"(?:我|真|都|就|也|实在|已经)?不想(?:再)?活|活不下去|活不成了|活够了|我(?:就)?(?:去|想|"
            r"要)死|想死了?(?!心)|死给你|"
            r"(?:我|想|要|就|去|再)(?:自杀|轻生|寻死|上吊|割腕|跳楼|跳河|跳江|跳海|卧轨)|从.{0,"
            r"6}跳下去|逼死(?:我|人)|一了百了|一死了之|"
            r"安眠药|遗书|百草枯|喝农药|结束(?:自己|生命|这一切)|不如死|死了算了|死了(?:得了|干净|"
            r"痛快)|(?<![他她])(?:扎|投|跳)(?:进|到)?(?:江|河|海|湖|井)(?!走|死|没)|了结(?:自己|此生|这条命)|后事(?:我|都|我都)?(?:交代|安排)|"
            r"(?:命|烂命)(?:我|也|都)*不(?:想|要)|见阎王|我的死讯|给我收尸|拧开煤气|开(?:着)?煤气|带着孩子(?:一起|一块).{0,3}(?:死|走|跳)|"
            r"(?:站|坐|爬)[在到上].{0,3}(?:天台|楼顶|窗台|桥上|江边)|kill myself|suicide|want to die|"
            r"don't want to live",
        ),
        (
            "deceased",
            _HINT,
            r"(?:已经|都|早就?|上个?月|去年|刚|前天|昨天|他|她|人|爸|妈|公|婆|哥|弟)(?:不幸)?(?:去世|"
            r"过世|病逝|病故|离世|身亡|死亡|死了|没了|走了好|咽气)|"
            r"死亡证明|骨灰|火化|下葬|出殡|入土|人(?:已经|都|早)?不在(?:了|人世)",
        ),
        (
            "attorney_represented",
            _HINT,
            r"(?:我|委托|请|找|聘|联系|跟|和)(?:的|了|家|个|一个)?律师(?!函)|律师(?:处理|代理|跟|说|会|"
            r"联系|负责|在)|my lawyer|attorney",
        ),
        (
            "cease_contact",
            _HINT,
            r"(?:别|不要|不许|不用|停止|勿|少)(?:再|老|总|一直|天天|继续)*(?:给我|往|跟我|"
            r"对我)?(?:们)?(?:家里|单位|公司)?(?:打(?!官司|折|扰了)|来电|致电|联系我|骚扰|拨打|烦我)|"
            r"stop calling|don't call|not call me",
        ),
        (
            "ask_human",
            _HINT,
            r"转(?:接)?(?:到)?(?:人工|真人|客服|坐席|座席|专员)|人工(?:客服|服务|坐席|座席)|(?:找|要|"
            r"叫|换|喊|跟|和|整)个?(?:真人|活人|人工)|"
            r"(?:叫|让|找|喊)你?们?(?:那个)?(?:经理|领导|主管|负责人|主任|管事)|real person|human "
            r"agent|talk to a human",
        ),
        (
            "complaint_regulator",
            _HINT,
            r"投诉|举报|12378|12345|12363|银保监|银监会|金融监管|消费者协会|消协|黑猫|曝光|我(?:要|就|已经)?报警|信访",
        ),
        (
            "minor_answers",
            _HINT,
            r"我(?:今年|才|只有)?(?:[五六七八九十]|十[一二三四五])岁|我(?:在)?(?:上|读|念)(?:小学|"
            r"幼儿园|[一二三四五六]年级|初[一二])|我是小(?:孩|朋友|学生)|未成年|没成年",
        ),
    )
)
_ABOUT_THE_LAW = re.compile(r"(?:会不会|会|要不要|是不是).{0,6}(?:律师|投诉)|咨询律师|律师函")


def signals(clean: str) -> list[tuple[str, float, str]]:
    """Intent, confidence and the words, for every signal in the text."""
    found = []
    for intent, confidence, pattern in SIGNALS:
        match = pattern.search(clean)
        if match and not (intent == "attorney_represented" and _ABOUT_THE_LAW.search(clean)):
            found.append((intent, confidence, match[0]))
    return found
