"""What a demo telephone is told: who it is, whom it dials, and how its person answers what they hear.

Read from JSON by `python -m voicebot.demo.telephone --config FILE`. The telephone prints one JSON object a line:
`{"event": "ready"}`, `{"event": "ringing" | "answered" | "ended", "headers": {...}}`,
`{"event": "heard", "text": ..., "at": seconds}`, `{"event": "said", "text": ..., "at": ...}`,
`{"event": "pressed", "digits": ..., "at": ...}`, `{"event": "error", "message": ...}`; `at` counts from the answer.
"""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, model_validator


class Reply(BaseModel):
    """One thing the person on this telephone does when they hear something."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    when: tuple[str, ...] = ()
    """Any of these phrases, roughly, in what was heard since the last reply; empty answers whatever is heard."""
    say: str = ""
    press: str = ""
    """Keys pressed after `say`, by RTP event."""
    hang_up: bool = False
    """Hangs up after that."""
    at_most: int = Field(1, ge=1)
    """How often this reply may be given in one call."""


class TelephoneScript(BaseModel):
    """One telephone and the person holding it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    """Shown in the terminal, and in the file names of what is saved."""
    number: str
    """Number or user name that the telephone has."""
    host: str = "127.0.0.1"
    port: int
    """SIP port it listens on."""
    rtp_ports: tuple[int, int]
    dials: str | None = None
    """SIP URI that it calls as soon as it is ready; None waits to be called."""
    replies: tuple[Reply, ...] = ()
    """In order: the first that fits what was heard and is not used up."""
    greets: str = ""
    """Said on answering, before anything is heard: an agent's telephone."""
    stays_seconds: float | None = None
    """Hangs up this many seconds after the answer; None never does."""
    ring_seconds: float = 1.0
    """Rings for so long before it answers."""
    rate: float = 1.0
    """Speaking rate of this person."""
    pitch: float = Field(1.0, ge=0.5, le=1.5)
    """Height of this person's voice; the engine's own is 1.0."""
    longest_seconds: float = 180.0
    """Gives up and ends the process after so long, whatever happens."""
    models: Path | None = None
    """Folder of the models; None takes the default."""
    save: Path | None = None
    """Folder for `<name>-heard.wav` and `<name>-said.wav`, 8 kHz mono; None saves nothing."""

    @model_validator(mode="after")
    def _somebody_acts(self) -> TelephoneScript:
        if not self.replies and not self.greets and self.stays_seconds is None:
            raise ValueError("the script neither speaks nor ends: give replies, greets or stays_seconds")
        return self
