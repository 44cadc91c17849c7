import tomllib
from pathlib import Path

import pytest

from app.host.manifest import Fault, PluginRefused, read_manifest
from app.host.manifest_schema import ServiceSchema
from app.sdk.registry import Closed
from tests.host.plugins import MANIFEST

GUIDE = """
name = "advice"
title = { zh = "咨询", en = "Advice" }
owner = "justice-bureau"
sdk = 1
tier = "bronze"

[[services]]
id = "legal-advice"
title = { zh = "法律咨询", en = "Legal advice" }
category = "government"
department = "justice-bureau"
kind = "guide"
action = "query"
assurance = "public"
conditions = [{ zh = "任何人。" }]
materials = [{ name = { zh = "身份证", en = "Identity card" }, necessity = "required", source = "applicant" }]
statutory_limit = { days = 3, unit = "working" }
promised_limit = { days = 1, unit = "working" }
fees = []
channels = ["online", "hall"]
"""  # noqa: E501 - a line of TOML


def write(folder: Path, text: str, name: str = "parking") -> Path:
    place = folder / "plugins" / name
    place.mkdir(parents=True)
    file = place / "manifest.toml"
    file.write_text(text, encoding="utf-8")
    return file


def refused(folder: Path, text: str, name: str = "parking") -> tuple[Fault, ...]:
    with pytest.raises(PluginRefused) as caught:
        read_manifest(write(folder, text, name))
    return caught.value.faults


def test_a_payable_plugin_becomes_services_and_payees(tmp_path: Path) -> None:
    text = MANIFEST.format(name="parking").replace("settings = []", 'settings = ["biller_url"]')
    manifest = read_manifest(write(tmp_path, text))
    (service,) = manifest.services()
    assert (service.id, service.plugin, service.posting) == ("parking-fee", "parking", "idempotent")
    assert service.unavailable is None
    assert [payee.id for payee in manifest.payees] == ["parking-payee"]
    assert manifest.ids_of("payable") == {"parking-fee"}
    assert manifest.variable("biller_url") == "PARKING_BILLER_URL"
    assert manifest.file == "plugins/parking/manifest.toml"
    later, rests = Closed({"zh": "稍后", "en": "Later"}), Closed({"zh": "休息", "en": "Resting"})
    assert [s.unavailable for s in manifest.services(unavailable=later)] == [later]
    paused = {"parking-fee": rests, "another": later}
    assert [s.unavailable for s in manifest.services(paused=paused)] == [rests]
    both = manifest.services(unavailable=later, paused=paused)
    assert [s.unavailable for s in both] == [later]


def test_guides_need_no_code_and_carry_their_details(tmp_path: Path) -> None:
    manifest = read_manifest(write(tmp_path, GUIDE, "advice"))
    (entry,) = manifest.entries
    assert manifest.provider is None
    assert entry.posting is None
    assert entry.details["statutory_limit"] == {"days": 3, "unit": "working"}
    assert set(entry.details) == {
        *("conditions", "materials", "statutory_limit", "promised_limit", "fees", "channels")
    }
    assert manifest.services()[0].kind == "guide"


