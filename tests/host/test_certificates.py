"""What a plug-in says of its certificates is read strictly, at load and by `plugins check`."""

import re
import shutil
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest
from flask.testing import FlaskClient

from app.core.crypto import Keyring
from app.core.tokens import Tokens
from app.core.unit_of_work import Units
from app.factory import Rooms
from app.host import loader
from app.host.check import check_plugins
from app.host.letters import sector_of
from app.host.rules import Ground
from app.sdk import testing
from config.settings import ROOT, Settings
from tests.certificates.support import TOML, USCC, in_a_year, write_issuer
from tests.conftest import World
from tests.factories import log_in
from tests.host.plugins import new_name

NEEDS = """
[[needs]]
type = "OTHER-badge"
basis = "statutory-duty"
purpose = { zh = "免交证照", en = "No paper to be handed in" }
"""


@pytest.fixture
def ground(tmp_path: Path) -> Ground:
    config = tmp_path / "config"
    shutil.copytree(ROOT / "config", config, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    (tmp_path / "plugins").mkdir()
    return Ground(tmp_path / "plugins", tmp_path / "tests", config)


def faults(ground: Ground, name: str) -> list[str]:
    """Return what `plugins check` says of the file that is looked at here."""
    found = check_plugins(ground, name)
    return [str(fault) for fault in found if "certificates.toml" in fault.file]


def load(ground: Ground, settings: Settings, rooms: Rooms) -> loader.Hosted:
    changed = replace(settings, plugins_dir=ground.plugins, plugin_env={})
    return loader.load(
        changed, rooms.deps[Units], rooms.egress, rooms.deps[Keyring], rooms.deps[Tokens]
    )


def test_a_good_file_has_no_faults(ground: Ground) -> None:
    name = write_issuer(ground.plugins, new_name())
    assert faults(ground, name) == []


@pytest.mark.parametrize(
    ("before", "after", "number", "said"),
    [
        ('holder = "holder_name"\n', "", 1, "holder"),
        ('holder = "holder_name"', 'holder = "shop"', 1, "names? who holds|no personal field"),
        ("longest_days = 1830", "longest_days = 0", 1, "longest_days"),
        ("longest_days = 1830", "color = 1", 1, "color"),
        (f'code = "{USCC}001"', f'code = "{USCC}"', 1, "GB/T 36904"),
        (f'"{USCC}001"', f'"{USCC[:-1]}F001"', 1, "last character would be E"),
        (f'issuer_code = "{USCC}"', f'issuer_code = "{USCC[:-1]}F"', 1, "would be E"),
        ('id = "shop"', 'id = "status"', 1, "a credential says otherwise"),
        ('id = "shop"', 'id = "address"', 1, "two fields of one id"),
        (
            "personal = false\nselective = false",
            "personal = true\nselective = false",
            1,
            "selective",
        ),
        ("[[types]]", "[types]]", 1, "not TOML"),
        ("NAME-badge", "NAME-licence", 1, "stands 2 times"),
        ('"market-regulation-bureau"', '"nobody"', 2, "is not known"),
    ],
)
def test_each_flaw_is_told_with_its_cure_and_puts_the_plugin_aside(
    ground: Ground, before: str, after: str, number: int, said: str
) -> None:
    assert before in TOML
    name = write_issuer(ground.plugins, new_name(), TOML.replace(before, after))
    found = faults(ground, name)
    assert found
    assert all(f"rule {number} " in fault and "Cure: " in fault for fault in found)
    assert re.search(said, found[0]), found


def test_a_flawed_file_puts_its_plugin_aside_alone(
    ground: Ground, settings: Settings, rooms: Rooms
) -> None:
    bad = write_issuer(ground.plugins, new_name("a"), TOML.replace("longest_days = 1830", "x = 1"))
    good = write_issuer(ground.plugins, new_name("b"))
    hosted = load(ground, settings, rooms)
    assert "certificates.toml" in hosted.quarantined[bad]
    assert set(hosted.plugins) == {good}


def test_a_type_is_one_plugins(ground: Ground, settings: Settings, rooms: Rooms) -> None:
    first = write_issuer(ground.plugins, new_name("a"))
    second = write_issuer(
        ground.plugins, new_name("b"), TOML.replace("NAME-badge", f"{first}-badge")
    )
    assert "choose another id" in "".join(faults(ground, second))
    hosted = load(ground, settings, rooms)
    assert f"'{first}-badge' is another plug-in's" in hosted.quarantined[second]


def test_what_another_issued_is_found_and_told(
    ground: Ground, settings: Settings, rooms: Rooms, client: FlaskClient, world: World
) -> None:
    issuer = write_issuer(ground.plugins, new_name("a"))
    seeker = write_issuer(ground.plugins, new_name("b"), TOML + NEEDS.replace("OTHER", issuer))
    assert faults(ground, seeker) == []
    hosted = load(ground, settings, rooms)
    citizen = log_in(client, world, rooms)
    keyring: Keyring = rooms.deps[Keyring]
    boxes = {n: keyring.seal_letterbox(sector_of(n), UUID(citizen.id)) for n in (issuer, seeker)}
    houses = {n: hosted.plugins[n].provider.house for n in boxes}  # type: ignore[union-attr]
    badge = f"{issuer}-badge"

    def shown() -> list[list[str]]:
        answer = client.get("/v1/me/disclosures", headers=citizen.auth)
        return [item["attributes"] for item in answer.json["items"]]

    with houses[seeker].unit_of_work() as uow:
        assert houses[seeker].find_certificates(uow, boxes[seeker], badge) == []
    assert shown() == []
    with houses[issuer].unit_of_work() as uow:
        made = houses[issuer].issue_certificate(
            uow, boxes[issuer], badge, {"holder_name": "李雷"}, valid_until=None, reference="B-1"
        )
        assert houses[issuer].find_certificates(uow, boxes[issuer], badge) == [made]
    assert shown() == []
    with houses[seeker].unit_of_work() as uow:
        assert houses[seeker].find_certificates(uow, boxes[seeker], badge) == [made]
    assert shown() == [[f"certificate:{badge}"]]
    with pytest.raises(ValueError, match="neither issues"), houses[issuer].unit_of_work() as uow:
        houses[issuer].find_certificates(uow, boxes[issuer], f"{seeker}-badge")


def test_a_house_for_tests_keeps_no_certificates() -> None:
    made = testing.house({})
    with pytest.raises(RuntimeError, match=r"give house\(\)"):
        made.issue_certificate(
            None,  # type: ignore[arg-type]
            "box",
            "type",
            {},
            valid_until=in_a_year(),
            reference="1",
        )
