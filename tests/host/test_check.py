import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from app.core import migrate
from app.core.crypto import Keyring
from app.core.tokens import Tokens
from app.core.unit_of_work import Units
from app.factory import Rooms
from app.host import loader
from app.host.check import NoSuchPlugin, check_plugins
from app.host.manifest import Fault
from app.host.rules import RULES, Ground
from app.host.scaffold import write_plugin
from config.settings import ROOT, Settings
from tests.host.plugins import ROUTES, new_name
from tests.host.test_loader import MODELS


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("city") / "config"
    shutil.copytree(ROOT / "config", folder, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    (folder / "example.env").write_text("SOME_OTHER_URL=https://example.org\n")
    return folder


@pytest.fixture
def ground(tmp_path: Path, config: Path) -> Ground:
    (tmp_path / "plugins").mkdir()
    return Ground(tmp_path / "plugins", tmp_path / "tests" / "plugins", config)


class Written:
    """A plug-in that keeps the ten rules, to be spoilt."""

    def __init__(self, ground: Ground) -> None:
        self.ground, self.name = ground, new_name()
        write_plugin(ground, self.name, "payable")
        self.folder = ground.plugins / self.name

    def edit(self, file: str, before: str, after: str) -> None:
        path = self.folder / file
        text = path.read_text(encoding="utf-8")
        assert before in text
        path.write_text(text.replace(before, after, 1), encoding="utf-8")

    def add(self, file: str, text: str) -> None:
        path = self.folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.replace("NAME", self.name), encoding="utf-8")

    def append(self, file: str, text: str) -> None:
        path = self.folder / file
        path.write_text(path.read_text(encoding="utf-8") + text, encoding="utf-8")

    def drop_tests(self) -> None:
        shutil.rmtree(self.ground.tests / self.name)

    def test_nothing_much(self) -> None:
        (path,) = (self.ground.tests / self.name).glob("test_*.py")
        path.write_text("def test_nothing() -> None:\n    assert True\n")


MIGRATION = """
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table("tickets", schema=SCHEMA)
"""
UNSAID = (
    ROUTES.replace("    @blueprint.response(200, NAMELotSchema(many=True))\n", "")
    .replace("ParkingProvider", "object")
    .replace("from plugins.NAME.provider import object\n", "")
)
UNNAMED = ROUTES.replace('        """List NAME lots"""\n', "").replace(
    "from plugins.NAME.provider import ParkingProvider", "ParkingProvider = object"
)
PERSONAL = "personal_data = false", "personal_data = true"

Spoil = Callable[[Written], None]
BAD: list[tuple[int, str, str, Spoil]] = [
    (1, "manifest.toml", "SDK 1 only", lambda w: w.edit("manifest.toml", "sdk = 1", "sdk = 2")),
    (
        1,
        "manifest.toml",
        "must be equal",
        lambda w: w.edit("manifest.toml", f'name = "{w.name}"', 'name = "other"'),
    ),
    (
        2,
        "manifest.toml",
        "The owner, 'nobody', is not known",
        lambda w: w.edit(
            "manifest.toml", 'owner = "government-services-office"', 'owner = "nobody"'
        ),
    ),
    (
        2,
        "manifest.toml",
        "'fun', is not known",
        lambda w: w.edit("manifest.toml", 'category = "living"', 'category = "fun"'),
    ),
    (
        3,
        "manifest.toml",
        "config/catalogue/water-bureau.toml",
        lambda w: w.edit("manifest.toml", f'id = "{w.name}-fee"', 'id = "water-repair-report"'),
    ),
    (
        3,
        "manifest.toml",
        "Must be in kebab-case",
        lambda w: w.edit("manifest.toml", f'id = "{w.name}-fee"', 'id = "Fee_1"'),
    ),
    (
        4,
        "provider.py",
        "find_fulfilment is missing",
        lambda w: w.edit("provider.py", "def find_fulfilment", "def find_it"),
    ),
    (
        4,
        "provider.py",
        "there is no provider class",
        lambda w: w.edit("provider.py", "Provider(PayableProvider)", "(PayableProvider)"),
    ),
    (4, "client.py", "It is not Python", lambda w: w.append("client.py", "def (:\n")),
    (
        5,
        "client.py:",
        "It imports app.core.db.Base",
        lambda w: w.append("client.py", "\n\ndef f():\n    from app.core.db import Base\n"),
    ),
    (
        5,
        "client.py:",
        "It imports plugins.utilities.client",
        lambda w: w.append("client.py", "from plugins.utilities import client\n"),
    ),
    (
        5,
        "errors.py:",
        "It imports plugins.NAME.client",
        lambda w: w.append("errors.py", f"import plugins.{w.name}.client\n"),
    ),
    (
        5,
        "errors.py:",
        "It imports plugins.NAME.client",
        lambda w: w.append("errors.py", "from . import client\n"),
    ),
    (5, "client.py:", "It imports flask", lambda w: w.append("client.py", "import flask\n")),
    (5, "client.py:", "It imports os", lambda w: w.append("client.py", "import os.path\n")),
    (5, "client.py:", "importlib", lambda w: w.append("client.py", "__import__('json')\n")),
    (5, "helpers.py", "no place in the floor plan", lambda w: w.add("helpers.py", '"""H."""\n')),
    (
        6,
        "client.py:",
        "text() takes SQL written by hand",
        lambda w: w.append("client.py", "from sqlalchemy import text\ntext('select 1')\n"),
    ),
    (
        6,
        "client.py:",
        "sa.text() takes SQL",
        lambda w: w.append("client.py", "import sqlalchemy as sa\nsa.text('select 1')\n"),
    ),
    (
        6,
        "models.py",
        "there is no Base of the schema",
        lambda w: w.add("models.py", MODELS.replace('base_for("NAME")', 'base_for("other")')),
    ),
    (
        6,
        "models.py",
        "The table tickets lies in the schema public",
        lambda w: w.add(
            "models.py",
            MODELS.replace(
                '    __tablename__ = "tickets"\n',
                '    __tablename__ = "tickets"\n    __table_args__ = {"schema": "public"}\n',
            ),
        ),
    ),
    (
        6,
        "migrations/versions/0001_tickets.py:",
        "names no schema, or another's",
        lambda w: w.add(
            "migrations/versions/0001_tickets.py", MIGRATION.replace("SCHEMA", '"public"')
        ),
    ),
    (
        7,
        "migrations/versions",
        "No migration creates the table tickets",
        lambda w: w.add("models.py", MODELS),
    ),
    (8, "routes.py", "does not say what it answers", lambda w: w.add("routes.py", UNSAID)),
    (8, "routes.py", "has no summary", lambda w: w.add("routes.py", UNNAMED)),
    (
        8,
        "routes.py",
        "`blueprint` must be",
        lambda w: w.add("routes.py", '"""R."""\n\nblueprint = None\n'),
    ),
    (9, "README.md", "There is none", lambda w: (w.folder / "README.md").unlink()),
    (
        9,
        "README.md",
        "'What it stores' is missing or empty",
        lambda w: w.edit("README.md", "## What it stores", "## Storage"),
    ),
    (9, "tests/plugins/", "There are no tests", Written.drop_tests),
    (9, "tests/plugins/", "No test inherits the contract", Written.test_nothing_much),
    (
        10,
        "config/example.env",
        "_BILLER_URL does not stand there",
        lambda w: w.edit("manifest.toml", "settings = []", 'settings = ["biller_url"]'),
    ),
    (
        10,
        "provider.py",
        "can neither export nor erase",
        lambda w: w.edit("manifest.toml", *PERSONAL),
    ),
]


