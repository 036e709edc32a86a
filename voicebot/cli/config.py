"""`voicebot config`: write, check and show the configuration."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="Write, check and show the configuration.", no_args_is_help=True)

FileArgument = Annotated[
    Path | None, typer.Argument(help="Configuration file; left out: $VOICEBOT_CONFIG, ./voicebot.toml, /etc/voicebot/.")
]


@app.command()
def init(
    file: Annotated[Path, typer.Argument(help="File to write; - is the terminal.")] = Path("voicebot.toml"),
    force: Annotated[bool, typer.Option("--force", help="Write over a file that exists.")] = False,
) -> None:
    """Writes every key with its default and its meaning."""
    from voicebot.cli._terminal import fail, out
    from voicebot.settings.document import default_file

    text = default_file()
    if str(file) == "-":
        out.print(text, markup=False, highlight=False, soft_wrap=True, end="")
        return
    try:
        with file.open("w" if force else "x", encoding="utf-8") as target:
            target.write(text)
    except FileExistsError:
        raise fail(f"{file} exists already and was left as it is.", "Name another file, or say --force.") from None
    except OSError as error:
        raise fail(
            f"{file} cannot be written: {error.strerror or error}.", "Check the folder and its rights."
        ) from None
    out.print(f"Wrote {file}. Change what you need, then run: voicebot config check {file}", markup=False)


@app.command()
def check(
    file: FileArgument = None, json_output: Annotated[bool, typer.Option("--json", help="Findings as JSON.")] = False
) -> None:
    """Says everything that is wrong with the file and the environment: exit 1 when anything is, 2 when unreadable."""
    from dataclasses import asdict

    from voicebot.cli._terminal import error_console, out, print_json
    from voicebot.settings import ConfigurationError, load_settings

    try:
        settings = load_settings(file)
    except ConfigurationError as error:
        if json_output:
            print_json({"findings": [asdict(finding) for finding in error.findings]})
        else:
            for finding in error.findings:
                error_console.print(str(finding), markup=False, highlight=False, soft_wrap=True)
        unreadable = all(not finding.key for finding in error.findings)
        raise typer.Exit(2 if unreadable else 1) from None
    if json_output:
        print_json({"findings": []})
    else:
        source = settings.file or "no file, so the defaults and the environment"
        out.print(f"The configuration is right ({source}).", markup=False, highlight=False, soft_wrap=True)


@app.command()
def show(
    file: FileArgument = None,
    json_output: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Shows what holds after file and environment; passwords and tokens as stars."""
    from rich.table import Table

    from voicebot.cli._terminal import load_settings_or_exit, out, print_json

    values = load_settings_or_exit(file).masked()
    if json_output:
        print_json(values)
        return
    table = Table("key", "value", title=str(file) if file else None)
    for key, value in values.items():
        if isinstance(value, dict):
            for name, inner in value.items():
                table.add_row(f"{key}.{name}", "" if inner is None else str(inner))
        else:
            table.add_row(key, "" if value is None else str(value))
    out.print(table)
