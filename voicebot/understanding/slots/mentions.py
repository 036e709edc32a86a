"""Things a caller names that are neither time nor money: a channel, a person, how they are related."""

from __future__ import annotations

import re

_CHANNELS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("sms", re.compile(r"短信|信息发|发信息|发个?信息|短讯|发消息|sms", re.I)),
    ("email", re.compile(r"邮件|邮箱|电邮|e-?mail|伊妹儿", re.I)),
    ("wechat", re.compile(r"微信|weixin|wechat", re.I)),
    ("letter", re.compile(r"寄信|写信|信件|书面|寄(?:到|给|过来|份|个)|快递|挂号信|邮寄|函件|纸质")),
    ("app", re.compile(r"app|站内信|客户端|手机银行|掌银", re.I)),
)
_CHANNEL_VERB = re.compile(
    r"发|寄|联系|通知|通过|用|走|改|留言|沟通|说|写|看|接收|有(?:什么|啥)?事|别(?:再)?(?:打|给)|"
    r"不(?:要|用)(?:再)?打|换|只"
)
_NO_CHANNEL = re.compile(
    r"(?:别|不要|不用|甭|少)(?:再|给我|总|老)*(?:发)?(?:短信|邮件|微信|信息)|登|下载|还款|还钱|上还"
)
_NAME = re.compile(
    r"(?:我叫|我名字叫|我的名字是|我全名|名字是|我(?:就)?是(?=[一-鿿]{2,3}(?:[，,。啊呀！]|$|"
    r"本人)))(?P<name>[一-鿿]{2,4}?)(?=[，,。！啊呀呢的]|本人|$)"
)
_NO_PERSON = re.compile(r"[还号款钱]|[明后]天|周[一二三四五六日]|礼拜|星期")
_SURNAME = re.compile(r"(?:我|免贵)(?:不)?姓(?P<name>[一-鿿])")
_NOT_NAMES = frozenset(
    [
        "本人",
        "男的",
        "女的",
        "男生",
        "女生",
        "男人",
        "女人",
        "机主",
        "律师",
        "他妈",
        "她妈",
        "他爸",
        "她爸",
        "家属",
        "老人",
        "学生",
        "没有",
        "真的",
        "不是",
        "同事",
        "邻居",
        "房东",
        "老婆",
        "老公",
        "他老婆",
        "她老公",
        "他爱人",
        "她爱人",
        "他朋友",
        "他儿子",
        "他女儿",
        "女儿",
        "儿子",
        "朋友",
        "骗子",
        "什么",
        "谁啊",
        "想问",
        "想说",
        "现在",
        "昨天",
        "今天",
        "已经",
        "从来",
        "刚刚",
        "打工",
        "失业",
        "下岗",
        "残疾",
        "农民",
        "低保",
        "单亲",
    ]
)
_RELATIONS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (kind, re.compile(rf"我(?:就)?是(?:他|她|机主|你(?:们)?(?:找|要找)的[那这]?个?人?|[一-鿿]{{2,3}})?的?(?:{words})"))
    for kind, words in (
        ("spouse", "爱人|老婆|老公|妻子|丈夫|媳妇儿?|太太|先生|对象|内人|堂客|婆娘"),
        ("parent", "妈妈?|爸爸?|父亲|母亲|老爸|老妈|爹|娘|家长|老汉|岳父|岳母|婆婆|公公"),
        ("child", "儿子|女儿|闺女|孩子|小孩|崽|娃"),
        ("sibling", "哥哥?|弟弟?|姐姐?|妹妹?|表哥|表弟|表姐|表妹|堂哥|兄弟"),
        ("relative", "亲戚|叔叔?|阿姨|舅舅?|姑姑?|侄子|侄女|外甥|爷爷|奶奶|外公|外婆|姥姥|姥爷|家属|家里人|家人"),
        ("colleague", "同事|领导|老板|主管|同学|前台|人事|工友|部门"),
        ("friend", "朋友|室友|舍友|房东|邻居|合租|前女友|前男友|前妻|前夫"),
    )
)


def preferred_channel(text: str) -> tuple[str, str] | None:
    """Channel and the words it came from, when the caller asks to be reached by it."""
    if _NO_CHANNEL.search(text) and not re.search(r"有事|只看|改|换", text):
        return None
    if not _CHANNEL_VERB.search(text):
        return None
    hits = [(match.start(), name, match[0]) for name, pattern in _CHANNELS if (match := pattern.search(text))]
    return min(hits)[1:] if hits else None


def person_name(text: str) -> tuple[str, str] | None:
    """The name a caller gives for themselves, and its words."""
    match = _NAME.search(text)
    if (
        match
        and match["name"] not in _NOT_NAMES
        and not _NO_PERSON.search(match["name"])
        and match["name"][0] not in "他她你您我它这那一个做打没不在来"
    ):
        return match["name"], match[0]
    match = _SURNAME.search(text)
    return (match["name"], match[0]) if match and "不姓" not in match[0] else None


def relation(text: str) -> tuple[str, str] | None:
    """How a third party says they stand to the debtor."""
    for kind, pattern in _RELATIONS:
        match = pattern.search(text)
        if match:
            return kind, match[0]
    return None
