"""News of cases: payments, flags, numbers, consents and notices, times. They hold from the next dial on."""

from __future__ import annotations

from aiohttp import web

from voicebot.campaign.news_forms import ConsentForm, FlagForm, NewsForm, NumberForm, PaymentForm, TimeForm
from voicebot.console.access import CALLER
from voicebot.console.calls import IDEMPOTENCY_KEY, idempotency_key
from voicebot.console.news_schemas import NewsAnswer, PaymentAnswer, PaymentBody, PaymentList
from voicebot.console.problems import Problem
from voicebot.console.reading import read_body
from voicebot.console.services import SERVICES
from voicebot.store.news_records import TakenAs


async def add_payment(request: web.Request) -> web.Response:
    body = await read_body(request, PaymentBody)
    reference = body.reference or idempotency_key(request, default=None)
    if reference is None:
        remedy = f"Give the creditor's reference of the payment, or the header {IDEMPOTENCY_KEY}."
        errors = [{"where": "body.reference", "what": "nothing names the payment", "remedy": remedy}]
        raise Problem(422, "invalid", "The body contains mistakes.", "See `errors`.", errors=errors)
    form = PaymentForm(reference=reference, amount=body.amount, paid_on=body.paid_on, currency=body.currency)
    return await _tell(request, form, "case.payment")


async def list_payments(request: web.Request) -> web.Response:
    store = request.app[SERVICES].store
    name = request.match_info["id"]
    case = await store.cases.get(name) or await store.cases.by_contract(name)
    if case is None:
        raise _unknown()
    unmasked = request[CALLER].sees_personal_data
    found = await store.news.payments(case.id)
    answer = PaymentList(payments=[PaymentAnswer.of(payment, unmasked=unmasked) for payment in found])
    return web.json_response(text=answer.model_dump_json())


async def set_flag(request: web.Request) -> web.Response:
    return await _tell(request, await read_body(request, FlagForm), "case.flag")


async def set_number(request: web.Request) -> web.Response:
    return await _tell(request, await read_body(request, NumberForm), "case.number")


async def add_consent(request: web.Request) -> web.Response:
    return await _tell(request, await read_body(request, ConsentForm), "case.consent")


async def add_time(request: web.Request) -> web.Response:
    return await _tell(request, await read_body(request, TimeForm), "case.time")


async def _tell(request: web.Request, form: NewsForm, action: str) -> web.Response:
    services = request.app[SERVICES]
    who = request[CALLER]
    (taken,) = await services.store.news.take(
        [form.news(request.match_info["id"])], by=who.actor, looser=who.is_officer, at=services.now()
    )
    if taken.case_id is None:
        raise _unknown()
    if taken.needs_officer:
        raise Problem(403, "officer-needed", f"{taken.why[:1].upper()}{taken.why[1:]}.", "Ask a compliance officer.")
    if taken.outcome is TakenAs.REFUSED:
        errors = [{"where": f"body.{taken.field}", "what": taken.why, "remedy": "Mend it, or leave it out."}]
        raise Problem(422, "invalid", "The body contains mistakes.", "See `errors`.", errors=errors)
    if taken.outcome is not TakenAs.KNOWN:
        said = {"outcome": taken.outcome.value}
        for name in ("flag", "in_force", "state", "label", "kind", "granted", "reference"):
            if (value := getattr(form, name, None)) is not None:
                said[name] = value
        await services.store.audit.append(who.actor, action, f"case:{taken.case_id}", said)
    status = 201 if taken.outcome is TakenAs.NEW else 200
    return web.json_response(text=NewsAnswer.of(taken).model_dump_json(), status=status)


def _unknown() -> Problem:
    return Problem(404, "unknown-case", "No case has this id or contract number.", "List cases at /api/v1/cases.")
