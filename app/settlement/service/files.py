"""What a bank is told to pay: a batch as CSV and as ISO 20022 pain.001, always the same bytes."""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from uuid import UUID
from xml.etree import ElementTree as ET

from sqlalchemy import select

from app.core.clock import CITY_TIME, now
from app.core.unit_of_work import UnitOfWork
from app.settlement.errors import BatchNotFound, DebtorUnknown, FileDiffers, FileNotMade
from app.settlement.events import BatchFileRead
from app.settlement.models import PayeeAccount, SettlementBatch, SettlementLine
from app.settlement.service.accounts import bank_account
from app.settlement.service.batches import view_batch
from app.settlement.service.common import SettlementDeps, lock
from app.settlement.service.tables import Fen, write_csv, yuan_number
from app.settlement.values import (
    BankAccount,
    BatchStatus,
    BatchView,
    Encoding,
    FileFormat,
    Order,
    Transfer,
)

NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:pain.001.001.09"
_LONGEST_NAME = 140


def make_file(uow: UnitOfWork, deps: SettlementDeps, batch_id: UUID) -> BatchView:
    """Fix the file of an approved batch: its digests are kept, every download has its bytes.

    Raise `BatchNotFound`, `IllegalMove` or `DebtorUnknown`.
    """
    batch = lock(uow, SettlementBatch, batch_id, BatchNotFound)
    batch.check_move(BatchStatus.FILED)
    moment = now()
    order = _order(uow, deps, batch, moment)
    batch.filed_at = moment
    batch.digests = {
        kind.value: hashlib.sha256(render_file(order, kind)).hexdigest() for kind in FileFormat
    }
    uow.move(batch, BatchStatus.FILED, cause="file made")
    return view_batch(uow, batch)


def read_file(
    uow: UnitOfWork, deps: SettlementDeps, batch_id: UUID, kind: FileFormat
) -> tuple[bytes, str]:
    """Return the file of a batch and its SHA-256; the trail is told, it has accounts in clear.

    Raise `BatchNotFound`, `FileNotMade`, or `FileDiffers` when it is not what was made.
    """
    batch = uow.get(SettlementBatch, batch_id)
    if batch is None:
        raise BatchNotFound
    if batch.digests is None or batch.filed_at is None:
        raise FileNotMade
    content = render_file(_order(uow, deps, batch, batch.filed_at), kind)
    digest = hashlib.sha256(content).hexdigest()
    if digest != batch.digests[kind.value]:
        raise FileDiffers
    uow.record(BatchFileRead(batch_id=batch.id, file=kind.value, digest=digest))
    return content, digest


def _order(
    uow: UnitOfWork, deps: SettlementDeps, batch: SettlementBatch, made_at: datetime
) -> Order:
    if deps.debtor is None:
        raise DebtorUnknown
    rows = uow.execute(
        select(SettlementLine, PayeeAccount)
        .join(PayeeAccount, PayeeAccount.id == SettlementLine.account_id)
        .where(SettlementLine.batch_id == batch.id)
        .order_by(SettlementLine.payee)
    )
    return Order(
        batch_id=batch.id,
        day=batch.day,
        made_at=made_at,
        currency=batch.currency,
        debtor=deps.debtor,
        transfers=[
            Transfer(line.id, line.amount, bank_account(deps, account)) for line, account in rows
        ],
    )


def render_file(order: Order, kind: FileFormat) -> bytes:
    """Return an order as a bank takes it."""
    return _csv(order) if kind == FileFormat.CSV else _pain_001(order)


def _csv(order: Order) -> bytes:
    head = (
        "划拨编号 Transfer",
        "收款人 Creditor",
        "收款账号 Account",
        "收款行行号 Bank code",
        "金额（元）Amount",
        "币种 Currency",
        "附言 Remittance",
    )
    rows = [
        (
            transfer.line_id.hex,
            transfer.account.holder,
            transfer.account.number,
            transfer.account.bank_code,
            Fen(transfer.amount),
            order.currency,
            _remittance(order, transfer),
        )
        for transfer in order.transfers
    ]
    total = ("合计 Total", str(len(rows)), "", "", Fen(order.amount), order.currency, "")
    return b"".join(write_csv([head, *rows, total], Encoding.UTF_8_BOM))


def _remittance(order: Order, transfer: Transfer) -> str:
    return f"i武当 {order.day.isoformat()} {transfer.account.payee}"


def _pain_001(order: Order) -> bytes:
    """Return a customer credit transfer initiation (pain.001.001.09), one debit of our account."""
    root = ET.Element("Document", {"xmlns": NAMESPACE})
    initiation = ET.SubElement(root, "CstmrCdtTrfInitn")
    head = ET.SubElement(initiation, "GrpHdr")
    made = order.made_at.astimezone(CITY_TIME)
    _add(head, "MsgId", order.batch_id.hex)
    _add(head, "CreDtTm", made.isoformat(timespec="milliseconds"))
    _add_sums(head, order)
    _add(head, "InitgPty/Nm", order.debtor.name[:_LONGEST_NAME])
    payment = ET.SubElement(initiation, "PmtInf")
    _add(payment, "PmtInfId", order.batch_id.hex)
    _add(payment, "PmtMtd", "TRF")
    _add_sums(payment, order)
    _add(payment, "ReqdExctnDt/Dt", made.date().isoformat())
    _add(payment, "Dbtr/Nm", order.debtor.name[:_LONGEST_NAME])
    _add(payment, "DbtrAcct/Id/Othr/Id", order.debtor.number)
    _add_bank(payment, "DbtrAgt", order.debtor.bank_code)
    for transfer in order.transfers:
        _add_transfer(payment, order, transfer)
    ET.indent(root)
    body: bytes = ET.tostring(root, encoding="UTF-8", xml_declaration=True)
    return body + b"\n"


def _add_sums(parent: ET.Element, order: Order) -> None:
    _add(parent, "NbOfTxs", str(len(order.transfers)))
    _add(parent, "CtrlSum", yuan_number(order.amount))


def _add_transfer(payment: ET.Element, order: Order, transfer: Transfer) -> None:
    account: BankAccount = transfer.account
    info = ET.SubElement(payment, "CdtTrfTxInf")
    _add(info, "PmtId/EndToEndId", transfer.line_id.hex)
    _add(info, "Amt/InstdAmt", yuan_number(transfer.amount), {"Ccy": order.currency})
    _add_bank(info, "CdtrAgt", account.bank_code)
    _add(info, "Cdtr/Nm", account.holder[:_LONGEST_NAME])
    _add(info, "CdtrAcct/Id/Othr/Id", account.number)
    _add(info, "RmtInf/Ustrd", _remittance(order, transfer)[:_LONGEST_NAME])


def _add_bank(parent: ET.Element, name: str, bank_code: str) -> None:
    member = ET.SubElement(ET.SubElement(ET.SubElement(parent, name), "FinInstnId"), "ClrSysMmbId")
    _add(member, "ClrSysId/Cd", "CNAPS")
    _add(member, "MmbId", bank_code)


def _add(
    parent: ET.Element, path: str, text: str, attributes: Mapping[str, str] | None = None
) -> None:
    """Add elements one within the other, with a text in the innermost."""
    *outer, last = path.split("/")
    for name in outer:
        parent = ET.SubElement(parent, name)
    ET.SubElement(parent, last, dict(attributes or {})).text = text
