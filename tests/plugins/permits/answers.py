"""Forms that are filled in: the answers that tests of bundles begin with."""

from typing import Any

CONSTRUCTION: dict[str, Any] = {
    "project-name": "武当新城一期",
    "project-code": "2411-420300-04-01-123456",
    "credit-code": "91420300MA49000000",
    "site-address": "十堰市茅箭区北京北路1号",
    "building-use": "civil",
    "floor-area": 12000,
    "land-area": 8000,
    "earthwork": 500,
    "special-project": True,
    "environment-class": "registration",
    "occupies-road": True,
    "road-area": 30.5,
    "road-until": "2026-12-30",
    "start-date": "2026-12-10",
}
"""Everything applies: nine tasks, eight permits."""

SMALL_FACTORY: dict[str, Any] = {
    **{key: CONSTRUCTION[key] for key in ("project-name", "project-code", "credit-code")},
    "site-address": "十堰市张湾区工业园8号",
    "building-use": "industrial",
    "floor-area": 900,
    "land-area": 4999,
    "earthwork": 999,
    "special-project": False,
    "environment-class": "exempt",
    "occupies-road": False,
    "start-date": "2026-12-10",
}
"""As little as can apply: three tasks."""

RESTAURANT: dict[str, Any] = {
    "legal-form": "company",
    "shop-name": "武当山小馆",
    "capital": 100000,
    "premises-address": "十堰市茅箭区人民北路2号",
    "floor-area": 300,
    "food-types": "hot-meals",
    "has-signboard": True,
    "signboard-area": 6.5,
    "sells-tobacco": True,
}

STALL: dict[str, Any] = {
    "legal-form": "licensed",
    "shop-name": "热干面",
    "credit-code": "91420300MA49000000",
    "premises-address": "十堰市茅箭区人民北路3号",
    "floor-area": 299.9,
    "food-types": "drinks",
    "has-signboard": False,
    "sells-tobacco": False,
}

MOVING: dict[str, Any] = {
    "reason": "work",
    "former-address": "南阳市卧龙区中州路1号",
    "new-address": "十堰市茅箭区上海路5号",
    "moving-with": 2,
    "new-id-card": True,
    "pension-insured": True,
    "medical-insured": True,
    "insured-until": "2026-10-31",
    "fund-account": "A12345678",
}

MOVING_ALONE: dict[str, Any] = {
    **{key: MOVING[key] for key in ("reason", "former-address", "new-address")},
    "moving-with": 0,
    "new-id-card": False,
    "pension-insured": False,
    "medical-insured": False,
}

FORMS: dict[str, tuple[dict[str, Any], ...]] = {
    "construction-start": (
        CONSTRUCTION,
        SMALL_FACTORY,
        {**SMALL_FACTORY, "earthwork": 1000},
        {**CONSTRUCTION, "special-project": False, "building-use": "industrial"},
    ),
    "restaurant-opening": (
        RESTAURANT,
        STALL,
        {key: value for key, value in RESTAURANT.items() if key != "capital"}
        | {"legal-form": "household", "sells-tobacco": False},
        {**STALL, "sells-tobacco": True, "floor-area": 300},
    ),
    "moving-in": (
        MOVING,
        MOVING_ALONE,
        {**MOVING_ALONE, "medical-insured": True, "insured-until": "2026-11-01"},
    ),
}
"""For each bundle the ways through its graph that differ."""
