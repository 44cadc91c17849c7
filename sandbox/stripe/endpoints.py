"""Webhook endpoints: where signed events are sent, and with which secret."""

from urllib.parse import urlsplit

from sandbox.stripe import lists
from sandbox.stripe.errors import Body, invalid
from sandbox.stripe.ids import new_id
from sandbox.stripe.rules import (
    EXPAND,
    LIST,
    Schema,
    flag,
    many,
    merge_metadata,
    metadata,
    not_offered,
    text,
)
from sandbox.stripe.world import Call, Operation, World

CONFIGURED = "we_configured"
_EVENTS = many(text(longest=100), most=200)


def configure(world: World) -> None:
    """Make the endpoint that the sandbox was started with, or bring it up to date."""
    url, secret = world.config.webhook_url, world.config.webhook_secret
    with world.store.transaction():
        present = world.store.find(CONFIGURED)
        if url is None:
            if present is not None:
                _forget(world, CONFIGURED)
            return
        if present is None:
            endpoint = _shape(CONFIGURED, url, ["*"], world.clock.stamp())
            world.store.add(endpoint, hidden={"secret": secret})
        else:
            world.store.save({**present, "url": url})
            world.store.hide(CONFIGURED, secret=secret)


def _shape(endpoint_id: str, url: str, enabled: list[str], created: int) -> Body:
    return {
        "id": endpoint_id,
        "object": "webhook_endpoint",
        "api_version": None,
        "application": None,
        "created": created,
        "description": None,
        "enabled_events": enabled,
        "livemode": False,
        "metadata": {},
        "status": "enabled",
        "url": url,
    }


def _create(call: Call) -> Body:
    _check_url(call.params["url"])
    secret = new_id("whsec", 32)
    endpoint = _shape(new_id("we"), call.params["url"], call.params["enabled_events"], call.now)
    endpoint |= {
        "api_version": call.params.get("api_version"),
        "description": call.params.get("description"),
        "metadata": merge_metadata({}, call.params.get("metadata")),
    }
    call.store.add(endpoint, hidden={"secret": secret})
    # The only time that the secret is shown.
    return {**endpoint, "secret": secret}


def _check_url(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise invalid(f"Not a valid URL: {url}", code="url_invalid", param="url")


def _retrieve(call: Call) -> Body:
    return call.store.get("webhook_endpoint", call.target)


def _update(call: Call) -> Body:
    endpoint, params = call.store.get("webhook_endpoint", call.target), call.params
    if "url" in params:
        _check_url(params["url"])
    for name in ("url", "enabled_events", "description"):
        if name in params:
            endpoint[name] = params[name]
    if "disabled" in params:
        endpoint["status"] = "disabled" if params["disabled"] else "enabled"
    if "metadata" in params:
        endpoint["metadata"] = merge_metadata(endpoint["metadata"], params["metadata"])
    return call.store.save(endpoint)


def _delete(call: Call) -> Body:
    call.store.get("webhook_endpoint", call.target)
    _forget(call.world, call.target)
    return {"id": call.target, "object": "webhook_endpoint", "deleted": True}


def _forget(world: World, endpoint_id: str) -> None:
    world.store.remove(endpoint_id)
    world.store.run(
        "update deliveries set state = 'canceled'"
        " where endpoint = ? and state in ('pending', 'held')",
        (endpoint_id,),
    )


def _list(call: Call) -> Body:
    return lists.page(call, "webhook_endpoint", "/v1/webhook_endpoints")


_PATH = "/v1/webhook_endpoints"
_FIELDS = {
    "url": text(),
    "enabled_events": _EVENTS,
    "description": text(unset=True),
    "metadata": metadata(),
    "expand": EXPAND,
}
OPERATIONS = (
    Operation(
        name="webhook_endpoints.create",
        method="POST",
        path=_PATH,
        handler=_create,
        schema=Schema(
            {**_FIELDS, "api_version": text(), "connect": not_offered()},
            required=("enabled_events", "url"),
        ),
    ),
    Operation(
        name="webhook_endpoints.retrieve",
        method="GET",
        path=f"{_PATH}/<target>",
        handler=_retrieve,
        schema=Schema({"expand": EXPAND}),
    ),
    Operation(
        name="webhook_endpoints.list",
        method="GET",
        path=_PATH,
        handler=_list,
        schema=Schema(LIST),
    ),
    Operation(
        name="webhook_endpoints.update",
        method="POST",
        path=f"{_PATH}/<target>",
        handler=_update,
        schema=Schema({**_FIELDS, "disabled": flag()}),
    ),
    Operation(
        name="webhook_endpoints.delete",
        method="DELETE",
        path=f"{_PATH}/<target>",
        handler=_delete,
    ),
)
