"""What the catalogue refuses."""

from collections.abc import Iterable

from app.core.errors import NotFound
from app.sdk.registry import ServiceNotFound

__all__ = ["CatalogueInvalid", "DepartmentNotFound", "ServiceNotFound"]


class DepartmentNotFound(NotFound):
    """No department has this id."""

    code = "department-not-found"
    title_zh = "没有这个部门"
    title_en = "There is no such department"


class CatalogueInvalid(ValueError):
    """The catalogue's files cannot be loaded; each fault names its file and what to do."""

    def __init__(self, faults: Iterable[str]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(self.faults))
