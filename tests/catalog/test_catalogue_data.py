"""The city's catalogue as data: complete, consistent, and without a field nobody reads."""

import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

CONFIG = Path(__file__).parents[2] / "config"

CATEGORIES = [
    ("government", "政务服务"),
    ("police", "民生警务"),
    ("employment", "就业招聘"),
    ("living", "生活缴费"),
    ("transport", "交通出行"),
    ("health", "医疗健康"),
    ("education", "教育学习"),
    ("social-security", "社会保障"),
    ("housing", "住房安居"),
    ("tourism", "文化旅游"),
    ("food", "餐饮食安"),
    ("leisure", "休闲娱乐"),
    ("business", "企业服务"),
]
ACTIONS = {"query", "book", "pay", "handle"}
CHOICES = {
    "category": {name for name, _ in CATEGORIES},
    "action": ACTIONS,
    "kind": {"guide"},
    "assurance": {"public", "basic", "verified", "strong"},
    "audience": {"citizen", "organisation", "both"},
}
CHANNELS = {"online", "hall", "phone", "self-service"}
NECESSITIES = {"required", "conditional", "deferrable"}
SOURCES = {"applicant", "certificate-library", "data-exchange"}
LIMITS = {"statutory_limit", "promised_limit"}
REQUIRED = {
    *CHOICES,
    *("id", "title", "keywords", "conditions", "materials", "fees", "channels", "results"),
}
KEBAB = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
CHINESE = re.compile(r"[\u4e00-\u9fff]")

Table = dict[str, Any]


def load(name: str) -> Table:
    return tomllib.loads((CONFIG / name).read_text(encoding="utf-8"))


def catalogue_files() -> list[Path]:
    return sorted((CONFIG / "catalogue").glob("*.toml"))


def services() -> list[Table]:
    return [
        service
        for path in catalogue_files()
        for service in tomllib.loads(path.read_text(encoding="utf-8"))["services"]
    ]


def repeated(values: Iterator[str]) -> list[str]:
    return [value for value, times in Counter(values).items() if times > 1]


def is_text(value: object, languages: set[str]) -> bool:
    """Tell a table of non-empty texts, one for each language, whose zh is Chinese."""
    return (
        isinstance(value, dict)
        and value.keys() == languages
        and all(isinstance(text, str) and text == text.strip() != "" for text in value.values())
        and CHINESE.search(value["zh"]) is not None
    )


def is_subset_list(value: object, choices: set[str]) -> bool:
    return (
        isinstance(value, list)
        and value != []
        and set(value) <= choices
        and len(set(value)) == len(value)
    )


def is_material(value: Table) -> bool:
    return (
        value.keys() == {"name", "necessity", "source"}
        and is_text(value["name"], {"zh", "en"})
        and value["necessity"] in NECESSITIES
        and value["source"] in SOURCES
    )


def is_fee(value: Table) -> bool:
    return (
        value.keys() == {"name", "amount", "basis"}
        and is_text(value["name"], {"zh"})
        and type(value["amount"]) is int
        and value["amount"] > 0
        and is_text(value["basis"], {"zh"})
    )


def is_limit(value: Table) -> bool:
    return (
        value.keys() == {"days", "unit"}
        and type(value["days"]) is int
        and value["days"] >= 0
        and value["unit"] in {"working", "calendar"}
    )


def is_word_list(value: object) -> bool:
    return (
        isinstance(value, list)
        and all(isinstance(word, str) and word == word.strip() != "" for word in value)
        and len(set(value)) == len(value)
        and any(CHINESE.search(word) for word in value)
        and any(CHINESE.search(word) is None for word in value)
    )


def field_errors(service: Table) -> Iterator[str]:
    missing, unknown = REQUIRED - service.keys(), service.keys() - REQUIRED - LIMITS
    yield from (f"{name} is missing" for name in sorted(missing))
    yield from (f"{name} is unknown" for name in sorted(unknown))
    if missing:
        return
    yield from (
        f"{name} = {service[name]!r} is no choice"
        for name, choices in CHOICES.items()
        if service[name] not in choices
    )
    checks = {
        "id": KEBAB.fullmatch(service["id"]),
        "title": is_text(service["title"], {"zh", "en"}),
        "keywords": is_word_list(service["keywords"]),
        "conditions": service["conditions"]
        and all(is_text(condition, {"zh"}) for condition in service["conditions"]),
        "materials": all(map(is_material, service["materials"])),
        "fees": all(map(is_fee, service["fees"])),
        "channels": is_subset_list(service["channels"], CHANNELS),
        "results": service["results"]
        and all(is_text(result, {"zh"}) for result in service["results"]),
    }
    yield from (f"{name} is malformed" for name, is_good in checks.items() if not is_good)


