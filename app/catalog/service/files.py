"""Reads the catalogue's files from a folder."""

import tomllib
from collections.abc import Iterable
from pathlib import Path

from app.catalog.errors import CatalogueInvalid
from app.catalog.values import Catalogue, Source, Table


def read_catalogue(folder: Path, plugins: Iterable[Source] = ()) -> Catalogue:
    """Return the catalogue of a configuration folder together with what plug-ins declare.

    The tables are parsed and not yet judged. Raise `CatalogueInvalid` naming every file that is
    missing or is not TOML.
    """
    faults: list[str] = []
    names = ["categories.toml", "departments.toml", "synonyms.toml"]
    names += sorted(f"catalogue/{path.name}" for path in folder.glob("catalogue/*.toml"))
    sources = [Source(f"{folder.name}/{n}", _parse(folder, n, faults)) for n in names]
    if faults:
        raise CatalogueInvalid(faults)
    categories, departments, synonyms, *services = sources
    return Catalogue(categories, departments, synonyms, (*services, *plugins))


def _parse(folder: Path, name: str, faults: list[str]) -> Table:
    try:
        return tomllib.loads((folder / name).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        cure = "put the file there, saved as UTF-8"
        faults.append(f"{folder.name}/{name}: cannot be read ({type(error).__name__}); {cure}")
    except tomllib.TOMLDecodeError as error:
        faults.append(f"{folder.name}/{name}: is not TOML: {error}; mend that line")
    return {}
