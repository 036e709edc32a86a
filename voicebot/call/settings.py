"""What an operator may set about every call. Each field says its unit and what it is for."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class TurnTaking(BaseModel):
    """When the caller's turn begins, when it is over, and when it stops the bot."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    speech_probability: float = Field(
        0.5, ge=0.05, le=0.95, description="Probability from 0 to 1 at which a frame counts as speech."
    )
    start_seconds: float = Field(
        0.06, gt=0, le=0.5, description="Seconds of speech after which an utterance has begun."
    )
    pause_seconds: float = Field(
        0.28, gt=0, le=1.0, description="Seconds of silence after which recognition starts, in case the turn is over."
    )
    end_seconds: float = Field(
        0.65, gt=0, le=3.0, description="Seconds of silence after which an ordinary turn is over."
    )
    end_seconds_short: float = Field(
        0.45, gt=0, le=3.0, description="The same after a complete short answer to a question."
    )
    end_seconds_thinking: float = Field(
        0.9,
        gt=0,
        le=3.0,
        description="The same while what was asked for has not been said, and after an open question.",
    )
    end_seconds_long: float = Field(
        1.3, gt=0, le=5.0, description="The same while a number, a date or an unfinished sentence is being said."
    )
    longest_turn_seconds: float = Field(
        25.0, gt=2, le=120, description="Seconds after which a turn is taken as it is, though the caller still speaks."
    )
    barge_in_seconds: float = Field(
        0.35,
        gt=0,
        le=3.0,
        description="Seconds of speech over an interruptible line after which its words are looked at.",
    )
    barge_in_seconds_sure: float = Field(
        1.0, gt=0, le=5.0, description="Seconds of speech that stop an interruptible line whatever the words are."
    )
    lead_in_seconds: float = Field(
        0.3, ge=0, le=1.0, description="Seconds of audio kept from before speech was detected."
    )
    digit_gap_seconds: float = Field(
        2.5, gt=0.2, le=15, description="Seconds after the last key press that complete a DTMF entry."
    )


class CallLimits(BaseModel):
    """Hard limits outside the dialog: they hold whatever a flow says."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    longest_call_seconds: float = Field(
        300.0, gt=10, le=3600, description="Seconds of talk with the bot before it says goodbye (CN-FREQ-04)."
    )
    longest_silence_seconds: float = Field(
        40.0, gt=5, le=300, description="Seconds in which nobody said anything before the call is ended."
    )
    longest_hold_seconds: float = Field(
        90.0, gt=5, le=900, description="Seconds a caller may wait for an agent before a callback is offered."
    )
    longest_bridge_seconds: float = Field(
        3600.0, gt=60, le=14400, description="Seconds a caller and an agent may talk."
    )
    no_media_seconds: float = Field(
        15.0, gt=1, le=120, description="Seconds after the answer in which no audio at all came from the caller."
    )
    goodbye_seconds: float = Field(
        12.0, gt=1, le=60, description="Seconds that the last line may take once a limit was reached."
    )


class CallSettings(BaseModel):
    """Everything about one call that is not in its flow."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    turns: TurnTaking = Field(default_factory=TurnTaking, description="Turn-taking.")
    limits: CallLimits = Field(default_factory=CallLimits, description="Hard limits.")
    ring_seconds: float = Field(
        35.0, gt=5, le=120, description="Seconds a number may ring before the attempt counts as not answered."
    )
    default_rate: float = Field(1.0, ge=0.5, le=1.5, description="Speaking rate, 1.0 is the voice's own.")
