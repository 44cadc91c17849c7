"""Customers: what methods are attached to, so that they may pay more than once."""

from sandbox.stripe import lists
from sandbox.stripe.errors import Body
from sandbox.stripe.events import emit
from sandbox.stripe.ids import new_id
from sandbox.stripe.rules import (
    EXPAND,
    LIST,
    Rule,
    Schema,
    instants,
    merge_metadata,
    metadata,
    text,
)
from sandbox.stripe.world import Call, Operation

_PATH = "/v1/customers"
_TEXTS: dict[str, Rule] = {
    "description": text(longest=350, unset=True),
    "email": text(longest=512, unset=True),
    "name": text(longest=256, unset=True),
    "phone": text(longest=20, unset=True),
}


def living(call: Call, customer_id: str, param: str = "customer") -> Body:
    """Return a customer that was not deleted, or refuse the parameter that named it."""
    customer = call.store.get("customer", customer_id, param=param)
    if customer.get("deleted"):
        # A deleted customer is as absent as one that never was.
        return call.store.get("customer", f"{customer_id} (deleted)", param=param)
    return customer


def _create(call: Call) -> Body:
    customer = {
        "id": new_id("cus", 14),
        "object": "customer",
        "address": None,
        "balance": 0,
        "created": call.now,
        "currency": None,
        "default_source": None,
        "delinquent": False,
        **{name: call.params.get(name) for name in _TEXTS},
        "invoice_settings": {"default_payment_method": None},
        "livemode": False,
        "metadata": merge_metadata({}, call.params.get("metadata")),
        "shipping": None,
    }
    call.store.add(customer)
    emit(call, "customer.created", customer)
    return customer


def _retrieve(call: Call) -> Body:
    return call.store.get("customer", call.target)


def _list(call: Call) -> Body:
    return lists.page(call, "customer", _PATH, fits=lambda body: not body.get("deleted"))


def _delete(call: Call) -> Body:
    customer = living(call, call.target, "id")
    for method in call.store.of_kind("payment_method"):
        if method["customer"] == customer["id"]:
            call.store.save({**method, "customer": None})
    gone = {
        "id": customer["id"],
        "object": "customer",
        "created": customer["created"],
        "deleted": True,
    }
    call.store.save(gone)
    emit(call, "customer.deleted", customer)
    return gone


OPERATIONS = (
    Operation(
        name="customers.create",
        method="POST",
        path=_PATH,
        handler=_create,
        schema=Schema({**_TEXTS, "metadata": metadata(), "expand": EXPAND}),
    ),
    Operation(
        name="customers.list",
        method="GET",
        path=_PATH,
        handler=_list,
        schema=Schema({**LIST, "created": instants()}),
    ),
    Operation(
        name="customers.retrieve",
        method="GET",
        path=f"{_PATH}/<target>",
        handler=_retrieve,
        schema=Schema({"expand": EXPAND}),
    ),
    Operation(
        name="customers.delete",
        method="DELETE",
        path=f"{_PATH}/<target>",
        handler=_delete,
    ),
)
