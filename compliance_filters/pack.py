"""Rule packs: what a jurisdiction forbids and requires, as YAML that a compliance officer edits.

A pack is one file for the jurisdiction (`packs/cn.yaml`: rules, actions, approved wording, disclosures, contact rules)
and folders of wording for the languages spoken there (`packs/zh/*.yaml`: one file a category). Its hash covers
every byte.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from compliance_filters import template
from compliance_filters.disclosures import Disclosure
from compliance_filters.verdict import Action

PACKS = Path(__file__).parent / "packs"

CATEGORIES = (
    "threat",
    "insult",
    "impersonation",
    "misleading_legal",
    "third_party_disclosure",
    "coerce_third_party",
    "false_consequence",
    "harassment_frequency",
    "pre_verification_leak",
    "borrow_to_repay",
    "contempt",
    "sexual_discriminatory",
    "unauthorised_waiver",
    "human_deception",
    "payment_diversion",
    "debt_inflation",
    "data_abuse",
    "rights_obstruction",
)


class PackError(ValueError):
    """A pack that cannot be used. Each problem names its file, line, column, what is wrong and how to mend it."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class CategoryRule(_Strict):
    """What a jurisdiction does about one category."""

    title: str
    """Name of the category, for people."""
    action: Action
    """What happens to a sentence of this category: soften, replace, hand_off or end."""
    rules: tuple[str, ...] = Field(min_length=1)
    """Ids of the rules of law or standard it breaks."""
    permitted_when: Mapping[str, bool] = Field(default_factory=dict)
    """Facts of the call state under which the patterns marked `permissible` may be said."""
    replacement: Mapping[str, str] = Field(default_factory=dict)
    """Approved wording to say instead, by language tag; empty where the sentence is simply left out."""

    @field_validator("action")
    @classmethod
    def _acts(cls, action: Action) -> Action:
        if action is Action.ALLOW:
            raise ValueError(
                "a category cannot be allowed; write soften, replace, hand_off or end, or leave the rule out"
            )
        return action


class Wording(_Strict):
    """How one category is said in one language."""

    category: str
    phrases: tuple[str, ...] = ()
    """Templates of wording that is forbidden by itself, matched by character, sound and small differences."""
    patterns: tuple[str, ...] = ()
    """Meanings: concepts and words in order (see docs/compliance.md)."""
    permissible: tuple[str, ...] = ()
    """Patterns that are forbidden only while the category's `permitted_when` does not hold."""
    revealing_names: tuple[str, ...] = ()
    """Patterns that name the institution: forbidden where its name alone tells that a debt is being collected."""
    excused_by: tuple[str, ...] = ()
    """Patterns that make a sentence of this category lawful, beyond the language's general excuses."""
    examples: tuple[str, ...] = ()
    """Templates of forbidden sentences from which the meaning model learns."""
    permissible_examples: tuple[str, ...] = ()
    """The same, for sentences that are lawful while `permitted_when` holds."""
    lawful: tuple[str, ...] = ()
    """Templates of lawful sentences that come close."""

    @field_validator("category")
    @classmethod
    def _known(cls, category: str) -> str:
        if category not in CATEGORIES:
            raise ValueError(f"unknown category '{category}'; the categories are {', '.join(CATEGORIES)}")
        return category


class Vocabulary(_Strict):
    """Words of one language that the patterns are made of."""

    concepts: Mapping[str, tuple[str, ...]] = Field(default_factory=dict)
    """Name of a concept and the words for it (templates)."""
    dialect: Mapping[str, str] = Field(default_factory=dict)
    """Dialect wordings and the standard words they stand for."""
    split: Mapping[str, str] = Field(default_factory=dict)
    """Characters written in parts, and the character."""
    plain_latin: tuple[str, ...] = ()
    """Latin words that are never read as initials (APP, ATM, ...)."""
    excuses: Mapping[str, tuple[str, ...]] = Field(default_factory=dict)
    """Words that make another harmless: `deny`, `quote`, `mention` (right behind it), `turn` (ends a denial), `refute`,
    `answer` (helps, after a question), `renounce` (the speaker does not do it), `whole` (ordinary words that hold a
    bad one)."""
    lawful: tuple[str, ...] = ()
    """Templates of sentences that are lawful towards the verified debtor, for the meaning model."""
    neutral: tuple[str, ...] = ()
    """Templates of sentences that may be said to anybody."""


