"""Cases: hand one in, look at them."""

from __future__ import annotations

from aiohttp import web

from voicebot.campaign.case_form import CaseForm
from voicebot.console.access import CALLER
from voicebot.console.problems import Problem
from voicebot.console.reading import read_body, read_query
from voicebot.console.schemas import CaseAnswer, CaseList, CasesQuery
from voicebot.console.services import SERVICES
from voicebot.store.records import CaseStatus


async def add(request: web.Request) -> web.Response:
    services = request.app[SERVICES]
    form = await read_body(request, CaseForm)
    try:
        case = form.to_case()
    except ValueError as error:
        errors = [{"where": "body.numbers", "what": str(error), "remedy": "Mend or leave out the number."}]
        raise Problem(422, "invalid", "The body contains mistakes.", "See `errors`.", errors=errors) from error
    stored = await services.store.cases.add(case)
    who = request[CALLER]
    await services.store.audit.append(who.actor, "case.add", f"case:{stored.id}")
    answer = CaseAnswer.of(stored, unmasked=who.sees_personal_data)
    created = 201 if stored.id == case.id else 200
    headers = {"Location": f"/api/v1/cases/{stored.id}"}
    return web.json_response(text=answer.model_dump_json(), status=created, headers=headers)


async def list_cases(request: web.Request) -> web.Response:
    services = request.app[SERVICES]
    query = read_query(request, CasesQuery)
    status = None if query.status == "any" else CaseStatus(query.status)
    cases = await services.store.cases.list(status=status, flag=query.flag, limit=query.limit, after=query.after)
    unmasked = request[CALLER].sees_personal_data
    answer = CaseList(cases=[CaseAnswer.of(case, unmasked=unmasked) for case in cases])
    return web.json_response(text=answer.model_dump_json())


async def show(request: web.Request) -> web.Response:
    services = request.app[SERVICES]
    case_id = request.match_info["id"]
    case = await services.store.cases.get(case_id)
    if case is None:
        raise Problem(404, "unknown-case", "No case has this id.", "List cases at /api/v1/cases.")
    who = request[CALLER]
    if who.sees_personal_data:
        await services.store.audit.append(who.actor, "case.read", f"case:{case.id}")
    return web.json_response(text=CaseAnswer.of(case, unmasked=who.sees_personal_data).model_dump_json())
