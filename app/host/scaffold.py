"""Writes a plug-in that works at once: what `make plugin name=…` leaves in the tree."""

import re
from keyword import iskeyword
from pathlib import Path
from string import Template

from app.host.manifest_schema import LONGEST_NAME, PLUGIN_NAME
from app.host.rules import Ground

TEMPLATES = Path(__file__).parent / "template"
KINDS = ("payable", "guide")
OWNER = "government-services-office"
_SUFFIX = ".template"


class NameRefused(ValueError):
    """A plug-in cannot have this name; the message says why."""


def write_plugin(
    ground: Ground, name: str, kind: str, *, zh: str = "", owner: str = OWNER
) -> list[Path]:
    """Write a new plug-in and its test, and return the files; raise `NameRefused`.

    Check and tests of the new plug-in are green as it is. Nothing that exists is touched.
    """
    if not re.fullmatch(PLUGIN_NAME, name) or len(name) > LONGEST_NAME or iskeyword(name):
        raise NameRefused(f"{name!r} is no name: write lower-case words joined by underscores")
    if not zh.isprintable() or set(zh) & set('"\\{}'):
        raise NameRefused("a title has no quotation marks, braces or backslashes")
    folder, tests = ground.plugins / name, ground.tests / name
    if folder.exists() or tests.exists():
        raise NameRefused(f"there is a plug-in {name!r} already")
    words = {
        "name": name,
        "class_name": "".join(part.capitalize() for part in name.split("_")),
        "service": name.replace("_", "-"),
        "variable": name.upper(),
        "zh": zh or f"新服务{name}",
        "en": name.replace("_", " ").capitalize(),
        "owner": owner,
    }
    written = _fill(TEMPLATES / kind, folder, words)
    if kind != "guide":
        written += _fill(TEMPLATES / "tests", tests, words)
    return written


def _fill(templates: Path, folder: Path, words: dict[str, str]) -> list[Path]:
    folder.mkdir(parents=True)
    written = []
    for template in sorted(templates.glob(f"*{_SUFFIX}")):
        target = template.name.removesuffix(_SUFFIX).replace("test_name", f"test_{words['name']}")
        path = folder / target
        text = Template(template.read_text(encoding="utf-8")).substitute(words)
        path.write_text(text, encoding="utf-8")
        written.append(path)
    return written