class RulePack(_Strict):
    """A whole pack, with its wording."""

    pack: str
    title: str
    languages: tuple[str, ...] = Field(min_length=1)
    """Language tags it can judge; text in any other is not allowed."""
    wording: tuple[str, ...] = Field(min_length=1)
    """Folders of wording beside the file."""
    categories: Mapping[str, CategoryRule]
    disclosures: tuple[Disclosure, ...] = ()
    """Statements that must be heard, with their deadlines."""
    contact: Mapping[str, Any] = Field(default_factory=dict)
    """Rules before dialling; see contact_policy."""
    complaints: Mapping[str, Any] = Field(default_factory=dict)
    """Who answers complaints, and by when; see complaint_rules."""
    voice_emotion: bool = True
    """Whether a caller's mood may be read from level, pitch and rate of the voice, and not from the words alone."""
    vocabulary: Vocabulary = Field(default_factory=Vocabulary)
    sayings: tuple[Wording, ...] = ()
    hash: str = ""
    """SHA-256 over every file of the pack."""
    wording_hash: str = ""
    """SHA-256 over its wording alone: packs with the same wording share one meaning model."""

    @field_validator("categories")
    @classmethod
    def _complete(cls, categories: Mapping[str, CategoryRule]) -> Mapping[str, CategoryRule]:
        unknown = sorted(set(categories) - set(CATEGORIES))
        missing = sorted(set(CATEGORIES) - set(categories))
        if unknown:
            raise ValueError(f"unknown categories {', '.join(unknown)}")
        if missing:
            raise ValueError(f"no rule for {', '.join(missing)}: every category needs one, or its sentences would pass")
        return categories


