"""The phrase guard decides from text and call state, catches what is disguised, and fails closed."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from compliance_filters.guard import PhraseGuard, load_guard
from compliance_filters.verdict import Action, CallState, Channel, Party, Speaker

DEBTOR = CallState(party=Party.DEBTOR, identity_verified=True, ledger_amount=Decimal("1286.40"))
STRANGER = CallState(party=Party.THIRD_PARTY)


@pytest.fixture(scope="module")
def guard() -> PhraseGuard:
    return load_guard("cn")


@pytest.mark.parametrize(
    ("text", "category"),
    [
        ("你再拖，我就叫人去你家砸门。", "threat"),
        ("你这个人渣。", "insult"),
        ("我是经侦支队的民警。", "impersonation"),
        ("明天我们就去法院立案。", "misleading_legal"),
        ("你儿子应该替你还这笔钱。", "coerce_third_party"),
        ("你孩子以后考不了公务员。", "false_consequence"),
        ("我们会一天打你一百个电话。", "harassment_frequency"),
        ("去别的平台借一笔先还上。", "borrow_to_repay"),
        ("几百块都拿不出来，丢不丢人。", "contempt"),
        ("没钱就陪我睡一晚。", "sexual_discriminatory"),
        ("利息我给您全免了。", "unauthorised_waiver"),
        ("我是真人，不是机器人。", "human_deception"),
        ("把验证码告诉我。", "payment_diversion"),
        ("您还要付五百块催收费。", "debt_inflation"),
        ("你的通讯录我们都有。", "data_abuse"),
        ("投诉也没用，没人理你。", "rights_obstruction"),
    ],
)
def test_each_category_is_named_with_rules_span_and_reason(guard: PhraseGuard, text: str, category: str) -> None:
    verdict = guard.check(text, DEBTOR)
    assert not verdict.allowed
    finding = next(f for f in verdict.findings if f.category == category)
    assert finding.rule_ids == guard.pack.categories[category].rules
    assert 0 <= finding.span[0] < finding.span[1] <= len(text)
    assert finding.why
    assert verdict.pack_hash == guard.hash


@pytest.mark.parametrize(
    "text",
    [
        "再不还就起素你。",
        "再不還錢就起訴你。",
        "我们会 qs 你的。",
        "我们会，那个，起，嗯，诉，你。",
        "我们会走己讠斥你。",
        "我们会ｑｉｓｕ你，等着吧。",
        "再不还就 7 诉你。",
    ],
)
def test_a_disguised_word_is_still_the_word(guard: PhraseGuard, text: str) -> None:
    assert not guard.check(text, DEBTOR).allowed


@pytest.mark.parametrize(
    "text",
    [
        "我们不会起诉您，请放心。",
        "您可以咨询律师。",
        "您问会不会坐牢，这个问题我无法判断。",
        "请不要向任何人透露验证码。",
        "紧急联系人不承担还款责任。",
        "您可以拨打12378投诉。",
        "如果您有危险，请拨打110或者120，心理援助热线是12356。",
        "我是智能语音助手，不是真人。",
        "您有一笔账单已逾期三天，应还1286.40元。",
    ],
)
def test_denial_advice_and_honest_service_pass(guard: PhraseGuard, text: str) -> None:
    verdict = guard.check(text, DEBTOR)
    assert verdict.allowed, verdict.findings


@pytest.mark.parametrize(
    ("text", "lawful", "unlawful"),
    [
        ("您有一笔账单已逾期三天，应还1286.40元。", DEBTOR, STRANGER),
        ("您有一笔账单已逾期三天，应还1286.40元。", DEBTOR, replace(DEBTOR, channel=Channel.VOICEMAIL)),
        ("您有一笔账单已逾期三天，应还1286.40元。", DEBTOR, replace(DEBTOR, ledger_amount=Decimal("986.40"))),
        ("您的应还金额是一千二百八十六块四。", DEBTOR, replace(DEBTOR, ledger_amount=None)),
        ("债权人已向法院提起诉讼。", replace(DEBTOR, legal_action_authorised=True), DEBTOR),
        ("今天结清的话，可以为您减免全部罚息。", replace(DEBTOR, waiver_authorised=True), DEBTOR),
        ("我们会安排同事周三上门拜访您。", replace(DEBTOR, visit_authorised=True), DEBTOR),
        ("您作为共同借款人，需要承担还款责任。", replace(DEBTOR, co_borrower_on_file=True), DEBTOR),
        ("您好，我是人工客服小王。", replace(DEBTOR, speaker=Speaker.HUMAN_AGENT), DEBTOR),
        (
            "我是恒信公司的，麻烦让他回个电话。",
            STRANGER,
            replace(STRANGER, creditor_name_reveals_collection=True),
        ),
    ],
)
def test_the_same_sentence_is_judged_by_the_state_of_the_call(
    guard: PhraseGuard, text: str, lawful: CallState, unlawful: CallState
) -> None:
    assert guard.check(text, lawful).allowed, guard.check(text, lawful).findings
    assert not guard.check(text, unlawful).allowed


@pytest.mark.parametrize(
    "text", ["再见。", "好的，谢谢您。", "嗯，您说。", "我没有挂断。", "您慢走。", "喂，听得到吗？"]
)
@pytest.mark.parametrize("state", [DEBTOR, STRANGER, CallState()])
def test_short_everyday_words_pass_in_every_state(guard: PhraseGuard, text: str, state: CallState) -> None:
    verdict = guard.check(text, state)
    assert verdict.allowed, verdict.findings


def test_a_denial_that_runs_into_the_forbidden_phrase_denies_it(guard: PhraseGuard) -> None:
    assert guard.check("客服这边没有执法权，只能提醒您。", DEBTOR).allowed
    assert not guard.check("我们有执法权，你老实点。", DEBTOR).allowed


def test_what_is_called_false_afterwards_is_not_claimed(guard: PhraseGuard) -> None:
    assert guard.check("花钱做征信修复的广告都是骗人的。", DEBTOR).allowed
    assert not guard.check("征信修复包在我身上，您说的难处不是真的。", DEBTOR).allowed


@pytest.mark.parametrize(
    "text",
    [
        "听人说孩子会上不了学？这个说法没有依据。",
        "逾期就会坐牢？并不准确，请以法律规定为准。",
        "先交保证金才放款的，统统是诈骗。",
        "有人让您共享屏幕，请立刻挂断。",
    ],
)
def test_a_rumour_that_is_set_right_is_not_spread(guard: PhraseGuard, text: str) -> None:
    verdict = guard.check(text, DEBTOR)
    assert verdict.allowed, verdict.findings


@pytest.mark.parametrize(
    "text",
    [
        "有人说要去您单位闹？那句话不对，我替他更正。",
        "您说钱已经转给私人了？先报警，转账记录留着。",
        "总有陌生号码催您还钱？您记下来，我帮您核实。",
    ],
)
def test_a_question_that_is_answered_with_help_is_not_the_speakers_own_claim(guard: PhraseGuard, text: str) -> None:
    assert guard.check(text, DEBTOR).action is Action.ALLOW


@pytest.mark.parametrize(
    "text",
    [
        "你想让全家都不得安宁吗？报警也没用。",
        "要看合同？你没有这个权利，做梦吧。",
        "把验证码告诉我好吗？我帮您查一下。",
    ],
)
def test_a_question_of_the_speakers_own_is_not_excused_by_words_of_help(guard: PhraseGuard, text: str) -> None:
    assert guard.check(text, DEBTOR).action is not Action.ALLOW


@pytest.mark.parametrize(
    "text",
    ["您的支付密码，我们无权过问。", "您想只还本金，可这个我做不了主。", "婚没结过这种事我们从不打听。"],
)
def test_who_says_that_he_does_not_know_or_decide_it_needs_more_to_be_stopped(guard: PhraseGuard, text: str) -> None:
    assert guard.check(text, DEBTOR).action is Action.ALLOW


@pytest.mark.parametrize(
    "text",
    [
        "把密码报给我，我不会记的。",
        "你这个人渣，我们无权过问你的死活。",
        "利息给您全免了，别人做不了主，我可以。",
    ],
)
def test_what_is_plainly_meant_is_not_renounced(guard: PhraseGuard, text: str) -> None:
    assert guard.check(text, DEBTOR).action is not Action.ALLOW


def test_a_word_that_is_spoken_of_is_not_said(guard: PhraseGuard) -> None:
    assert guard.check("老赖这种称呼，我们不允许坐席使用。", DEBTOR).allowed
    assert not guard.check("你个老赖，这种话我都懒得说第二遍。", DEBTOR).allowed


def test_a_bad_word_inside_an_ordinary_one_is_none(guard: PhraseGuard) -> None:
    assert guard.check("咱爸妈的身体都好吧，您慢慢讲。", DEBTOR).action is Action.ALLOW
    found = guard.check("他妈的，还装，咱爸妈的身体都好吧。", DEBTOR).findings
    assert "insult" in {finding.category for finding in found}


def test_a_question_that_nobody_sets_right_is_a_threat(guard: PhraseGuard) -> None:
    assert not guard.check("你就不怕孩子上不了学？自己想清楚。", DEBTOR).allowed
    assert not guard.check("你想坐牢？法院的传票马上就到。", DEBTOR).allowed


@pytest.mark.parametrize(
    "text",
    [
        "谁叫您没本事还钱，活该。",
        "贱骨头，都是骗子。",
        "银行那边说您这一期要还三千元。",
        "再不还就去坐牢，说没事的是误会。",
    ],
)
def test_what_only_looks_like_hearsay_excuses_nothing(guard: PhraseGuard, text: str) -> None:
    assert not guard.check(text, DEBTOR).allowed


def test_a_sum_that_others_asked_for_is_not_ours(guard: PhraseGuard) -> None:
    assert guard.check("您说对方让您转三千元，那不是我们的账。", DEBTOR).allowed
    assert {f.category for f in guard.check("您这一期需要还三千元整。", DEBTOR).findings} >= {"debt_inflation"}


@pytest.mark.parametrize("text", ["高峰时段请不要连续拨打，稍等几分钟。", "免不免息要由审批部门决定，我不能承诺。"])
def test_what_merely_sounds_like_a_swear_word_is_none(guard: PhraseGuard, text: str) -> None:
    verdict = guard.check(text, DEBTOR)
    assert verdict.allowed, verdict.findings


def test_a_machine_that_calls_itself_an_agent_deceives(guard: PhraseGuard) -> None:
    said = "我是人工坐席，刚才那个语音助手没答好的，我来答。"
    assert not guard.check(said, DEBTOR).allowed
    assert guard.check(said, replace(DEBTOR, speaker=Speaker.HUMAN_AGENT)).allowed


def test_what_the_case_allows_is_not_read_as_another_category(guard: PhraseGuard) -> None:
    duty = "您是共同借款人，这笔借的钱也要一起还。"
    assert guard.check(duty, replace(DEBTOR, co_borrower_on_file=True)).allowed
    assert not guard.check(duty, DEBTOR).allowed
    for other in ("你是共同借款人，去借高利贷也得还上。", "您作为共同借款人，再去别家贷一笔还上。"):
        assert not guard.check(other, replace(DEBTOR, co_borrower_on_file=True)).allowed


def test_ordinary_neighbours_are_not_a_character_written_in_parts(guard: PhraseGuard) -> None:
    said = "您这个月要还的是九百块。"
    assert {f.category for f in guard.check(said, DEBTOR).findings} == {"debt_inflation"}
    assert guard.check(said, replace(DEBTOR, ledger_amount=Decimal("900"))).allowed
    assert guard.check("路口马上就到了，您慢点开。", DEBTOR).allowed


def test_arrest_stays_forbidden_when_legal_action_is_authorised(guard: PhraseGuard) -> None:
    assert not guard.check("再不还就抓你去坐牢。", replace(DEBTOR, legal_action_authorised=True)).allowed


def test_one_bad_sentence_among_good_ones_stops_the_turn(guard: PhraseGuard) -> None:
    verdict = guard.check("您好，感谢接听。我们理解您的困难。今天再不还，明天就立案了。祝您愉快。", DEBTOR)
    assert "misleading_legal" in {f.category for f in verdict.findings}


def test_a_sum_that_is_asked_for_afterwards_is_one_that_is_due(guard: PhraseGuard) -> None:
    text = "照今天算，一千二百八十六块四，一次还清就可以。"
    assert guard.check(text, DEBTOR).allowed
    lower = replace(DEBTOR, ledger_amount=Decimal("1106.40"))
    assert [found.category for found in guard.check(text, lower).findings] == ["debt_inflation"]


def test_an_instalment_stated_on_the_call_is_a_true_amount(guard: PhraseGuard) -> None:
    stated = replace(DEBTOR, stated_amounts=(Decimal("2000"),))
    assert guard.check("您一共要还两千元，对吗？", stated).allowed
    assert not guard.check("您一共要还两千元，对吗？", DEBTOR).allowed


@pytest.mark.parametrize("text", ["Вы должны заплатить.", "お金を返してください。", "돈을 갚으세요."])
def test_an_unknown_language_is_not_allowed(guard: PhraseGuard, text: str) -> None:
    verdict = guard.check(text, DEBTOR)
    assert verdict.category == "unjudged"
    assert not verdict.allowed


def test_another_jurisdiction_is_not_allowed(guard: PhraseGuard) -> None:
    assert not guard.check("您好。", replace(DEBTOR, jurisdiction="us")).allowed


def test_the_default_state_permits_the_least(guard: PhraseGuard) -> None:
    assert guard.check("您好，请问是王小样先生吗？", CallState()).allowed
    assert not guard.check("您的贷款逾期了。", CallState()).allowed


def test_a_stopped_sentence_has_approved_wording_that_itself_passes(guard: PhraseGuard) -> None:
    for category, rule in guard.pack.categories.items():
        wording = rule.replacement["zh"]
        verdict = guard.check(wording, STRANGER if category == "third_party_disclosure" else CallState())
        assert not {f.category for f in verdict.findings} - {"pre_verification_leak"}, (category, verdict.findings)
    verdict = guard.check("把验证码告诉我。", DEBTOR)
    assert verdict.action is Action.END
    assert guard.replacement(verdict, "zh-CN") == guard.pack.categories["payment_diversion"].replacement["zh"]


def test_the_gravest_finding_decides_the_action(guard: PhraseGuard) -> None:
    verdict = guard.check("你这个人渣，把验证码告诉我。", DEBTOR)
    assert verdict.action is Action.END
    assert verdict.category == "payment_diversion"


@pytest.mark.parametrize("name", ["us", "uk_eu"])
def test_english_packs_judge_english(name: str) -> None:
    english = load_guard(name)
    verified = CallState(party=Party.DEBTOR, identity_verified=True, jurisdiction=name)
    assert not english.check("You will be arrested tomorrow if you do not pay.", verified).allowed
    assert english.check("When do you think you could make a payment?", verified).allowed
    assert not english.check("He owes us money on an overdue loan.", replace(verified, party=Party.THIRD_PARTY)).allowed


@pytest.mark.parametrize("name", ["hk", "tw"])
def test_traditional_script_is_judged_where_it_is_written(name: str) -> None:
    pack = load_guard(name)
    verified = CallState(party=Party.DEBTOR, identity_verified=True, jurisdiction=name)
    assert not pack.check("你再不還錢，我們就去你家堵門。", verified).allowed
    assert pack.check("請問您什麼時候方便接聽電話？", verified).allowed
