"""Which gateway serves which method: a setting, and nothing that the use cases know."""

from collections.abc import Iterable, Mapping

from app.core.errors import NotFound
from app.payments.errors import MethodUnavailable
from app.payments.gateway.contract import Gateway, KeepsMethods
from app.payments.values import Method


class Gateways:
    """The gateways of this installation; a method that none serves cannot be paid with."""

    def __init__(self, gateways: Iterable[Gateway], serving: Mapping[Method, str]) -> None:
        self._by_name = {gateway.name: gateway for gateway in gateways}
        self._serving = {method: self._by_name[name] for method, name in serving.items()}

    @property
    def names(self) -> list[str]:
        """Return the gateways that may hold money of ours, whatever serves new payments."""
        return sorted(self._by_name)

    def serving(self, method: Method) -> Gateway:
        """Return who moves the money of a new attempt with this method.

        Raise `MethodUnavailable` when this city does not offer it.
        """
        if method not in self._serving:
            raise MethodUnavailable(errors=[{"pointer": "/method", "message": "Not offered."}])
        return self._serving[method]

    def keeping(self, method: Method) -> tuple[str, KeepsMethods]:
        """Return who keeps a method like this, by name, or raise `MethodUnavailable`."""
        gateway = self.serving(method)
        if not isinstance(gateway, KeepsMethods) or method not in gateway.keeps:
            raise MethodUnavailable(errors=[{"pointer": "/method", "message": "Cannot be kept."}])
        return gateway.name, gateway

    def keeper(self, name: str) -> KeepsMethods:
        """Return the gateway that keeps a method, or raise `NotFound`."""
        gateway = self.named(name)
        if not isinstance(gateway, KeepsMethods):
            raise NotFound
        return gateway

    def named(self, name: str) -> Gateway:
        """Return the gateway that an attempt was opened at, or raise `NotFound`."""
        if name not in self._by_name:
            raise NotFound
        return self._by_name[name]
