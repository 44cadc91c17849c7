"""The forms in which billers and the bank send their books; each file is read whole or refused."""

from collections.abc import Callable, Mapping

from app.reconciliation.service.formats.camt053 import read_camt053
from app.reconciliation.service.formats.csv_files import read_bank_csv, read_postings_csv
from app.reconciliation.service.formats.mt940 import read_mt940
from app.reconciliation.values import Side, StatementFile

PROFILES: Mapping[Side, Mapping[str, Callable[[bytes], StatementFile]]] = {
    Side.GATEWAY: {},
    Side.BILLER: {"postings-csv": read_postings_csv},
    Side.BANK: {"bank-csv": read_bank_csv, "mt940": read_mt940, "camt053": read_camt053},
}
"""Side -> profile -> reader; a reader raises `StatementFileInvalid` for whatever is not right."""

__all__ = ["PROFILES"]