@pytest.mark.parametrize(
    ("before", "after", "rule", "cure"),
    [
        ('name = "parking"', 'name = "garage"', "must be equal", "rename one of the two"),
        ("sdk = 1", "sdk = 2", "SDK 1 only", "change that value"),
        ("sdk = 1", "", "`sdk`: Missing data", "add it"),
        ("sdk = 1", "sdk = 1\nextra = 1", "`extra`: Unknown field", "remove it"),
        ('id = "parking-fee"', 'id = "Parking_Fee"', "`services[0].id`: Must be in keb", "change"),
        ('kind = "payable"', 'kind = "bill"', "`services[0].kind`: Must be one of: pay", "change"),
        ('tier = "silver"', 'tier = "gold"', "`tier`: Must be one of: bronze, silver", "change"),
        ('en = "Parking fee"', 'fr = "x"', "`services[0].title.en`: Missing data", "add it"),
        ('posting = "idempotent"', "", "`posting` of parking-fee: a payable", "say what the bill"),
        ('provider = "ParkingProvider"', "", "only a plug-in whose services are all", "name the"),
        ("ParkingProvider", "parking provider", "`provider`: Must be the name of a class", "chan"),
        ("settings = []", 'settings = ["URL"]', "`settings[0]`: Must be lower-case", "change"),
        ("sdk = 1", "sdk = 1\ncitizen_attributes = ['token']", "`citizen_attributes[0]`", "change"),
        ("sdk = 1", "sdk = 1\npersonal_data = 'yes'", "`personal_data`: Not a valid", "change"),
        ("sdk = 1", "sdk =", "It is not TOML", "mend that line"),
    ],
)
def test_each_fault_is_named_with_its_cure(
    tmp_path: Path, before: str, after: str, rule: str, cure: str
) -> None:
    faults = refused(tmp_path, MANIFEST.format(name="parking").replace(before, after, 1))
    said = next(fault for fault in faults if rule in fault.rule)
    assert said.file == "plugins/parking/manifest.toml"
    assert cure in said.cure


def test_a_payable_service_needs_a_payee_and_ids_stand_once(tmp_path: Path) -> None:
    text = MANIFEST.format(name="parking")
    service = text[text.index("[[services]]") :]
    payee = text[text.index("[[payees]]") : text.index("[[services]]")]
    (fault,) = refused(tmp_path / "a", text.replace(payee, ""))
    assert "nobody is named who gets the money" in fault.rule
    (twice,) = refused(tmp_path / "b", text + service)
    assert twice.rule == "`services`: the id 'parking-fee' stands 2 times."


def test_every_fault_is_named_at_once(tmp_path: Path) -> None:
    text = MANIFEST.format(name="parking").replace("sdk = 1", "sdk = 9").replace("silver", "gold")
    assert len(refused(tmp_path, text)) == 2


def test_a_file_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    file = write(tmp_path, "")
    file.write_bytes(b"name = '\xff'")
    with pytest.raises(PluginRefused) as caught:
        read_manifest(file)
    assert caught.value.faults[0].cure == "save it as UTF-8"


def test_the_whole_catalogue_is_written_in_fields_a_manifest_knows() -> None:
    catalogue = Path(__file__).parents[2] / "config" / "catalogue"
    schema = ServiceSchema()
    for file in sorted(catalogue.glob("*.toml")):
        content = tomllib.loads(file.read_text(encoding="utf-8"))
        for service in content["services"]:
            assert schema.validate({**service, "department": content["department"]}) == {}


BASIS = 'attributes_basis = { basis = "contract", purpose = { zh = "缴费", en = "To pay" } }'


def test_a_basis_of_the_law_is_declared(tmp_path: Path) -> None:
    declared = f'citizen_attributes = ["name"]\n{BASIS}'
    text = MANIFEST.format(name="parking").replace("settings = []", declared)
    basis = read_manifest(write(tmp_path, text)).attributes_basis
    assert basis is not None
    assert (basis.basis, basis.purpose["zh"]) == ("contract", "缴费")


@pytest.mark.parametrize(
    ("declared", "said"),
    [
        (BASIS, "`attributes_basis`: there are no attributes"),
        (f'citizen_attributes = ["name"]\n{BASIS.replace("contract", "consent")}', "basis"),
        (f'citizen_attributes = ["name"]\n{BASIS.replace("zh", "fr")}', "purpose"),
    ],
)
def test_a_basis_that_is_none_is_refused(tmp_path: Path, declared: str, said: str) -> None:
    text = MANIFEST.format(name="parking").replace("settings = []", declared)
    (fault, *_) = refused(tmp_path, text)
    assert said in fault.rule
