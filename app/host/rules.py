"""The ten rules that every plug-in keeps, and what each is asked of."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from app.host.manifest import Fault, Manifest
from config.settings import ROOT, Settings

RULES = {
    1: "the manifest is complete, its name is the folder's, its SDK is one we speak",
    2: "owner, departments and categories are the city's",
    3: "ids are unique in the whole house, and kebab-case",
    4: "the provider keeps the promise of each service's kind",
    5: "a plug-in imports the SDK, its own files from the top down, and no vendor of the house",
    6: "tables lie in the plug-in's schema, and no SQL is written by hand",
    7: "models and migrations agree",
    8: "every operation has a summary and says what it answers",
    9: "there is a README with its sections, and tests inherit the contract",
    10: "settings stand in config/example.env; personal data can be exported and erased",
}


@dataclass(frozen=True, slots=True)
class Ground:
    """Where things lie; with `owner_url`, migrations are compared with a migrated database."""

    plugins: Path
    tests: Path
    config: Path
    owner_url: str | None = None

    @classmethod
    def of(cls, settings: Settings, *, owner_url: str | None = None) -> "Ground":
        """Return the ground of an installation."""
        tests = settings.plugins_dir.parent / "tests" / "plugins"
        return cls(settings.plugins_dir, tests, ROOT / "config", owner_url)


@dataclass(frozen=True, slots=True)
class City:
    """What the configuration knows: departments, categories, who has a service id, variables."""

    departments: frozenset[str]
    categories: frozenset[str]
    catalogue: Mapping[str, str]
    example_env: str

    @classmethod
    def read(cls, config: Path) -> "City":
        """Return what stands in the folder of the configuration."""
        example = config / "example.env"
        return cls(
            departments=frozenset(_ids_in(config / "departments.toml", "departments")),
            categories=frozenset(_ids_in(config / "categories.toml", "categories")),
            catalogue={
                service: f"config/catalogue/{file.name}"
                for file in sorted((config / "catalogue").glob("*.toml"))
                for service in _ids_in(file, "services")
            },
            example_env=example.read_text(encoding="utf-8") if example.is_file() else "",
        )


def _ids_in(path: Path, table: str) -> list[str]:
    content = tomllib.loads(path.read_text(encoding="utf-8"))
    return [str(row["id"]) for row in content[table]]


@dataclass(frozen=True, slots=True)
class Subject:
    """One plug-in whose manifest could be read, among the others and in its city."""

    ground: Ground
    city: City
    manifest: Manifest
    others: Sequence[Manifest]

    def file(self, path: str) -> str:
        """Return a path inside the plug-in as people name it."""
        return f"{self.ground.plugins.name}/{self.manifest.name}/{path}"


def broken(number: int, file: str, found: str, cure: str) -> Fault:
    """Return a breach of a rule."""
    return Fault(file, f"rule {number} ({RULES[number]}): {found}", cure)