def limit_errors(service: Table) -> Iterator[str]:
    limits = [service[name] for name in sorted(LIMITS) if name in service]
    if len(limits) == 1:
        yield "one limit stands without the other"
    if not limits and service["action"] != "query":
        yield "only a query goes without limits"
    if not all(map(is_limit, limits)):
        yield "a limit is malformed"
    elif len(limits) == 2:
        promised, statutory = limits
        if promised["unit"] == statutory["unit"] and promised["days"] > statutory["days"]:
            yield "promised later than the law allows"


def test_departments_are_complete_and_unique() -> None:
    tables = load("departments.toml")
    departments = tables["departments"]
    assert tables.keys() == {"departments"}
    assert len(departments) >= 45
    for department in departments:
        assert department.keys() == {"id", "title", "short", "contact"}, department["id"]
        assert KEBAB.fullmatch(department["id"]), department["id"]
        assert is_text(department["title"], {"zh", "en"}), department["id"]
        assert is_text(department["short"], {"zh"}), department["id"]
        assert department["contact"].keys() == {"phone", "address"}, department["id"]
        assert re.fullmatch(r"12\d{3}|95598", department["contact"]["phone"]), department["id"]
        assert CHINESE.search(department["contact"]["address"]), department["id"]
    assert repeated(department["id"] for department in departments) == []
    assert repeated(department["title"]["zh"] for department in departments) == []


def test_the_departments_that_own_utilities_exist() -> None:
    known = {department["id"] for department in load("departments.toml")["departments"]}
    assert {"water-bureau", "power-company", "gas-company", "heat-company"} <= known


def test_the_thirteen_categories_stand_in_their_order() -> None:
    tables = load("categories.toml")
    categories = tables["categories"]
    assert tables.keys() == {"categories"}
    assert [(category["id"], category["title"]["zh"]) for category in categories] == CATEGORIES
    for category in categories:
        assert category.keys() == {"id", "title", "icon"}, category["id"]
        assert is_text(category["title"], {"zh", "en"}), category["id"]
        assert KEBAB.fullmatch(category["icon"]), category["id"]
    assert repeated(category["icon"] for category in categories) == []


def test_each_catalogue_file_belongs_to_a_known_department() -> None:
    known = {department["id"] for department in load("departments.toml")["departments"]}
    files = catalogue_files()
    assert len(files) >= 42
    for path in files:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
        assert tables.keys() == {"department", "services"}, path.name
        assert tables["department"] == path.stem
        assert tables["department"] in known
        assert tables["services"] != [], path.name


def test_every_service_has_its_fields_and_no_others() -> None:
    errors = [
        f"{service.get('id')}: {error}" for service in services() for error in field_errors(service)
    ]
    assert errors == []


def test_no_service_promises_more_time_than_the_law_allows() -> None:
    errors = [
        f"{service['id']}: {error}" for service in services() for error in limit_errors(service)
    ]
    assert errors == []


def test_the_catalogue_is_large_and_nothing_in_it_appears_twice() -> None:
    items = services()
    assert len(items) >= 430
    assert repeated(service["id"] for service in items) == []
    assert repeated(service["title"]["zh"] for service in items) == []
    assert repeated(service["title"]["en"] for service in items) == []


def test_every_category_and_every_action_is_used() -> None:
    items = services()
    assert {service["category"] for service in items} == CHOICES["category"]
    assert {service["action"] for service in items} == ACTIONS


def test_a_material_has_one_english_name() -> None:
    names = {
        (material["name"]["zh"], material["name"]["en"])
        for service in services()
        for material in service["materials"]
    }
    assert repeated(zh for zh, _ in names) == []


def test_synonyms_are_groups_that_share_no_word() -> None:
    tables = load("synonyms.toml")
    groups = tables["groups"]
    assert tables.keys() == {"groups"}
    assert len(groups) >= 60
    assert [group for group in groups if len(group) < 2 or not is_word_list(group)] == []
    assert repeated(word for group in groups for word in group) == []
