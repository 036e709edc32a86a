"""Yes, no or unsure: short answers, read in the light of what the bot has just asked. A short answer is never lost."""

from __future__ import annotations

import re

from voicebot.understanding.meaning import Answer, Expecting

_PARTICLES = "啊呀呢吧嘛呗哦噢喔哈啦咯的了哎唉欸诶"
_YES = (
    "嗯|嗯嗯|恩|唔|哎|诶|欸|对|对对|是|是的|是啊|是呀|是滴|是我|对的|对呀|对啊|没错|不错|正确|好|好的|好啊|好嘞|好滴|好吧|行|行吧|行啊|"
    "可以|可以的|可以吧|可以啊|同意|愿意|确认|确定|没问题|没有问题|没毛病|没意见|中|得|要得|成|成吧|妥|妥了|okay|ok|yes|yeah|yep|sure|"
    "当然|当然可以|那当然|必须的|肯定|方便|有空|听得见|听得到|听到了|能听到|在听|我在听|我听着|知道|知道了|明白|明白了|清楚|清楚了|"
    "晓得|晓得了|了解|收到|就是|就是的|就是我|正是|就这样|就这么定|说定了|没事|可以说|你说|您说|你讲|您讲|说吧|请讲|请说|讲吧|"
    "嗯对|嗯是|嗯是的|嗯好|嗯好的|嗯行|嗯可以|哦对|哦好|哦好的|哦是|啊对|啊是|对是我|对没错|对就是|对就是我|是没错|好可以|好没问题|"
    "行没问题|行可以|那行|那好|那好吧|那行吧|那可以|也行|也可以|都行|都可以|系|系啊|系嘅|冇错|冇问题|得嘅|好嘅|好呀|係|対|"
    "对是的|是对|是是|对着呢|对头|得嘞|要的|算是吧|差不多|我是|我就是|是本人|本人|我本人|是我本人|嗯我是|嗯是我|对我是|是我啊|咋啦是我|"
    "嗯呐|嗯哪|嗯呢|昂|也中|也成|也得|也好|听你的|听您的|按你说的|按您说的|依你|随你的意|行听你的|就这么办|就这么着|就这么定|照你说的|嗯哼|我看行|done|igotit|gotit|idid"
)
_NO = (
    "不|不是|不是的|不是啊|不是我|不对|不行|不可以|不能|不好|不用|不用了|不要|不要了|不需要|不必|不必了|不了|不同意|不愿意|不确认|不方便|"
    "没有|没有啊|没|没空|没时间|没听见|听不见|听不到|听不清|错|错了|错误|不成|不中|不得行|要不得|没有的事|没这回事|哪有|怎么可能|不可能|别|甭|"
    "算了|免了|不知道|不晓得|唔系|唔係|唔得|唔好|冇|冇啊|no|nope|nah|拒绝|反对|我不是|我不|我不要|我不用|不我不是|不是本人|非本人|打错了|"
    "你打错了|您打错了|打错|打错电话|你打错电话|您打错电话|错号|搞错了|弄错了|认错人了|没有没有|不不|不是不是|嗯不是|嗯没有|哦不是|啊不是|不太行|不太方便|不大行|没必要|伐是|弗是|勿是|"
    "不合适|不想|并没有|并不|不太好|不大好|没那回事|没有那回事|没那事|不太合适|不大合适|我看不行|恐怕不行|怕是不行|恐怕不方便|还是不了|还是算了|还是不用了|notyet|nonotyet|notreally"
)
_UNSURE = (
    "可能吧|可能|也许|也许吧|大概|大概吧|应该吧|应该|应该可以|应该行|不一定|不好说|难说|再说|再说吧|看情况|看情况吧|到时候再说|到时再说|"
    "不确定|说不准|说不好|没想好|还没想好|我想想|想想|考虑考虑|考虑一下|我考虑一下|让我想想|随便|随便吧|尽量|尽量吧|我尽量|争取吧|我争取|"
    "看看吧|再看吧|再看看|试试吧|或许|或许吧|没准|保不齐|不敢保证|不能保证|不好讲|唔知|唔一定|"
    "我不知道|我也不知道|我不晓得|我也不晓得|不清楚|不太清楚|我不清楚|估计行|估计可以|估计能行|应该能行|八成行|到时候看|到时看|看着办|"
    "我看看|看看再说|不敢说|拿不准|我拿不准|吃不准|没把握|再想想|我再想想|再考虑|再考虑考虑|琢磨琢磨|再琢磨琢磨|我再看看|走着看|走一步看一步|maybe|notsure|idontknow"
)
KNOWN: tuple[tuple[Answer, frozenset[str]], ...] = (
    (Answer.UNSURE, frozenset(_UNSURE.split("|"))),
    (Answer.NO, frozenset(_NO.split("|"))),
    (Answer.YES, frozenset(_YES.split("|"))),
)
"""Answers known by heart."""
_BREATHS = str.maketrans("", "", "啊呀哦噢")
"""Taken out between two words that say the same: 没有啊没有."""
_NOT_KNOWING = frozenset({"不知道", "不晓得"})

