"""The promises of a provider over signed HTTP, asked of a company in a house of its own."""

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, ClassVar
from urllib.parse import urlsplit

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from app.core import jose
from app.core.clock import now
from app.core.deadline import within
from app.core.egress import Egress
from app.core.errors import Conflict, Invalid, NotFound, Unavailable
from app.core.ids import new_id
from app.sdk.provider import Citizen, OutcomeUnknown, PayableProvider, PaymentNotice
from app.sdk.remote import AlreadyPaid, City, Line, RemoteKeeper, RemotePayable
from app.sdk.testing import PayableContract
from tests.sdk.remote_house import KEY_ID, Company, Fault, open_company

SOMEBODY = Citizen("pairwise-1", "verified", {"name": "张伟"})
NO_ANSWER = ["hang up", "ten gigabytes", "redirect"]
NOT_BELIEVED = [
    *("unsigned 500", "unsigned 503", "unsigned 404", "unsigned page"),
    *("signed 404 without code", "signed garbage", "signed nonsense", "signed page"),
    *("no signature", "wrong key", "another request's", "swapped body", "swapped status"),
]


def make_city() -> City:
    key = Ed25519PrivateKey.generate()
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return City.of(pem.decode(), "https://city.example")


def line_to(company: Company, city: City, egress: Egress | None = None) -> Line:
    company.city_key = city.signer.key.public_key()
    key = company.key.public_key()
    egress = egress or Egress(frozenset({urlsplit(company.base).netloc}))
    return Line(
        company.name, company.base, lambda kid: key if kid == KEY_ID else None, city, egress
    )


@pytest.fixture(scope="module")
def city() -> City:
    return make_city()


@pytest.fixture
def company() -> Iterator[Company]:
    with open_company(Company()) as made:
        made.issue("P-1")
        yield made


@pytest.fixture
def remote(company: Company, city: City) -> RemotePayable:
    return RemotePayable(line_to(company, city))


def notice(reference: str = "P-1", amount: int = 500) -> PaymentNotice:
    return PaymentNotice(str(new_id()), reference, amount, "CNY", now(), "parking-company")


def test_what_is_owed_arrives_as_it_was_said(remote: RemotePayable, company: Company) -> None:
    company.issue("P/2 ?#%", 700, due_date=None, contestable=True)
    listed = remote.list_payables(SOMEBODY)
    assert [(p.reference, p.amount) for p in listed] == [("P-1", 500), ("P/2 ?#%", 700)]
    assert [remote.get_payable(p.reference, SOMEBODY) for p in listed] == list(listed)
    assert (listed[1].due_date, listed[1].contestable) == (None, True)


def test_a_request_says_by_when_and_about_whom_and_all_of_it_is_signed(
    remote: RemotePayable, company: Company, city: City
) -> None:
    remote.get_payable("P-1", SOMEBODY)
    latest = now() + timedelta(seconds=2)
    remote.fulfil(told := notice())
    asked, put = company.calls
    claims = asked.citizen
    assert claims is not None
    assert (claims["iss"], claims["aud"]) == ("https://city.example", "provider:parking")
    assert (claims["sub"], claims["assurance"]) == ("pairwise-1", "verified")
    assert claims["claims"] == {"name": "张伟"}
    assert claims["exp"] == claims["iat"] + 60
    deadline = datetime.fromisoformat(asked.headers["request-deadline"])
    assert latest - timedelta(seconds=20) < deadline <= latest
    assert "idempotency-key" not in asked.headers
    assert put.headers["idempotency-key"] == told.key
    assert put.path == f"/fulfilments/{told.key}"
    assert "citizen-context" not in put.headers
    assert asked.headers["request-id"] != put.headers["request-id"]
    header = jose.read_unverified(asked.headers["citizen-context"]).header
    assert header == {"alg": "EdDSA", "typ": "citizen-context+jwt", "kid": city.signer.key_id}


def test_a_company_that_checks_refuses_another_city(company: Company) -> None:
    line = line_to(company, make_city())
    company.city_key = Ed25519PrivateKey.generate().public_key()
    with pytest.raises(Unavailable):
        RemotePayable(line).list_payables(SOMEBODY)
    assert company.calls == []


def test_refusals_keep_their_kind_and_carry_the_companys_code(
    remote: RemotePayable, company: Company
) -> None:
    with pytest.raises(NotFound) as caught:
        remote.get_payable("P-9", SOMEBODY)
    assert caught.value.extra == {"provider_code": "ticket-not-found"}
    with pytest.raises(Invalid) as invalid:
        remote.fulfil(notice(amount=501))
    assert invalid.value.extra == {"provider_code": "another-amount"}
    done = remote.fulfil(told := notice())
    assert remote.fulfil(told) == done
    assert remote.find_fulfilment(told.key) == done
    with pytest.raises(AlreadyPaid):
        remote.get_payable("P-1", SOMEBODY)
    with pytest.raises(Conflict):
        remote.fulfil(notice())
    with pytest.raises(NotFound):
        remote.fulfil(notice("P-9"))
    assert remote.find_fulfilment(str(new_id())) is None
    assert list(company.told) == [told.key]


