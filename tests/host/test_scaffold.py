import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from app.core.crypto import Keyring
from app.core.tokens import Tokens
from app.core.unit_of_work import Units
from app.factory import Rooms
from app.host import loader
from app.host.check import check_plugins
from app.host.rules import Ground
from app.host.scaffold import NameRefused, write_plugin
from app.sdk import Citizen
from config.settings import ROOT, Settings
from tests.host.plugins import new_name


@pytest.fixture
def ground(tmp_path: Path) -> Ground:
    plugins = tmp_path / "plugins"
    plugins.mkdir()
    (plugins / "__init__.py").write_text('"""Plug-ins."""\n')
    return Ground(plugins, tmp_path / "tests" / "plugins", ROOT / "config")


def run(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-m", *command],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_new_payable_plugin_keeps_the_ten_rules_and_its_contract_at_once(
    ground: Ground, tmp_path: Path
) -> None:
    written = write_plugin(ground, new_name("parking_lots"), "payable", zh="停车")
    assert sorted(path.name.split("parking")[0] for path in written) == [
        *("README.md", "__init__.py", "__init__.py", "client.py", "errors.py"),
        *("manifest.toml", "provider.py", "test_"),
    ]
    assert check_plugins(ground) == []
    tests = run(tmp_path, "pytest", "-q", "-W", "error", "tests")
    assert tests.returncode == 0, tests.stdout
    assert "11 passed" in tests.stdout


@pytest.mark.parametrize("kind", ["payable", "guide"])
def test_a_new_plugin_keeps_the_house_style(ground: Ground, tmp_path: Path, kind: str) -> None:
    # The house beside it, so that its imports are sorted as in the tree.
    (tmp_path / "app").symlink_to(ROOT / "app")
    write_plugin(ground, new_name("a" * 14 + "_" + "b" * 10), kind)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    style = ("--no-cache", "plugins", *(["tests"] if kind == "payable" else []))
    assert run(tmp_path, "ruff", "check", *style).stdout == "All checks passed!\n"
    formatted = run(tmp_path, "ruff", "format", "--check", *style)
    assert formatted.returncode == 0, formatted.stdout


def test_a_new_guide_is_two_files_and_no_code(ground: Ground) -> None:
    name = new_name()
    written = write_plugin(ground, name, "guide")
    assert [path.name for path in written] == ["README.md", "manifest.toml"]
    assert check_plugins(ground, name) == []


def test_a_new_plugin_is_in_the_house_and_can_be_paid(
    ground: Ground, settings: Settings, rooms: Rooms
) -> None:
    name, guide = new_name(), new_name("guide")
    write_plugin(ground, name, "payable")
    write_plugin(ground, guide, "guide")
    changed = replace(settings, plugins_dir=ground.plugins)
    hosted = loader.load(
        changed,
        rooms.deps[Units],
        rooms.egress,
        rooms.deps[Keyring],
        rooms.deps[Tokens],
        strict=True,
    )
    service, provider = hosted.alone.listing.payable(f"{name}-fee")
    assert service.posting == "idempotent"
    assert provider.get_payable("P-2", Citizen("c")).amount == 4_250
    assert hosted.alone.listing.service(f"{guide}-guide").kind == "guide"


@pytest.mark.parametrize(
    "name", ["", "x", "Parking", "park-ing", "1st", "a__b", "a_", "class", "../x", "a" * 31]
)
def test_what_is_no_name_is_refused_and_writes_nothing(ground: Ground, name: str) -> None:
    with pytest.raises(NameRefused):
        write_plugin(ground, name, "payable")
    assert [path.name for path in ground.plugins.iterdir()] == ["__init__.py"]


@pytest.mark.parametrize("zh", ['停"车', "停\\车", "停\n车", "{停车}"])
def test_a_title_that_would_break_the_files_is_refused(ground: Ground, zh: str) -> None:
    with pytest.raises(NameRefused, match="quotation marks"):
        write_plugin(ground, new_name(), "payable", zh=zh)
    assert [path.name for path in ground.plugins.iterdir()] == ["__init__.py"]


def test_what_exists_is_never_touched(ground: Ground) -> None:
    name = new_name()
    write_plugin(ground, name, "payable")
    before = (ground.plugins / name / "manifest.toml").read_bytes()
    with pytest.raises(NameRefused, match="already"):
        write_plugin(ground, name, "guide")
    assert (ground.plugins / name / "manifest.toml").read_bytes() == before
    assert (ground.plugins / name / "provider.py").is_file()
