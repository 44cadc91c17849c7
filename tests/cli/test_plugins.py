from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import Result
from flask import Flask

from app.cli import plugins
from config.settings import Settings
from tests.host.plugins import new_name, write_plugin


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "plugins"
    place.mkdir()
    return place


def run(settings: Settings, folder: Path, *command: str) -> Result:
    app = Flask("commands")
    plugins.register(app, replace(settings, plugins_dir=folder))
    return app.test_cli_runner().invoke(args=["plugins", *command])


def test_a_new_plugin_is_written_named_and_checked(settings: Settings, folder: Path) -> None:
    name = new_name()
    made = run(settings, folder, "new", name, "--zh", "停车", "--owner", "parking-company")
    assert made.exit_code == 0
    assert f"wrote {folder / name / 'manifest.toml'}" in made.output.splitlines()
    manifest = (folder / name / "manifest.toml").read_text(encoding="utf-8")
    assert 'owner = "parking-company"' in manifest
    assert 'zh = "停车"' in manifest
    checked = run(settings, folder, "check")
    assert (checked.exit_code, checked.output) == (0, "1 plug-ins keep the ten rules\n")
    again = run(settings, folder, "new", name)
    assert (again.exit_code, again.output) == (1, f"Error: there is a plug-in '{name}' already\n")


def test_what_is_broken_is_told_with_file_rule_and_cure(settings: Settings, folder: Path) -> None:
    name, guide = write_plugin(folder), new_name("guide")
    assert run(settings, folder, "new", guide, "--kind", "guide").exit_code == 0
    checked = run(settings, folder, "check", name)
    assert checked.exit_code == 1
    lines = checked.output.splitlines()
    assert [line.split(" (")[0] for line in lines] == [
        f"plugins/{name}/README.md: rule 9",
        f"tests/plugins/{name}: rule 9",
        "Error: 2 rules are broken",
    ]
    assert "Cure: write test_*.py there." in lines[1]
    assert run(settings, folder, "check", guide).exit_code == 0
    assert run(settings, folder, "check", "nobody").output == "Error: there is no plug-in nobody\n"