_PUNCTUATION = re.compile(r"[^\w一-鿿]+")
_LEAD_YES = re.compile(
    r"^(?:(?:嗯|哦|啊|呃|欸|诶)*)(?:对|是的|是啊|是呀|是我|没错|好的|好吧|好嘞|行吧|可以|同意|没问题|确认|当然|要得|系啊|ok|yes)"
    r"(?!不|方|得起|吗|么|付|账|象|于|面|话|多少|分期)"
)
_LEAD_NO = re.compile(
    r"^(?:(?:嗯|哦|啊|呃|欸|诶)*)(?:不是|不对|不行|不可以|不用|不要|不同意|不需要|没有(?!问题)|没空|不方便|不了|唔系|唔得|no\b)(?!我不|吗|么|不)"
)
_LEAD_UNSURE = re.compile(
    r"^(?:我|这个|那|这)?(?:可能|也许|大概|应该|不一定|不好说|说不准|不确定|再说(?!一|两|几|给|清|慢|大声)|看情况|考虑|想想|尽量|到时候再)"
)
_DOING = (
    "收|收到|看|看到|看见|看着|瞧见|听到|听见|找到|拿到|绑|装|弄|办|下载|下|点|点开|打开|登|登录|填|填写|存|记|关注|注册|"
    "换|改|设|设置|验证|签|来|到"
)
"""What people are asked whether they have done it. Without paying, which is a meaning of its own."""
_DONE = re.compile(rf"(?:我|都|已经|早就|早|刚|刚刚|短信|链接)*(?:{_DOING})(?:好|到|上|完|过|开|下|住|来)?了")
_NOT_DONE = re.compile(
    rf"(?:我|我这|这边|短信|链接)*(?:暂时|目前|现在|到现在)?(?:还|也|都|从来|一直|好像|压根|根本)*没(?:有)?(?:{_DOING})?(?:好|到|上|完|过|开|来)?"
)
_QUESTION = re.compile(
    r"(?:吗|么|没有|不是|是不是|行不行|可不可以|好不好|对不对|能不能|什么|谁|哪|怎么|为啥|咋|多少|几)[啊呀呢]?$"
)


_RHETORICAL = (
    (
        Answer.YES,
        re.compile(
            r"(?:那|当然|这)?(?:不是我(?:本人)?(?:还|又)?(?:能|会|有)?(?:是)?(?:谁|哪个|哪位)|除了我还(?:能|会|有)?(?:是)?(?:谁|哪个)|"
            r"(?:这|那)?(?:能)?有(?:啥子?|什么|甚么)(?:好)?不(?:行|可以|成|能|好|方便|同意|愿意)|"
            r"(?:怎么|咋|啷个|哪|哪有)(?:会|能)?(?:说)?不(?:行|可以|成|能|好|方便|同意|愿意|是))"
        ),
    ),
    (
        Answer.NO,
        re.compile(
            r"(?:这|那|我)?(?:怎么|咋|啷个|哪|哪里|哪儿|如何)(?:会|能|有)?(?:可能|会|能|行得通)|(?:这|那)?怎么(?:行|可以|成)"
        ),
    ),
)
"""Questions that are none, and say the opposite of their words: 有什么不行的, 不是我还能是谁, 哪里会."""


def compact(text: str) -> str:
    """The text without punctuation and spaces, lower case."""
    return _PUNCTUATION.sub("", text).lower()


