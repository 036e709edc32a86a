"""`voicebot policy`: why a case may be called, or may not; the emergency stop; local changes of the rules."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from voicebot.cli._store import ACTOR, ConfigOption, JsonOption, with_store

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from voicebot.store import Store
    from voicebot.store.news_records import Halt

_ReasonOption = Annotated[str, typer.Option("--reason", help="Why; kept in the audit log.")]

app = typer.Typer(
    help="The contact policy: why a case may be called, the emergency stop, local rules.", no_args_is_help=True
)


@app.command()
def explain(
    case: Annotated[str, typer.Argument(help="Id of the case.")],
    at: Annotated[str | None, typer.Option(help="Time, such as 2026-11-20T21:30+08:00; left out, now.")] = None,
    number: Annotated[str | None, typer.Option(help="Number to dial; left out, the case's first valid one.")] = None,
    caller: Annotated[str | None, typer.Option(help="Number to show; left out, the configured one.")] = None,
    config: ConfigOption = None,
    json_output: JsonOption = False,
) -> None:
    """Says whether the case may be called, by which rule, with which counts, and when it next becomes allowed."""
    from compliance_filters.pack import PackError
    from voicebot.campaign.policy import explanation
    from voicebot.cli._policy import configured_policy
    from voicebot.cli._terminal import fail, print_json
    from voicebot.store.errors import UnknownCase
    from voicebot.store.records import utc_now

    judge = configured_policy(config)
    moment = _moment(at) if at else utc_now()

    async def work(store: Store) -> dict[str, Any]:
        found = await store.cases.get(case)
        if found is None:
            raise UnknownCase(case)
        dialled = number or found.first_valid_number() or next((n.number for n in found.debtor.numbers), "")
        history = await store.attempts.history(case, dialled, caller_id=caller, at=moment)
        return explanation(judge.decide(history, moment))

    try:
        answer = with_store(config, work)
    except UnknownCase as error:
        raise fail(str(error), code=2) from None
    except PackError as error:
        raise fail(str(error), "Mend the rule pack, or the case's jurisdiction.") from None
    if json_output:
        print_json({"case": case, "at": moment.isoformat(), **answer})
    else:
        _show(answer)


@app.command()
def halt(reason: _ReasonOption, config: ConfigOption = None) -> None:
    """Emergency stop: from now on no worker dials anybody. Live calls and inbound calls go on."""
    from voicebot.cli._terminal import out

    async def work(store: Store) -> Halt:
        standing = await store.brakes.halt(reason, by=ACTOR)
        await store.audit.append(ACTOR, "policy.halt", f"halt:{standing.id}", {"reason": reason})
        return standing

    standing = with_store(config, work)
    out.print(f"Halted since {standing.since.isoformat()}: {standing.reason}", markup=False, highlight=False)


@app.command()
def resume(reason: _ReasonOption, config: ConfigOption = None) -> None:
    """Lifts the emergency stop."""
    from voicebot.cli._terminal import fail, out

    async def work(store: Store) -> Halt | None:
        lifted = await store.brakes.resume(reason, by=ACTOR)
        if lifted is not None:
            await store.audit.append(ACTOR, "policy.resume", f"halt:{lifted.id}", {"reason": reason})
        return lifted

    if with_store(config, work) is None:
        raise fail("The emergency stop is not on.", "See: voicebot policy status")
    out.print("Dialling goes on.")


@app.command()
def status(config: ConfigOption = None, json_output: JsonOption = False) -> None:
    """Says whether the emergency stop is on, who pulled it and why, and the last ones."""
    from rich.table import Table

    from voicebot.cli._terminal import out, print_json

    async def work(store: Store) -> list[Halt]:
        return list(await store.brakes.list())

    halts = with_store(config, work)
    halted = any(one.lifted_at is None for one in halts)
    if json_output:
        print_json({"halted": halted, "halts": [vars(one) for one in halts]})
        return
    out.print("halted: nobody is dialled" if halted else "dialling is allowed", style="red" if halted else "green")
    table = Table("since", "by", "reason", "lifted", "by", "because")
    for one in halts:
        lifted = one.lifted_at.isoformat(timespec="seconds") if one.lifted_at else ""
        since = one.since.isoformat(timespec="seconds")
        table.add_row(since, one.by, one.reason, lifted, one.lifted_by or "", one.lifted_because or "")
    if halts:
        out.print(table)


@app.command("review-caller")
def review_caller(
    number: Annotated[str, typer.Argument(help="The calling number, E.164.")],
    until: Annotated[str, typer.Option(help="Until when, such as 2026-11-20T22:00+08:00.")],
    reason: _ReasonOption,
    config: ConfigOption = None,
) -> None:
    """Lets a number of ours call on beyond its daily limit, after a person has looked."""
    from voicebot.cli._terminal import fail, out
    from voicebot.store.number import dialable

    moment = _moment(until, "--until")
    if dialable(number, "") != number:
        raise fail(f"{number} is not a number in E.164.", "Write it as +861066668888.", code=2)

    async def work(store: Store) -> None:
        await store.brakes.review_caller(number, until=moment, by=ACTOR, reason=reason)
        data = {"until": moment.isoformat(), "reason": reason}
        await store.audit.append(ACTOR, "policy.review_caller", f"caller:{number}", data)

    with_store(config, work)
    out.print(f"{number} may go on until {moment.isoformat()}.", markup=False, highlight=False)


@app.command()
def overrides(config: ConfigOption = None, json_output: JsonOption = False) -> None:
    """Lists the local changes of rules, who signed them, and the hash that is kept with every attempt."""
    from rich.table import Table

    from compliance_filters.overrides import digest
    from voicebot.cli._policy import configured_policy
    from voicebot.cli._terminal import out, print_json
    from voicebot.store.records import utc_now

    changes = configured_policy(config).overrides
    now = utc_now()
    hashes = {
        name: digest([change for change in changes if change.pack == name and change.holds(now)])
        for name in sorted({change.pack for change in changes})
    }
    if json_output:
        listed = [{**change.model_dump(mode="json"), "holds": change.holds(now)} for change in changes]
        print_json({"overrides": listed, "hashes": hashes})
        return
    table = Table("pack", "rule", "parameters", "signed by", "reason", "holds until")
    for change in changes:
        signed = change.signature
        table.add_row(
            change.pack,
            change.rule,
            ", ".join(f"{name}={value}" for name, value in change.params.items()),
            f"{signed.officer} ({signed.role.value})" if signed else "nobody: it is stricter",
            change.reason or "",
            signed.expires_at.isoformat() + ("" if change.holds(now) else " (does not hold now)") if signed else "",
        )
    out.print(table)
    for name, stamp in hashes.items():
        out.print(f"{name}: {stamp or 'the pack alone'}", highlight=False)


@app.command()
def keygen(
    file: Annotated[Path, typer.Argument(help="Where the private key goes; it must not exist yet.")],
    officer: Annotated[str, typer.Option(help="The officer's name.")],
    role: Annotated[str, typer.Option(help="compliance_officer or legal_counsel.")] = "compliance_officer",
) -> None:
    """Makes an officer's key under a passphrase, and prints the line that makes the configuration trust it."""
    import os

    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from compliance_filters.overrides import OfficerRole, public_key_of
    from voicebot.cli._terminal import fail, out

    if role not in {one.value for one in OfficerRole}:
        raise fail(f"There is no role {role}.", "Choose compliance_officer or legal_counsel.", code=2)
    passphrase = typer.prompt("Passphrase", hide_input=True, confirmation_prompt=True, err=True)
    key = Ed25519PrivateKey.generate()
    encryption = serialization.BestAvailableEncryption(passphrase.encode())
    text = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)
    try:
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as target:
            target.write(text)
    except OSError as error:
        raise fail(f"{file}: {error.strerror or error}", "Choose a file that does not exist yet.") from None
    out.print("[compliance.officers]", markup=False, highlight=False)
    out.print(f'"{officer}" = "{role} {public_key_of(key)}"', markup=False, highlight=False, soft_wrap=True)


