"""The intents the engine knows, and which of several decides the response."""

from __future__ import annotations

INTENTS: tuple[str, ...] = (
    "confirm_identity",
    "deny_identity_wrong_number",
    "third_party_answers",
    "third_party_refuses",
    "deny_evasive",
    "deceased",
    "debtor_unavailable",
    "minor_answers",
    "ask_who_are_you",
    "ask_if_robot",
    "suspect_scam",
    "busy_call_later",
    "callback_time_given",
    "promise_to_pay",
    "vague_promise",
    "already_paid",
    "partial_payment",
    "instalment_request",
    "waiver_request",
    "payment_channel",
    "ask_amount_details",
    "repeated_reschedule",
    "refuse_to_pay",
    "dispute_debt",
    "dispute_amount",
    "request_documents",
    "legal_question",
    "credit_question",
    "hardship_unemployment",
    "hardship_illness",
    "hardship_disaster_family",
    "self_harm_risk",
    "crying_distress",
    "elderly_hearing",
    "asks_repeat_slower",
    "language_switch",
    "ask_human",
    "complaint_regulator",
    "cease_contact",
    "attorney_represented",
    "data_rights",
    "recording_objection",
    "abusive_anger",
    "voicemail_assistant",
    "silence",
    "dtmf_choice",
    "asr_noise",
    "end_call",
)

NONE = "none"
"""Name of the class of sentences that carry no intent: trained like the others, never returned."""

PRIORITY = (
    "self_harm_risk",
    "deceased",
    "minor_answers",
    "attorney_represented",
    "cease_contact",
    "third_party_refuses",
    "dispute_debt",
    "complaint_regulator",
    "ask_human",
    "hardship_illness",
    "crying_distress",
    "deny_identity_wrong_number",
    "third_party_answers",
)
"""From the most pressing; every other intent comes after these, in the order in which it was understood."""
_RANK = {intent: rank for rank, intent in enumerate(PRIORITY)}

PROTECTED = frozenset(
    {
        "confirm_identity",
        "deny_identity_wrong_number",
        "self_harm_risk",
        "deceased",
        "minor_answers",
        "attorney_represented",
        "cease_contact",
        "third_party_refuses",
        "ask_human",
    }
)
"""Intents that must hardly ever be missed: they are reported at a lower confidence than the others."""


def rank(intent: str) -> int:
    """Place in the order of priority, 0 first; every intent outside the order shares the last place."""
    return _RANK.get(intent, len(PRIORITY))