class Located:
    """A YAML document that knows where each of its values stands."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._node = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
        except FileNotFoundError as gone:
            raise PackError([f"{path}: this file does not exist; write it, or take its name out of the pack"]) from gone
        except UnicodeDecodeError as garbled:
            raise PackError([f"{path}: not UTF-8 text (byte {garbled.start}); save the file as UTF-8"]) from garbled
        except yaml.MarkedYAMLError as broken:
            mark = broken.problem_mark
            place = f"{path}:{mark.line + 1}:{mark.column + 1}" if mark else str(path)
            raise PackError(
                [f"{place}: this is not YAML: {broken.problem}; check indentation, quotes and colons"]
            ) from broken
        self.problems: list[str] = []
        self.data = self._build(self._node)
        if self.problems:
            raise PackError(self.problems)

    def _build(self, node: Any) -> Any:
        if node is None:
            return {}
        if isinstance(node, yaml.MappingNode):
            built: dict[str, Any] = {}
            for key, value in node.value:
                if key.value in built:
                    mark = key.start_mark
                    self.problems.append(
                        f"{self.path}:{mark.line + 1}:{mark.column + 1}: '{key.value}' stands here twice; merge the two"
                    )
                built[key.value] = self._build(value)
            return built
        if isinstance(node, yaml.SequenceNode):
            return [self._build(item) for item in node.value]
        if node.tag == "tag:yaml.org,2002:bool" and node.style is None and node.value.lower() in {"true", "false"}:
            return node.value.lower() == "true"
        if node.tag == "tag:yaml.org,2002:int" and node.style is None and node.value.lstrip("-").isdigit():
            return int(node.value)
        if node.tag == "tag:yaml.org,2002:float" and node.style is None:
            return float(node.value)
        if node.tag == "tag:yaml.org,2002:null":
            return None
        return node.value

    def place(self, loc: Sequence[int | str]) -> str:
        """file:line:column of the value at a path of keys and indexes, or of the nearest thing above it."""
        node = self._node
        mark = node.start_mark if node is not None else None
        for step in loc:
            if isinstance(node, yaml.MappingNode):
                found = next(((k, v) for k, v in node.value if k.value == str(step)), None)
                if found is None:
                    break
                mark, node = found[0].start_mark, found[1]
            elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
                node = node.value[step]
                mark = node.start_mark
            else:
                break
        return f"{self.path}:{mark.line + 1}:{mark.column + 1}" if mark else f"{self.path}:1:1"

    def validate(self, model: type[BaseModel], extra: Mapping[str, Any] | None = None) -> Any:
        try:
            return model.model_validate({**self.data, **(extra or {})})
        except ValidationError as wrong:
            raise PackError(
                [f"{self.place(e['loc'])}: {'.'.join(map(str, e['loc']))}: {_remedy(e)}" for e in wrong.errors()]
            ) from wrong


def _remedy(error: Any) -> str:
    kind = error["type"]
    if kind == "missing":
        return "this key is missing; add it"
    if kind == "extra_forbidden":
        return "this key is not known here; correct its spelling or take it out"
    if kind == "enum":
        return f"{error['msg']}, not '{error['input']}'"
    return str(error["msg"]).removeprefix("Value error, ")


def _sayings(document: Located) -> list[Wording]:
    """Checks every template of a wording file, so that an officer hears of all mistakes at once."""
    wording: Wording = document.validate(Wording)
    problems = []
    for field in ("phrases", "examples", "permissible_examples", "lawful"):
        for index, text in enumerate(getattr(wording, field)):
            try:
                template.size(text)
            except template.TemplateError as wrong:
                if "concept" not in str(wrong):
                    problems.append(
                        f"{document.place((field, index))}: template '{text}': {wrong}; correct the brackets"
                    )
    if problems:
        raise PackError(problems)
    return [wording]


def load_pack(name_or_path: str | Path) -> RulePack:
    """Reads a pack by name (cn, us, uk_eu, hk, tw) or by path. Raises PackError with every problem found."""
    path = Path(name_or_path)
    if path.suffix not in {".yaml", ".yml"}:
        path = PACKS / f"{name_or_path}.yaml"
        if not path.exists():
            known = ", ".join(sorted(p.stem for p in PACKS.glob("*.yaml")))
            raise PackError([f"there is no rule pack named '{name_or_path}'; the packs are {known}"])
    document = Located(path)
    digest = hashlib.sha256(path.read_bytes())
    wording_digest = hashlib.sha256()
    sayings: list[Wording] = []
    vocabulary: dict[str, Any] = {
        "concepts": {},
        "dialect": {},
        "split": {},
        "plain_latin": (),
        "excuses": {},
        "lawful": (),
        "neutral": (),
    }
    for folder in document.data.get("wording") or []:
        place = path.parent / str(folder)
        if not place.is_dir():
            raise PackError([f"{document.place(('wording',))}: there is no folder {place}; correct the name"])
        for file in sorted(place.glob("*.yaml")):
            content = file.name.encode() + b"\0" + file.read_bytes()
            digest.update(content)
            wording_digest.update(content)
            part = Located(file)
            if "category" in part.data:
                sayings.extend(_sayings(part))
                continue
            words: Vocabulary = part.validate(Vocabulary)
            for field in ("concepts", "dialect", "split"):
                vocabulary[field] = {**vocabulary[field], **getattr(words, field)}
            for field in ("plain_latin", "lawful", "neutral"):
                vocabulary[field] = (*vocabulary[field], *getattr(words, field))
            for kind, found in words.excuses.items():
                vocabulary["excuses"][kind] = (*vocabulary["excuses"].get(kind, ()), *found)
    pack: RulePack = document.validate(
        RulePack,
        {
            "vocabulary": vocabulary,
            "sayings": [s.model_dump() for s in sayings],
            "hash": digest.hexdigest(),
            "wording_hash": wording_digest.hexdigest(),
        },
    )
    return pack


def read_located(path: Path) -> Located:
    """Any YAML file, with the place of each of its values. Raises PackError."""
    return Located(path)
