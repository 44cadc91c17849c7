"""What the catalogue refuses."""

from collections.abc import Iterable

from app.core.errors import Conflict, NotFound
from app.sdk.registry import ServiceNotFound

__all__ = [
    "CatalogueInvalid",
    "DepartmentNotFound",
    "FavouritesChanged",
    "FavouritesFull",
    "ServiceNotFound",
    "VersionNotFound",
]


class DepartmentNotFound(NotFound):
    """No department has this id."""

    code = "department-not-found"
    title_zh = "没有这个部门"
    title_en = "There is no such department"


class VersionNotFound(NotFound):
    """The service has no such version."""

    code = "version-not-found"
    title_zh = "没有这个版本"
    title_en = "There is no such version"


class FavouritesFull(Conflict):
    """There are sixty favourites; remove one first."""

    code = "favourites-full"
    title_zh = "收藏已满，请先移除一项"
    title_en = "There is no room for another favourite"


class FavouritesChanged(Conflict):
    """An order names each favourite once and nothing else; read the list again."""

    code = "favourites-changed"
    title_zh = "收藏已有变动，请刷新后再排序"
    title_en = "These are not the favourites that there are"


class CatalogueInvalid(ValueError):
    """The catalogue's files cannot be loaded; each fault names its file and what to do."""

    def __init__(self, faults: Iterable[str]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(self.faults))