def test_a_company_that_does_not_know_us_has_not_answered(company: Company, city: City) -> None:
    remote = RemotePayable(line_to(company, city))
    company.city_key = Ed25519PrivateKey.generate().public_key()  # it answers 401, signed
    with pytest.raises(OutcomeUnknown):
        remote.fulfil(notice())
    company.city_key = city.signer.key.public_key()
    company.name = "another"  # it does not take a context for somebody else
    with pytest.raises(Unavailable):
        remote.get_payable("P-1", SOMEBODY)


@pytest.mark.parametrize("reference", [".", "..", ""])
def test_no_reference_is_a_step_in_the_path(
    remote: RemotePayable, company: Company, reference: str
) -> None:
    with pytest.raises(NotFound):
        remote.get_payable(reference, SOMEBODY)
    assert company.calls == []


@pytest.mark.parametrize("kind", [*NO_ANSWER, *NOT_BELIEVED, "signed 500", "signed 503"])
def test_a_read_is_unavailable_whatever_goes_wrong_and_heals(
    remote: RemotePayable, company: Company, kind: str
) -> None:
    with company.failing(kind):
        with pytest.raises(Unavailable):
            remote.get_payable("P-1", SOMEBODY)
        with pytest.raises(Unavailable):
            remote.list_payables(SOMEBODY)
    assert remote.get_payable("P-1", SOMEBODY).amount == 500


@pytest.mark.parametrize("kind", [*NO_ANSWER, *NOT_BELIEVED, "signed 500"])
def test_an_inquiry_that_is_not_believed_never_says_that_nothing_was_booked(
    remote: RemotePayable, company: Company, kind: str
) -> None:
    done = remote.fulfil(told := notice())
    with company.failing(kind, "GET"), pytest.raises(Unavailable):
        remote.find_fulfilment(told.key)
    with company.failing(kind, "GET"), pytest.raises(Unavailable):
        remote.find_fulfilment(str(new_id()))
    assert remote.find_fulfilment(told.key) == done


@pytest.mark.parametrize("kind", [*NO_ANSWER, *NOT_BELIEVED, "signed 500", "signed 202"])
def test_what_may_have_acted_is_sent_once_and_its_outcome_is_unknown(
    remote: RemotePayable, company: Company, kind: str
) -> None:
    with company.failing(kind, "PUT") as fault, pytest.raises(OutcomeUnknown):
        remote.fulfil(notice())
    assert fault.hits == 1


def test_a_lost_answer_is_asked_for(remote: RemotePayable, company: Company) -> None:
    with company.failing("lost answer", "PUT") as fault, pytest.raises(OutcomeUnknown):
        remote.fulfil(told := notice())
    assert fault.hits == 1
    found = remote.find_fulfilment(told.key)
    assert found is not None
    assert found.reference == "B-1"


def test_surely_nothing_happened_is_believed_when_it_is_signed(
    remote: RemotePayable, company: Company
) -> None:
    with company.failing("signed 503"), pytest.raises(Unavailable) as caught:
        remote.fulfil(notice())
    assert caught.value.extra == {"provider_code": "out-of-order"}
    with company.failing("signed 422", "PUT"), pytest.raises(Invalid):
        remote.fulfil(notice())
    assert company.told == {}


def test_nothing_was_sent_when_there_is_nobody_or_no_time(company: Company, city: City) -> None:
    line = line_to(company, city)
    closed = "127.0.0.1:9"  # the discard port: nobody answers there
    nobody = RemotePayable(
        replace(line, base_url=f"http://{closed}", sender=Egress(frozenset({closed})))
    )
    elsewhere = RemotePayable(replace(line, base_url="http://10.0.0.1"))
    late = RemotePayable(line)
    with pytest.raises(Unavailable):
        nobody.fulfil(notice())
    with pytest.raises(Unavailable):
        elsewhere.fulfil(notice())
    with within(0), pytest.raises(Unavailable):
        late.fulfil(notice())
    assert company.calls == []