@app.command()
def sign(
    file: Annotated[Path, typer.Argument(help="The file of overrides; the signature is written into it.")],
    pack: Annotated[str, typer.Option(help="Pack of the rule: cn, us, ...")],
    rule: Annotated[str, typer.Option(help="Id of the rule, such as CN-OPS-01.")],
    key: Annotated[Path, typer.Option(help="The officer's private key, as keygen wrote it.")],
    officer: Annotated[str, typer.Option(help="The officer's name, as in compliance.officers.")],
    reason: Annotated[str, typer.Option(help="Why the rule may be looser.")],
    until: Annotated[str, typer.Option(help="Until when, such as 2027-01-01T00:00+08:00.")],
    config: ConfigOption = None,
) -> None:
    """Signs one change of a rule that stands in the file without a signature."""
    from ruamel.yaml import YAML

    from compliance_filters.overrides import read_overrides, verify
    from compliance_filters.overrides import sign as signed_by
    from compliance_filters.pack import PackError
    from voicebot.campaign.policy import officers_of
    from voicebot.cli._terminal import fail, load_settings_or_exit, out
    from voicebot.store.records import utc_now

    officers = officers_of(load_settings_or_exit(config).compliance.officers)
    named = next((one for one in officers if one.name == officer), None)
    if named is None:
        raise fail(f"{officer} is no officer of the configuration.", "Add them to compliance.officers.", code=2)
    expires = _moment(until, "--until")
    try:
        changes = read_overrides(file)
    except PackError as error:
        raise fail(str(error), code=2) from None
    places = [n for n, one in enumerate(changes) if (one.pack, one.rule) == (pack, rule)]
    if len(places) != 1:
        raise fail(f"{file} has {len(places)} changes of {rule} in {pack}.", "It must have one to sign.", code=2)
    signed = signed_by(
        changes[places[0]],
        _private_key(key),
        officer=officer,
        role=named.role,
        reason=reason,
        signed_at=utc_now().replace(microsecond=0),
        expires_at=expires,
    )
    if (fault := verify(signed, officers)) is not None:
        raise fail(f"The signature does not hold: {fault}.", "Is this the key of that officer?")
    yaml = YAML()
    document = yaml.load(file.read_text(encoding="utf-8"))
    said = signed.model_dump(mode="json")
    document["overrides"][places[0]] |= {"reason": said["reason"], "signature": said["signature"]}
    with file.open("w", encoding="utf-8") as target:
        yaml.dump(document, target)
    out.print(f"{rule} is signed by {officer} until {expires.isoformat()}.", markup=False, highlight=False)


