"""Reading the catalogue's folder: what cannot be read is named, with its cure."""

import shutil
from pathlib import Path

import pytest

from app.catalog import service as catalog
from app.catalog.errors import CatalogueInvalid
from app.catalog.values import Source
from config.settings import ROOT


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    copy = tmp_path / "config"
    copy.mkdir()
    for name in ("categories.toml", "departments.toml", "synonyms.toml"):
        shutil.copy(ROOT / "config" / name, copy)
    (copy / "catalogue").mkdir()
    shutil.copy(ROOT / "config/catalogue/water-bureau.toml", copy / "catalogue")
    return copy


def test_every_file_is_a_source_under_the_name_people_know(folder: Path) -> None:
    plugin = Source("plugins/parking/manifest.toml", {"services": []}, is_plugin=True)
    found = catalog.read_catalogue(folder, [plugin])
    assert found.categories.name == "config/categories.toml"
    assert found.departments.name == "config/departments.toml"
    assert found.synonyms.name == "config/synonyms.toml"
    assert [source.name for source in found.services] == [
        "config/catalogue/water-bureau.toml",
        "plugins/parking/manifest.toml",
    ]


def test_all_broken_files_are_named_at_once(folder: Path) -> None:
    (folder / "categories.toml").unlink()
    (folder / "catalogue/water-bureau.toml").write_text("services = [", encoding="utf-8")
    (folder / "catalogue/other.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(CatalogueInvalid) as refusal:
        catalog.read_catalogue(folder)
    missing, encoded, broken = refusal.value.faults
    assert missing.startswith("config/categories.toml: cannot be read (FileNotFoundError); put")
    assert encoded.startswith("config/catalogue/other.toml: cannot be read (UnicodeDecodeError)")
    assert broken.startswith("config/catalogue/water-bureau.toml: is not TOML: ")
    assert broken.endswith("; mend that line")