def test_a_read_that_failed_at_once_is_tried_a_second_time(
    remote: RemotePayable, company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.sdk.remote.RETRY_WITHIN", 20.0)  # "at once" on a crowded machine
    with company.failing("hang up", times=1) as fault:
        assert remote.get_payable("P-1", SOMEBODY).amount == 500
        assert fault.hits == 1
    with company.failing("hang up") as fault:
        with pytest.raises(Unavailable):
            remote.get_payable("P-1", SOMEBODY)
        assert fault.hits == 2
    with company.failing("signed 503") as fault:  # it has said so: nothing to ask again
        with pytest.raises(Unavailable):
            remote.get_payable("P-1", SOMEBODY)
        assert fault.hits == 1


@pytest.mark.parametrize("kind", ["hang", "trickle"])
def test_a_read_that_has_waited_is_not_tried_again(
    remote: RemotePayable, company: Company, kind: str
) -> None:
    with company.failing(kind) as fault, within(2.0):
        with pytest.raises(Unavailable):
            remote.get_payable("P-1", SOMEBODY)
        assert heard(fault) == 1
    with company.failing(kind, "PUT") as fault, within(2.0):
        with pytest.raises(OutcomeUnknown):
            remote.fulfil(notice())
        assert heard(fault) == 1


def heard(fault: Fault) -> int:
    """Return how many calls the company has heard, which may be when nobody waits any more."""
    deadline = time.monotonic() + 20
    while not fault.hits and time.monotonic() < deadline:
        time.sleep(0.05)
    return fault.hits


def test_a_read_that_failed_late_is_not_tried_again_though_there_is_time(
    remote: RemotePayable, company: Company
) -> None:
    with company.failing("hang up late") as fault:
        with pytest.raises(Unavailable):
            remote.get_payable("P-1", SOMEBODY)
        assert fault.hits == 1


def test_ten_gigabytes_are_not_taken(remote: RemotePayable, company: Company) -> None:
    with company.failing("ten gigabytes"), pytest.raises(Unavailable):
        remote.list_payables(SOMEBODY)
    sent = -1
    while sent != company.sent:  # until it has noticed that nobody listens
        sent = company.sent
        time.sleep(0.05)
    assert sent < 64 * 1024**2


def test_a_redirect_is_not_followed(remote: RemotePayable, company: Company) -> None:
    with company.failing("redirect"), pytest.raises(Unavailable):
        remote.list_payables(SOMEBODY)
    assert company.count("GET", "/elsewhere") == 0


def test_an_answer_of_another_key_than_the_manifests_is_not_believed(
    company: Company, city: City
) -> None:
    line = line_to(company, city)
    stranger = RemotePayable(replace(line, key_of=lambda _: None))
    with pytest.raises(Unavailable):
        stranger.list_payables(SOMEBODY)


def test_personal_data_is_given_and_erased(company: Company, city: City) -> None:
    keeper = RemoteKeeper(line_to(company, city))
    keeper.get_payable("P-1", SOMEBODY)
    assert keeper.export(SOMEBODY) == {"looked_at": ["P-1"]}
    assert keeper.export(Citizen("pairwise-2")) == {"looked_at": []}
    with company.failing("no signature", "DELETE"), pytest.raises(Unavailable):
        keeper.erase(SOMEBODY)
    keeper.erase(SOMEBODY)
    keeper.erase(SOMEBODY)
    assert keeper.export(SOMEBODY) == {"looked_at": []}
    keys = [c.headers["idempotency-key"] for c in company.calls if c.method == "DELETE"]
    assert len(set(keys)) == len(keys) == 3


@pytest.mark.parametrize("kind", ["signed garbage", "signed 202", "signed 500"])
def test_an_erasure_counts_when_it_is_surely_done(company: Company, city: City, kind: str) -> None:
    keeper = RemoteKeeper(line_to(company, city))
    with company.failing(kind, "DELETE"), pytest.raises(Unavailable):
        keeper.erase(SOMEBODY)


def test_a_key_of_another_kind_makes_no_city() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    with pytest.raises(TypeError):
        City.of(pem, "https://city.example")


class TestRemoteTransport(PayableContract):
    """The contract that plug-ins inherit, over HTTP."""

    company: Company
    numbers: ClassVar[Iterator[int]] = iter(range(1, 1_000))

    @pytest.fixture(autouse=True)
    def _remote(self, company: Company, city: City) -> None:
        self.company = company
        self.provider: PayableProvider = RemoteKeeper(line_to(company, city))

    def make_payable(self) -> tuple[str, Citizen]:
        """Return a ticket of this test's own."""
        return self.company.issue(f"P-{next(self.numbers)}"), SOMEBODY

    def break_biller(self) -> AbstractContextManager[Any]:
        """Let the company say, signed, that it is down."""
        return self._down()

    @contextmanager
    def _down(self) -> Iterator[None]:
        with self.company.failing("signed 503"):
            yield

    @property
    def manifest(self) -> dict[str, Any]:
        return {
            "personal_data": True,
            "payees": [{"id": "parking-company"}],
            "services": [{"id": "parking-fee", "kind": "payable", "posting": "idempotent"}],
        }
