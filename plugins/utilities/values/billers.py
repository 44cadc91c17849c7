"""The billers of the city, and what they promise and ask for."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from app.sdk import NotFound


class Fetch(StrEnum):
    """Whether a bill must be, can be or cannot be asked for before it is paid."""

    MANDATORY = "mandatory"
    OPTIONAL = "optional"
    NONE = "none"


class AmountRule(StrEnum):
    """Which amounts a biller takes while something is owed, measured by all that is owed."""

    EXACT = "exact"
    AT_LEAST = "at_least"
    AT_MOST = "at_most"
    ANY = "any"


class TopUp(StrEnum):
    """How a prepaid meter is loaded: by a token that is typed in, by its biller, or not at all."""

    NONE = "none"
    TOKEN = "token"  # noqa: S105 - a way of loading
    REMOTE = "remote"


class Pending(StrEnum):
    """What becomes of a posting without an answer: told again, asked for, or seen by a person."""

    TELL_AGAIN = "tell-again"
    ASK = "ask"
    PERSON = "person"


@dataclass(frozen=True, slots=True)
class CustomerParam:
    """What a citizen fills in to be found by a biller."""

    name: str
    label: Mapping[str, str]
    pattern: str
    optional: bool


@dataclass(frozen=True, slots=True)
class Biller:
    """A company that sends bills: which service they are, and what it promises of postings."""

    id: str
    title: Mapping[str, str]
    service: str
    bill_title: Mapping[str, str]
    department: str
    honours_key: bool
    offers_inquiry: bool


BILLERS: Mapping[str, Biller] = {
    biller.id: biller
    for biller in (
        Biller(
            id="shiyan-water",
            title={"zh": "十堰市自来水公司", "en": "Shiyan Water Company"},
            service="water-bill",
            bill_title={"zh": "水费", "en": "Water bill"},
            department="water-bureau",
            honours_key=True,
            offers_inquiry=False,
        ),
        Biller(
            id="shiyan-power",
            title={"zh": "十堰市供电公司", "en": "Shiyan Power Company"},
            service="power-bill",
            bill_title={"zh": "电费", "en": "Power bill"},
            department="power-company",
            honours_key=False,
            offers_inquiry=True,
        ),
        Biller(
            id="shiyan-gas",
            title={"zh": "十堰市燃气公司", "en": "Shiyan Gas Company"},
            service="gas-bill",
            bill_title={"zh": "燃气费", "en": "Gas bill"},
            department="gas-company",
            honours_key=False,
            offers_inquiry=False,
        ),
        Biller(
            id="shiyan-heat",
            title={"zh": "十堰市热力公司", "en": "Shiyan Heating Company"},
            service="heat-bill",
            bill_title={"zh": "暖气费", "en": "Heating bill"},
            department="heat-company",
            honours_key=True,
            offers_inquiry=True,
        ),
    )
}


def find_biller(biller_id: str) -> Biller:
    """Return a biller, or raise `NotFound`."""
    try:
        return BILLERS[biller_id]
    except KeyError:
        raise NotFound from None