def test_every_rule_is_broken_here() -> None:
    assert {number for number, *_ in BAD} == set(RULES) == set(range(1, 11))


@pytest.mark.parametrize(
    ("number", "file", "found", "spoil"), BAD, ids=[f"{n}-{found}" for n, _, found, _ in BAD]
)
def test_a_bad_plugin_is_refused_with_file_rule_and_cure(
    ground: Ground, number: int, file: str, found: str, spoil: Spoil
) -> None:
    sound, bad = Written(ground), Written(ground)
    spoil(bad)
    faults = check_plugins(ground)
    fault = next(f for f in faults if found.replace("NAME", bad.name) in f.rule)
    assert fault.rule.startswith(f"rule {number} ({RULES[number]})")
    assert file in fault.file
    assert bad.name in fault.file or number == 10
    assert len(fault.cure) > 5
    assert not any(sound.name in f.file for f in faults)
    assert check_plugins(ground, sound.name) == []


def test_two_plugins_may_not_offer_one_service_or_pay_one_payee(ground: Ground) -> None:
    first, second = Written(ground), Written(ground)
    second.edit("manifest.toml", f'id = "{second.name}-fee"', f'id = "{first.name}-fee"')
    second.edit("manifest.toml", f'id = "{second.name}-payee"', f'id = "{first.name}-payee"')
    faults = check_plugins(ground, second.name)
    assert [fault.cure for fault in faults] == ["choose another id, or remove the other"] * 2
    assert f"plugins/{first.name}/manifest.toml" in faults[0].rule


def test_code_without_a_manifest_is_found(ground: Ground) -> None:
    (ground.plugins / "forgotten").mkdir()
    (ground.plugins / "forgotten" / "provider.py").write_text("")
    (fault,) = check_plugins(ground)
    assert fault.file == "plugins/forgotten"
    with pytest.raises(NoSuchPlugin):
        check_plugins(ground, "forgotten")


def test_with_a_database_models_and_migrations_are_compared_column_by_column(
    ground: Ground, settings: Settings, rooms: Rooms
) -> None:
    written = Written(ground)
    written.add("models.py", MODELS)
    owner = settings.database.owner_url or ""
    changed = replace(settings, plugins_dir=ground.plugins)
    hosted = loader.load(
        changed,
        rooms.deps[Units],
        rooms.egress,
        rooms.deps[Keyring],
        rooms.deps[Tokens],
        strict=True,
    )
    migrate.revise(owner, hosted.histories[0], "tickets", "0001")
    migrate.upgrade(owner, settings.database.url, hosted.histories)
    with_database = replace(ground, owner_url=owner)
    assert check_plugins(with_database) == []
    (script,) = (written.folder / "migrations" / "versions").glob("*.py")
    changed_text = script.read_text().replace("'0001'", "'0002'").replace('"0001"', '"0002"')
    # Of another size: within one second Python would take its compiled form for the same file's.
    script.write_text(f"{changed_text}\n")
    (fault,) = check_plugins(with_database)
    assert fault.rule.startswith("rule 7")


def test_the_plugins_of_this_city_keep_the_ten_rules(settings: Settings) -> None:
    ground = Ground.of(settings, owner_url=settings.database.owner_url)
    assert check_plugins(ground) == []


def test_a_fault_reads_as_one_line() -> None:
    fault = Fault("plugins/x/README.md", "rule 9 (…): There is none.", "write it")
    assert str(fault) == "plugins/x/README.md: rule 9 (…): There is none. Cure: write it."
