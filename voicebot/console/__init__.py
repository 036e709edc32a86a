"""What the engine shows and takes over HTTP: health, metrics, the API, live events, one quiet page."""

from voicebot.console.access import Role, bootstrap
from voicebot.console.application import create_application
from voicebot.console.metrics import EngineMetrics
from voicebot.console.services import ConsoleLimits, ConsoleServices, ConsoleStore, Probe, Timelines

__all__ = [
    "ConsoleLimits",
    "ConsoleServices",
    "ConsoleStore",
    "EngineMetrics",
    "Probe",
    "Role",
    "Timelines",
    "bootstrap",
    "create_application",
]
