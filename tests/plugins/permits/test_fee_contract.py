"""A fee of a permit keeps what every payable service owes the house."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace

import pytest

from app.sdk import Citizen, House, Unavailable
from app.sdk.testing import PayableContract
from plugins.permits.provider import PermitsProvider
from tests.plugins.permits.fee_cases import asked, reference_of
from tests.plugins.permits.office import Office, new_citizen


class TestPermitFee(PayableContract):
    service = "permit-fee"
    unknown_reference = "fee." + "0" * 32
    _house: House

    @pytest.fixture(autouse=True)
    def _reach(self, house: House) -> None:
        self._house = house
        self.provider = PermitsProvider(house)

    def make_payable(self) -> tuple[str, Citizen]:
        office, citizen = Office(self._house), new_citizen()
        return reference_of(office, citizen, asked(office, citizen)), citizen

    def break_biller(self) -> AbstractContextManager[None]:
        """There is no system but our own tables: let those be out of reach."""
        return self._without_tables()

    @contextmanager
    def _without_tables(self) -> Iterator[None]:
        def away() -> AbstractContextManager[object]:
            raise Unavailable("no database")

        self.provider.house = replace(self._house, unit_of_work=away)
        yield
        self.provider.house = self._house
