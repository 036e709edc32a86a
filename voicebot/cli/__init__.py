"""The command line. Each module here is one group of commands: its `app` becomes `voicebot <module name>`, and a module
that defines `command` instead becomes a command of its own. Modules import heavy libraries inside their functions."""

import importlib
import pkgutil

import typer

app = typer.Typer(
    name="voicebot",
    help="A voice engine for overdue-payment calls.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
)

for _found in sorted(pkgutil.iter_modules(__path__), key=lambda module: module.name):
    if _found.name.startswith("_"):
        continue
    _module = importlib.import_module(f"{__name__}.{_found.name}")
    _name = _found.name.replace("_", "-")
    if hasattr(_module, "app"):
        app.add_typer(_module.app, name=_name)
    else:
        app.command(name=_name)(_module.command)
