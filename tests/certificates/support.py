"""A house with one plug-in that issues certificates, and what tests ask of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from flask.testing import FlaskClient
from sqlalchemy import text

from app.certificates import service
from app.certificates.service import CertificatesDeps
from app.certificates.values import CertificateType, Field, FieldKind, Order
from app.core.clock import city_date
from app.core.crypto import Keyring
from app.core.ids import new_id
from app.core.unit_of_work import UnitOfWork
from app.factory import Rooms
from app.host.letters import sector_of
from app.sdk import Certificate
from tests.factories import Citizen
from tests.host.plugins import write_plugin

USCC = "11420300000000000E"
"""A code of the right form that nobody has."""

FIELDS = {
    "holder_name": "李雷",
    "shop": "武当山 & <道> 茶馆",
    "address": "十堰市武当山特区玉虚路 1 号",
    "business": "热食类食品制售",
    "granted_on": "2026-11-29",
}
TOML = f"""
[[types]]
id = "NAME-licence"
code = "{USCC}001"
title = {{ zh = "食品经营许可证", en = "Food business licence" }}
issuer = "market-regulation-bureau"
issuer_code = "{USCC}"
issuer_title = {{ zh = "市场监督管理局", en = "Market Regulation Bureau" }}
holder = "holder_name"
longest_days = 1830

[[types.fields]]
id = "holder_name"
title = {{ zh = "经营者", en = "Holder" }}
kind = "text"
personal = true

[[types.fields]]
id = "shop"
title = {{ zh = "店名", en = "Shop" }}
kind = "text"
personal = false
selective = false

[[types.fields]]
id = "address"
title = {{ zh = "住所", en = "Address" }}
kind = "text"
personal = true

[[types.fields]]
id = "business"
title = {{ zh = "经营项目", en = "Business" }}
kind = "text"
personal = false

[[types.fields]]
id = "granted_on"
title = {{ zh = "批准日期", en = "Granted on" }}
kind = "date"
personal = false
selective = false

[[types]]
id = "NAME-badge"
code = "{USCC}002"
title = {{ zh = "服务标识", en = "Badge" }}
issuer = "market-regulation-bureau"
issuer_code = "{USCC}"
issuer_title = {{ zh = "市场监督管理局", en = "Market Regulation Bureau" }}
holder = "holder_name"

[[types.fields]]
id = "holder_name"
title = {{ zh = "持有人", en = "Holder" }}
kind = "text"
personal = true
"""


def write_issuer(plugins: Path, name: str, certificates: str = TOML) -> str:
    """Write a plug-in that issues certificates."""
    write_plugin(plugins, name, routes="")
    content = certificates.replace("NAME", name)
    (plugins / name / "certificates.toml").write_text(content, encoding="utf-8")
    return name


def in_a_year() -> date:
    """Return a day a year from the city's today."""
    return date.fromisoformat(city_date()) + timedelta(days=365)


@dataclass(frozen=True)
class Bureau:
    """A house with a plug-in that issues certificates."""

    rooms: Rooms
    client: FlaskClient
    name: str

    @property
    def house(self) -> Any:  # noqa: ANN401 - what the loader has given to a class written here
        """Return what the plug-in was made with."""
        provider = self.rooms.hosted.plugins[self.name].provider
        assert provider is not None
        return provider.house

    @property
    def licence(self) -> str:
        """Return the type of the licence."""
        return f"{self.name}-licence"

    def letterbox(self, citizen: Citizen, plugin: str = "") -> str:
        """Return a letterbox of a citizen's, as the plug-in would have kept it."""
        keyring: Keyring = self.rooms.deps[Keyring]
        return keyring.seal_letterbox(sector_of(plugin or self.name), UUID(citizen.id))

    def issue_in(self, uow: UnitOfWork, citizen: Citizen, **changes: Any) -> Certificate:  # noqa: ANN401
        """Issue a licence in a unit of work that is open."""
        wanted: dict[str, Any] = {
            "fields": FIELDS,
            "valid_until": in_a_year(),
            "reference": str(new_id()),
            "type_id": self.licence,
            **changes,
        }
        kind, fields = wanted.pop("type_id"), wanted.pop("fields")
        made: Certificate = self.house.issue_certificate(
            uow, self.letterbox(citizen), kind, fields, **wanted
        )
        return made

    def issue(self, citizen: Citizen, **changes: Any) -> Certificate:  # noqa: ANN401
        """Issue a licence."""
        with self.house.unit_of_work() as uow:
            return self.issue_in(uow, citizen, **changes)

    def change(self, number: str, state: str, reason: str = "by-test") -> Certificate:
        """Change a certificate."""
        with self.house.unit_of_work() as uow:
            made: Certificate = self.house.change_certificate(uow, number, state, reason)
            return made

    def find(self, citizen: Citizen, type_id: str = "") -> list[str]:
        """Return the numbers of what a citizen holds."""
        with self.house.unit_of_work() as uow:
            found = self.house.find_certificates(
                uow, self.letterbox(citizen), type_id or self.licence
            )
        return [one.number for one in found]


def without(fields: Mapping[str, str], name: str) -> dict[str, str]:
    """Return fields without one."""
    return {key: value for key, value in fields.items() if key != name}


def id_of(bureau: Bureau, number: str) -> UUID:
    """Return the id of a certificate."""
    with bureau.rooms.units.open(actor="test", read_only=True) as uow:
        found = uow.scalar(text("select id from certificates where number = :n"), {"n": number})
    assert isinstance(found, UUID)
    return found


def plant_certificate(rooms: Rooms, citizen_id: UUID, holder: str = "李雷") -> UUID:
    """Return the id of a certificate that a plug-in which is not there has issued to a citizen."""
    kind = CertificateType(
        id="planted-badge",
        plugin="planted",
        code=f"{USCC}003",
        title={"zh": "服务标识", "en": "Badge"},
        issuer="market-regulation-bureau",
        issuer_code=USCC,
        issuer_title={"zh": "市场监督管理局", "en": "Market Regulation Bureau"},
        holder="holder_name",
        longest_days=None,
        fields=(
            Field(
                id="holder_name",
                title={"zh": "持有人", "en": "Holder"},
                kind=FieldKind.TEXT,
                personal=True,
                selective=True,
            ),
        ),
    )
    order = Order(kind, citizen_id, {"holder_name": holder}, None, str(new_id()))
    deps: CertificatesDeps = rooms.deps[CertificatesDeps]
    with rooms.units.open(actor="test") as uow:
        return service.issue_certificate(uow, deps.vault_of, order).id
