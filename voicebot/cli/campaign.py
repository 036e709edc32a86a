"""`voicebot campaign`: make campaigns, start, stop and watch them. A running engine does the dialling."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from voicebot.cli._store import ACTOR, ConfigOption, JsonOption, with_store

if TYPE_CHECKING:
    from voicebot.campaign.dry_run import DryRun
    from voicebot.campaign.plan import CampaignPlan
    from voicebot.store import Store
    from voicebot.store.campaign_records import Campaign, CampaignState

app = typer.Typer(help="Make, start, stop and watch campaigns.", no_args_is_help=True)

NameArgument = Annotated[str, typer.Argument(help="Name or id of the campaign.")]
_BECAUSE = Annotated[str, typer.Option(help="Why; kept with the campaign.")]


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="A name of its own.")],
    plan: Annotated[Path, typer.Argument(help="YAML: arms, choice, callers, calendar, retry, pacing, priority.")],
    config: ConfigOption = None,
    json_output: JsonOption = False,
) -> None:
    """Makes a campaign and puts the cases it is for into its queue. Nothing is dialled before `start`."""
    from voicebot.campaign.enrolling import enrol_cases
    from voicebot.cli._terminal import out, print_json
    from voicebot.store.campaign_records import Campaign
    from voicebot.store.errors import StoreRefused
    from voicebot.store.records import utc_now

    values = _read_plan(plan).model_dump(mode="json")

    async def work(store: Store) -> tuple[Campaign, int]:
        if await store.campaigns.get(name) is not None:
            raise StoreRefused(f"a campaign is called {name} already; choose another name")
        made = await store.campaigns.create(Campaign(name, values))
        added = await enrol_cases(made, cases=store.cases, campaigns=store.campaigns, at=utc_now())
        await store.audit.append(ACTOR, "campaign.create", f"campaign:{made.id}", {"members": added})
        return made, added

    made, added = with_store(config, work)
    if json_output:
        print_json({"id": made.id, "members": added})
    else:
        out.print(f"{made.id}: {added} cases. Look at it with: voicebot campaign dry-run {name}", highlight=False)


@app.command("list")
def list_campaigns(config: ConfigOption = None, json_output: JsonOption = False) -> None:
    """Shows all campaigns."""
    from rich.table import Table

    from voicebot.cli._terminal import out, print_json

    async def work(store: Store) -> list[dict[str, Any]]:
        return [await _summary(store, campaign) for campaign in await store.campaigns.list()]

    found = with_store(config, work)
    if json_output:
        print_json({"campaigns": found})
        return
    table = Table("name", "state", "because", "members", "done", "live")
    for one in found:
        members = one["members"]
        total = str(sum(members.values()))
        table.add_row(
            one["name"],
            one["state"],
            one["because"],
            total,
            str(members.get("done", 0)),
            str(members.get("dialling", 0)),
        )
    out.print(table)


@app.command()
def show(name: NameArgument, config: ConfigOption = None, json_output: JsonOption = False) -> None:
    """Shows one campaign: its plan, its state, and why it is in it."""
    from voicebot.cli._terminal import out, print_json

    async def work(store: Store) -> dict[str, Any]:
        campaign = await _found(store, name)
        return {**await _summary(store, campaign), "plan": dict(campaign.plan)}

    answer = with_store(config, work)
    if json_output:
        print_json(answer)
    else:
        for key, value in answer.items():
            out.print(f"{key}: {value}", markup=False, highlight=False, soft_wrap=True)


@app.command()
def start(name: NameArgument, because: _BECAUSE = "", config: ConfigOption = None) -> None:
    """Lets a running engine begin to dial."""
    _change(config, name, "running", ("draft",), because or "started")


@app.command()
def pause(name: NameArgument, because: _BECAUSE = "", config: ConfigOption = None) -> None:
    """Dials nothing new until it is resumed; live calls go on."""
    _change(config, name, "paused", ("running", "draining"), because or "paused")


@app.command()
def resume(name: NameArgument, because: _BECAUSE = "", config: ConfigOption = None) -> None:
    """Goes on where it was paused, by a person or by a breaker. Takes in cases that were imported since, and
    tries those again that the contact policy held."""
    _change(config, name, "running", ("paused", "finished"), because or "resumed", enrol=True)


@app.command()
def drain(name: NameArgument, because: _BECAUSE = "", config: ConfigOption = None) -> None:
    """Dials nothing new, lets live calls end, then stops for good."""
    _change(config, name, "draining", ("running", "paused"), because or "drained by hand")


@app.command()
def stop(name: NameArgument, because: _BECAUSE = "", config: ConfigOption = None) -> None:
    """Stops for good, at once: live calls are hung up."""
    _change(config, name, "stopped", ("draft", "running", "paused", "draining"), because or "stopped by hand")


@app.command("dry-run")
def dry_run_command(
    name: NameArgument,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="Members looked at, the first in rank.")] = 200,
    config: ConfigOption = None,
    json_output: JsonOption = False,
) -> None:
    """Prints what would be dialled, and why not the rest. Nothing rings."""
    from compliance_filters.masking import mask_number
    from voicebot.campaign.dry_run import dry_run
    from voicebot.cli._policy import configured_policy
    from voicebot.cli._terminal import print_json
    from voicebot.store.records import utc_now

    policy = configured_policy(config)

    async def work(store: Store) -> DryRun:
        return await dry_run(
            await _found(store, name),
            campaigns=store.campaigns,
            cases=store.cases,
            attempts=store.attempts,
            permit=policy.permit,
            at=utc_now(),
            limit=limit,
            hide=mask_number,
        )

    result = with_store(config, work)
    if json_output:
        print_json({**asdict(result), "reasons": dict(result.reasons())})
    else:
        _show_dry_run(result)


@app.command()
def report(name: NameArgument, config: ConfigOption = None, json_output: JsonOption = False) -> None:
    """Counts how attempts ended, where the members stand, and how the flows compare."""
    from rich.table import Table

    from voicebot.campaign.arms import ArmReport, compare
    from voicebot.cli._terminal import out, print_json

    async def work(store: Store) -> dict[str, Any]:
        campaign = await _found(store, name)
        ended = await store.campaigns.dispositions(campaign.id)
        arms = compare(await store.campaigns.arms(campaign.id))
        return {**await _summary(store, campaign), "dispositions": dict(ended), "arms": arms}

    answer = with_store(config, work)
    arms: list[ArmReport] = answer.pop("arms")
    if json_output:
        answer["arms"] = [{**asdict(arm), "promises_per_right_party": arm.promises_per_right_party} for arm in arms]
        print_json(answer)
        return
    out.print(f"{answer['name']}: {answer['state']} ({answer['because']})", markup=False, highlight=False)
    for title, counts in (("members", answer["members"]), ("attempts ended as", answer["dispositions"])):
        table = Table(title, "count")
        for key, count in sorted(counts.items(), key=lambda item: -item[1]):
            table.add_row(key, str(count))
        out.print(table)
    table = Table(
        "flow", "cases", "attempts", "answered", "debtor reached", "promises", "of those reached", "complaints"
    )
    for arm in arms:
        share = arm.promises_per_right_party
        counted = (arm.members, arm.attempts, arm.answered, arm.right_party, arm.promises)
        table.add_row(arm.flow, *map(str, counted), "" if share is None else f"{share:.0%}", str(arm.complaints))
    out.print(table)


def _show_dry_run(result: DryRun) -> None:
    from rich.table import Table

    from voicebot.cli._terminal import out

    if result.closed_until:
        out.print(f"The calendar is closed now; this is as of {result.closed_until}.", highlight=False)
    table = Table("would dial", "number", "flow")
    for dial in result.dials:
        table.add_row(dial.case_id, dial.number, dial.flow)
    out.print(table)
    why = Table("would not dial, because", "cases")
    for reason, count in result.reasons():
        why.add_row(reason, str(count))
    for state, count in result.elsewhere.items():
        why.add_row(f"is {state}", str(count))
    if result.unlooked:
        why.add_row("not looked at (--limit)", str(result.unlooked))
    out.print(why)


def _change(
    config: Path | None, name: str, state: str, expecting: tuple[str, ...], because: str, *, enrol: bool = False
) -> None:
    from voicebot.campaign.enrolling import enrol_cases
    from voicebot.cli._terminal import fail, out
    from voicebot.store.campaign_records import CampaignState
    from voicebot.store.records import utc_now

    async def work(store: Store) -> tuple[CampaignState, bool]:
        campaign = await _found(store, name)
        at = utc_now()
        if enrol and campaign.state.value in expecting:
            await enrol_cases(campaign, cases=store.cases, campaigns=store.campaigns, at=at)
            await store.campaigns.judge_again(campaign.id)
        before = [CampaignState(one) for one in expecting]
        changed = await store.campaigns.set_state(
            campaign.id, CampaignState(state), because=because, expecting=before, at=at
        )
        if changed:
            await store.audit.append(ACTOR, f"campaign.{state}", f"campaign:{campaign.id}", {"because": because})
        return campaign.state, changed

    was, changed = with_store(config, work)
    if not changed:
        raise fail(f"{name} is {was.value}.", f"This needs a campaign that is {' or '.join(expecting)}.")
    out.print(f"{name} is {state}.", markup=False, highlight=False)


async def _found(store: Store, name: str) -> Campaign:
    from voicebot.cli._terminal import fail

    campaign = await store.campaigns.get(name)
    if campaign is None:
        raise fail(f"There is no campaign {name}.", "List them with: voicebot campaign list", code=2)
    return campaign


async def _summary(store: Store, campaign: Campaign) -> dict[str, Any]:
    counts = await store.campaigns.counts(campaign.id)
    return {
        "id": campaign.id,
        "name": campaign.name,
        "state": campaign.state.value,
        "because": campaign.because,
        "created_at": campaign.created_at,
        "started_at": campaign.started_at,
        "ended_at": campaign.ended_at,
        "members": {state.value: count for state, count in counts.items()},
    }


def _read_plan(file: Path) -> CampaignPlan:
    from pydantic import ValidationError
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    from voicebot.campaign.plan import CampaignPlan
    from voicebot.cli._terminal import fail

    try:
        document = YAML(typ="safe").load(file.read_text(encoding="utf-8"))
        if not isinstance(document, Mapping):
            raise fail(f"{file}: a plan is a mapping that begins with `arms:`.", "See docs/campaigns.md.", code=2)
        return CampaignPlan.model_validate(document)
    except OSError as error:
        raise fail(f"{file}: {error.strerror}", code=2) from None
    except (YAMLError, UnicodeDecodeError) as error:
        raise fail(f"{file}: not YAML in UTF-8: {' '.join(str(error).split())}", code=2) from None
    except ValidationError as error:
        said = [
            f"{file}: {'.'.join(str(part) for part in detail['loc']) or 'plan'}: {detail['msg']}"
            for detail in error.errors(include_url=False)
        ]
        raise fail("\n".join(said), "See docs/campaigns.md.", code=2) from None