def _private_key(file: Path) -> Ed25519PrivateKey:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    from voicebot.cli._terminal import fail

    passphrase = typer.prompt("Passphrase", hide_input=True, err=True)
    try:
        found = load_pem_private_key(file.read_bytes(), passphrase.encode())
    except OSError as error:
        raise fail(f"{file}: {error.strerror or error}", code=2) from None
    except (ValueError, TypeError):
        raise fail(f"{file}: not a private key, or not its passphrase.", code=2) from None
    if not isinstance(found, Ed25519PrivateKey):
        raise fail(f"{file}: not an Ed25519 key.", "Make one with: voicebot policy keygen", code=2)
    return found


def _moment(text: str, option: str = "--at") -> datetime:
    from voicebot.cli._terminal import fail

    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise fail(f"{option}: {text} is not a time.", "Write it as 2026-11-20T21:30+08:00.", code=2) from None
    if moment.tzinfo is None:
        raise fail(f"{option}: {text} has no time zone.", f"Write it as {text}+08:00.", code=2)
    return moment


def _show(answer: dict[str, Any]) -> None:
    from rich.table import Table

    from voicebot.cli._terminal import out

    out.print("allowed" if answer["allowed"] else "not allowed", style="green" if answer["allowed"] else "red")
    table = Table("rule", "verdict", "why", "counts", "until")
    for rule in answer["rules"]:
        counts = ", ".join(f"{name}={value}" for name, value in rule["counts"].items())
        table.add_row(rule["id"], rule["verdict"], rule["why"], counts, rule["until"] or "")
    out.print(table)
    if not answer["allowed"]:
        out.print(
            f"Next allowed: {answer['next_allowed'] or 'when a person has lifted what holds it'}", highlight=False
        )
