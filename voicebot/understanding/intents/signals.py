"""Words that must never be missed, whatever the model says: risk, death, a lawyer, a wish for a human or for silence.

A signal adds its intent to those found. Only risk to life goes to the head of the list by itself; the others stand
behind what the whole turn means, so that 滚！别再打给我 is answered as anger and still stops the calls.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_SURE = 0.95
_VEILED = 0.6
"""Words that may mean risk to life and mostly do: a false alarm costs a question, a miss may cost a life."""
_HINT = 0.4


@dataclass(frozen=True)
class Signal:
    """Words for one intent, and what shows that they mean something else."""

    intent: str
    confidence: float
    """0 to 1, reported when the words are there."""
    words: re.Pattern[str]
    unless: re.Pattern[str] | None = None
    """Taken out of the turn before the words are looked for: 累得要死, 我不会自杀."""


def _signal(intent: str, confidence: float, *words: str, unless: str = "") -> Signal:
    return Signal(intent, confidence, re.compile("|".join(words)), re.compile(unless) if unless else None)


_SOMEONE = r"(?:[他她](?!们)|我?(?:爸|妈|哥|姐|弟|妹|儿子|女儿|闺女)[爸妈哥姐弟妹]?|老公|老婆|机主|本人)"
_KILLED = (
    rf"{_SOMEONE}(?:(?!我).){{0,8}}(?:跳楼|自杀|跳河|上吊|烧炭|割腕|喝了?(?:农药|药)|服毒|吃(?:安眠)?药).{{0,4}}"
    r"(?:走|死|没|去世|身亡|过世)"
)
_NOT_MEANT = (
    r"[得的](?:要|想)死|(?:不会|没想|没有想|不是要|不是想|又没要|不至于|别|不用)(?:去|真)?(?:自杀|轻生|寻死|跳楼|想不开|去死|死)|"
    r"不想活动|死了?(?:这|那)条心|死(?:心|磕|扛|皮|赖|守|缠|盯|板|机|循环|贵)|跳水|" + _KILLED
)
SIGNALS: tuple[Signal, ...] = (
    _signal(
        "self_harm_risk",
        _SURE,
        r"(?:不想|不愿|没法|不要)(?:再)?活(?!着打)|活不下去|我(?:也|就|都)?不活了|活不成了|活够了|(?<!他)(?<!她)我(?:就)?(?:去|想|要)死|想死了?(?!心)",
        r"死给你|逼死(?:我|人)|(?:我|想|要|就|去|再)(?:自杀|轻生|寻死|上吊|割腕|跳楼|跳河|跳江|跳海|卧轨)|自尽|自缢|自残|寻短见",
        r"从.{0,6}跳下去|一了百了|一死了之|安眠药|遗书|百草枯|敌敌畏|喝农药|结束(?:自己|生命|这一切)",
        r"(?:不如|干脆|只能|只有|宁愿|宁可|早点)(?:去)?死(?:了)?|死了(?:得了|干净|痛快|算|倒好|清净|解脱)",
        r"(?<![他她])(?:扎|投|跳)(?:进|到)?(?:江|河|海|湖|井)(?!走|死|没)|了结(?:自己|此生|这条命)|自我了断|了断(?:自己|算)",
        r"后事(?:我|都|我都|已经)*(?:交代|安排|托付)|见阎王|我的死讯|给我收尸|煤气.{0,6}(?:开|拧)|(?:开|拧开)(?:着)?煤气",
        r"(?:命|烂命)(?:我|也|都)*不(?:想|要)|(?:带|抱)着?孩子(?:一起|一块).{0,3}(?:死|走|跳)",
        r"(?:割|划).{0,2}(?:手腕|腕|脖子|动脉)|(?:吞|灌|吃)了.{0,5}(?:安眠药|农药|老鼠药|片药|瓶药)",
        r"(?:站|坐|爬|趴)[在到上].{0,6}(?:天台|楼顶|窗台|桥上|桥边|江边|河边|栏杆|铁轨)",
        r"(?:在|到)(?:天台|楼顶|桥栏杆)|kill myself|suicide|want to die|wanna die|end my life",
        r"hurt myself|better off dead|don't want to (?:live|be alive|be here)|do not want to live",
        r"better off without me|overdose",
        unless=_NOT_MEANT,
    ),
    _signal(
        "self_harm_risk",
        _VEILED,
        r"(?:等|到|哪天|要是|如果|万一)我?(?:闭|合)(?:了|上)眼|(?:等|到|哪天|要是|如果|万一)我(?:人)?(?:没了|不在了|死了)",
        r"活着(?:真|也|都)*(?:没|有什么|还有什么|是种|是受|好累|太累|干嘛|干什么|图)|(?:活|日子)(?:得|着)?.{0,4}(?:没盼头|没意思)",
        r"(?:不想|没勇气|没力气|没心思|没劲)(?:再)?(?:醒|睁眼|看见明天)|(?:再也)?(?:醒不过?来|不醒)(?:就|才|多|了)?(?:好|算)",
        r"一?睡(?:过去|着).{0,4}(?:不醒|醒不来|别醒)|想(?:解脱|消失|一走了之)|离开(?:人世|这个世界|人间)|告别(?:这个)?世界",
        r"(?:下辈子|来生|来世)(?:再|做牛|还)|收尸|(?:来|给我)(?:上坟|烧纸|吊丧)|生不如死|不如死|死路一条|想不开|走绝路",
        r"最后(?:一次|一个|一通)(?:跟你|电话|说话|通话)|(?:一|这|烂|贱|老)条?命.{0,6}(?:抵|赔|换|拿去|给你们|不值)",
        r"同归于尽|一起(?:死|上路)|拉.{0,3}垫背|(?:没|没有)我(?:这个人)?.{0,10}(?:清净|清静|轻松|好过|省心)",
        r"(?:世上|人间|人世|世界).{0,4}(?:没|不).{0,4}(?:留恋|牵挂|值得|想待)|(?:楼顶|天台|栏杆|铁轨|江边).{0,6}(?:往下|下去|迈)",
        r"(?:药|绳子|农药|木炭|刀)(?:都|就|已经|我|也)*(?:买好|备好|准备好|放好|攒够|在手|在跟前|搁手)",
        r"绳子?.{0,4}(?:挂|系|拴|套|搭).{0,4}(?:梁|脖|树|门框|钩)|(?:窗户|窗子).{0,4}(?:开着|打开).{0,6}(?:跳|下去)|"
        r"(?:孩子|老人|爹妈).{0,4}托付|(?:我|自己).{0,4}(?:走了|没了)(?:算了|你们就|就好)|阎王|黄泉|那边(?:去|见|享福)",
        unless=_NOT_MEANT,
    ),
    _signal(
        "deceased",
        _HINT,
        r"(?:已经|都|早就?|上个?月|去年|刚|前天|昨天|他|她|人|爸|妈|公|婆|哥|弟)(?:不幸)?(?:去世|过世|病逝|病故|离世|身亡|死亡|死了|没了|走了好|咽气)",
        r"死亡证明|骨灰|火化|下葬|出殡|入土|头七|周年忌|人(?:已经|都|早)?不在(?:了|人世)|不在人世|没(?:抢)?救(?:过来|回来|活)",
        r"(?:坟|墓|遗照|灵堂|追悼会|遗体)|驾鹤|归西|作古|仙逝|亡故|猝死",
        r"passed away|deceased|(?:he|she|is|has) (?:died|dead)",
    ),
    _signal(
        "deceased",
        _VEILED,
        r"(?:他|她|人|机主|本人|户主).{0,8}(?:没(?:能|有)?(?:抢)?救(?:过来|回来|活)|出殡|下葬|火化|入土|不在人世|病故|身故|驾鹤|咽(?:了)?气|断(?:了)?气)",
        _KILLED,
        rf"{_SOMEONE}(?:出事|出车祸|出意外|被淹|触电).{{0,2}}(?:没|走|死)了",
    ),
    _signal(
        "attorney_represented",
        _HINT,
        r"(?:我|委托|请|找|聘|联系|跟|和|由|交给|归)(?:的|了|家|个|一个|给)?(?:代理)?律师(?!函|费)",
        r"律师(?:处理|代理|跟|说|会|联系|负责|在|出面|接手|全权)|my lawyer|attorney|my counsel|law firm",
        unless=r"(?:会不会|会|要不要|是不是|你们|咨询).{0,6}律师|律师函|请律师要|律师费",
    ),
    _signal(
        "cease_contact",
        _HINT,
        r"(?:别|不要|不许|不准|不用|甭|停止|勿|少|莫|休想)(?:再|老|总|一直|天天|继续|往后|以后|随便)*(?:给我|往|跟我|对我|向我)?"
        r"(?:们)?(?:家里|单位|公司)?(?:打(?!官司|折|扰了|岔|听|印)|来电|致电|联系我|骚扰|拨打|拨|烦我|呼)",
        r"(?:电话|来电|联系)(?:都|就|一律|全)?(?:停|免|断)(?:了|掉|吧)|停(?:了|掉|止)?(?:这些|你们的|所有|一切)(?:电话|来电)",
        r"(?:拿|移|去|删|剔|划|拉)(?:掉|出|除|走|黑).{0,6}(?:名单|我的?号|号码)|(?:名单|号码|我的?号).{0,6}(?:拿掉|移出|删掉|剔除|划掉|拉黑)",
        r"(?:拒绝|不再|不想再?|不愿再?|不)(?:接受|接听|接)(?:你们|任何)?(?:的)?(?:电话|来电|通话)|免打扰",
        r"stop calling|don't call|do not call|not call me|quit calling|no more calls|lose my number",
        unless=r"(?:现在|这会儿|这时候|上班时?|今天)(?:先)?别打|别打(?:断|岔)|打(?:错|折)",
    ),
    _signal(
        "ask_human",
        _HINT,
        r"(?:转|接|切)(?:接|到|成|给|一下|个)*(?:人工|真人|活人|客服|坐席|座席|专员|值班|经理|柜台|后台)|人工(?:客服|服务|坐席|座席)",
        r"(?:找|要|叫|换|喊|跟|和|同|整|派|请|让)(?:个|一个|位|你们|一位|你们的|那个|个能)*(?:真人|活人|人工|活的|工作人员|客服专员|人来|人听)",
        r"(?:叫|让|找|喊|换|请|要|跟|和)(?:你|你们|个|一个|位|贵公司|那个|的|上面)*(?:经理|领导|主管|负责人|主任|管事|上级|头儿|上司|老大)",
        r"(?:能|会)(?:做主|拍板|说了算|解决问题|听懂人话|管事)的|(?:不|懒得|没法)(?:想|要|愿)?(?:再)?(?:跟|和|对)(?:着)?(?:你)?(?:这)?"
        r"(?:个|台|部)?(?:机器|机器人|电脑|程序|录音|AI|ai)(?:人)?(?:说|讲|聊|扯|谈|沟通|废话|啰嗦)",
        r"(?:real|live|actual) (?:person|human)|human agent|to a (?:human|person|manager)",
        r"representative|your (?:manager|supervisor)",
        unless=r"(?:不用|不要|不需要|别)(?:给我)?(?:转|找|接)?(?:人工|真人|客服)|人工智能|(?:是|还是|是不是)(?:真人|活人|人工)",
    ),
    _signal(
        "complaint_regulator",
        _HINT,
        r"投诉|举报|12378|12345|12363|银保监|银监会|金融监管|消费者协会|消协|黑猫|曝光|我(?:要|就|已经|这就)?报警|信访|告(?:你们|你)(?:侵犯|骚扰|去)",
        r"file a complaint|report you|the regulator|cfpb",
        unless=r"(?:不|没)(?:会|想|打算|要)(?:去)?(?:投诉|举报)",
    ),
    _signal(
        "abusive_anger",
        _HINT,
        r"滚(?:蛋|远|开|犊子|！|!|，|,|$)|^滚|妈的|他妈|你妈(?!妈)|傻[逼叉]|王八|混蛋|畜生|狗日|狗东西|操你|放屁|不要脸|人渣|龟儿|吸血鬼|缺德",
        r"不得好死|仆街|冚家铲|有病[吧啊]|神经病|fuck|bastard|asshole|go to hell|screw you",
    ),
    _signal(
        "minor_answers",
        _HINT,
        r"我(?:今年|才|只有|刚|快)?(?:[五六七八九十]|十[一二三四五])岁|我(?:在)?(?:上|读|念)(?:小学|幼儿园|[一二三四五六]年级|初[一二])",
        r"我是小(?:孩|朋友|学生)|未成年|没成年|(?<!我)(?:妈妈|爸爸|奶奶|爷爷|姥姥|外婆|大人).{0,10}我在?(?:写作业|看动画|玩游戏|拼|搭积木|画画)",
        r"我(?:在|正在|一个人在家)(?:写作业|看动画|搭积木|画画)|(?:妈妈|爸爸|老师)(?:说|不让)(?:不|别|我)?.{0,3}(?:跟|和)?陌生人",
        r"我是宝宝|我会背(?:唐诗|古诗|乘法|儿歌)|(?:爸比|妈咪).{0,6}(?:在|去|不|没|说)|我(?:的)?作业|(?:我|在)(?:坐|坐在)安全座椅|"
        r"我在?看(?:小猪佩奇|奥特曼|喜羊羊|熊出没|汪汪队)",
        r"i'm (?:only |just )?(?:five|six|seven|eight|nine|ten|eleven|twelve)\b",
        r"my (?:mom|dad|mommy|daddy) (?:isn't|is not) (?:home|here)",
    ),
)


def signals(clean: str) -> list[tuple[str, float, str]]:
    """Intent, confidence and the words, for every signal in the text; the surer one of an intent only."""
    found: dict[str, tuple[float, str]] = {}
    for signal in SIGNALS:
        text = clean if signal.unless is None else signal.unless.sub("…", clean)
        match = signal.words.search(text)
        if match and found.get(signal.intent, (0.0, ""))[0] < signal.confidence:
            found[signal.intent] = (signal.confidence, match[0])
    return [(intent, confidence, words) for intent, (confidence, words) in found.items()]