def read_answer(text: str, expecting: Expecting = Expecting.NOTHING) -> Answer | None:
    """What the turn answers, None when it is no answer.

    A turn that consists of answer words is one whatever was asked. A longer turn that begins with one counts only when
    the bot has just asked a question, because 对 at the head of free speech is often no more than a breath.
    """
    bare = _collapse(compact(text))
    parts = [part for part in (_collapse(compact(part)) for part in _PUNCTUATION.split(text)) if part]
    kinds = [_whole(part) for part in parts]
    found = _whole(bare) if bare else None
    if expecting in (Expecting.YES_NO, Expecting.IDENTITY):
        found = _rhetorical(bare.rstrip(_PARTICLES)) or found
    if found is None and expecting is Expecting.YES_NO:
        found = _told(bare.rstrip(_PARTICLES.replace("了", "")))
    if found is None and parts and all(kind is not None for kind in kinds):
        found = _settle([kind for kind in kinds if kind is not None])
    if found is None and parts and expecting not in (Expecting.NOTHING, Expecting.OPEN, Expecting.REASON):
        found = _leading(bare, kinds, expecting)
    return found


_REFUSING = re.compile(
    r"(?!.*(?:行不|可不|好不|能不|方不|有没|是不|哪|谁|什么|怎么|吗)).{0,5}(?:不行|不成|不可以|不方便|不同意|不愿意)"
)
_AGREEING = re.compile(
    r"(?!.*(?:不|别|没(?!问题)|吗|么|谁|哪|什么|怎么|可能|应该|估计|大概|差不多|也许)).{0,5}(?:可以|没问题|同意|愿意|方便|(?<![银旅自举进流])行)"
)
_DOUBTING = re.compile(
    r"(?:应该|估计|差不多|大概|也许|可能).{0,3}(?:可以|没问题|方便|行|好)|我?(?:先|得|要|再)?(?:问问|问一下|商量|合计).{0,4}"
)
"""A short turn that ends as an answer does: 这个真不行, 中没问题, 差不多可以."""


def _rhetorical(bare: str) -> Answer | None:
    return next((answer for answer, words in _RHETORICAL if words.fullmatch(bare)), None)


def _told(bare: str) -> Answer | None:
    """What a short turn says to a question of yes or no that it answers in words of its own."""
    if _DOUBTING.fullmatch(bare):
        return Answer.UNSURE
    if _NOT_DONE.fullmatch(bare) or _REFUSING.fullmatch(bare):
        return Answer.NO
    return Answer.YES if _DONE.fullmatch(bare) or _AGREEING.fullmatch(bare) else None


def _leading(bare: str, kinds: list[Answer | None], expecting: Expecting) -> Answer | None:
    """The answer that a longer turn begins with, after a name also ends with; None for a question."""
    if _QUESTION.search(bare):
        return kinds[0] if len(kinds) > 1 else None
    if kinds[0] is not None:
        return kinds[0]
    if expecting is Expecting.IDENTITY and kinds[-1] is not None:
        return kinds[-1]
    for answer, pattern in ((Answer.UNSURE, _LEAD_UNSURE), (Answer.NO, _LEAD_NO), (Answer.YES, _LEAD_YES)):
        if pattern.match(bare):
            return answer
    return None


def _collapse(bare: str) -> str:
    """对对对 to 对, 没有没有 to 没有, 行行行行 to 行: insistence is not another word."""
    for size in (1, 2, 3):
        if len(bare) >= 2 * size and len(bare) % size == 0 and bare == bare[:size] * (len(bare) // size):
            return bare[:size]
    return bare


def _whole(bare: str) -> Answer | None:
    """The answer when the words are answer words and nothing else."""
    candidates = [bare]
    stripped = bare.rstrip(_PARTICLES)
    if stripped and stripped != bare:
        candidates.append(_collapse(stripped))
    if len(bare) > len(calm := bare.translate(_BREATHS)):
        candidates.append(_collapse(calm))
    headless = bare.lstrip("嗯哦啊呃额欸诶噢唉哎那")
    if headless and headless != bare:
        candidates += [headless, _collapse(headless), _collapse(headless.rstrip(_PARTICLES) or headless)]
    for answer, words in KNOWN:
        if any(candidate in words for candidate in candidates):
            return Answer.UNSURE if bare.rstrip(_PARTICLES) in _NOT_KNOWING else answer
    return None


def _settle(kinds: list[Answer]) -> Answer:
    """Several answers in one breath: 嗯，不是 is no; 对，可能吧 is unsure; 不是不是，对 follows the last word."""
    distinct = set(kinds)
    if len(distinct) == 1:
        return kinds[0]
    if Answer.UNSURE in distinct:
        return Answer.UNSURE
    return kinds[-1]
