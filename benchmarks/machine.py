"""What a benchmark ran on: every result starts with it."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from collections.abc import Sequence
from pathlib import Path

PACKAGES = (
    "voicebot",
    "pipecat-ai",
    "baresip-python",
    "faster-whisper",
    "ctranslate2",
    "ai-edge-litert",
    "onnxruntime",
)


def processor() -> str:
    """The processor's own name, or the architecture where the system does not say."""
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.machine()


def memory_gib() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30


def describe(packages: Sequence[str] = PACKAGES) -> dict[str, object]:
    """Machine, load and versions as JSON values."""
    return {
        "processor": processor(),
        "cores": os.cpu_count(),
        "memory_gib": round(memory_gib(), 1),
        "load_before": [round(value, 2) for value in os.getloadavg()],
        "system": platform.platform(),
        "python": platform.python_version(),
        "versions": {name: importlib.metadata.version(name) for name in packages},
    }


def quantile(values: Sequence[float], share: float) -> float:
    """The value below which `share` of the sorted values lie; nearest rank."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, round(share * len(ordered)) - 1))] if ordered else float("nan")
