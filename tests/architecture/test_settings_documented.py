"""Every setting stands in `config/example.env`, and nothing else reads the environment."""

import ast
import re
import tomllib

import pytest

from config.settings import ROOT, Settings, SettingsInvalid
from tests.architecture.source import dotted, files_of, name_of, tree_of

EXAMPLE = ROOT / "config" / "example.env"
READERS = {
    "text",
    "optional",
    "choice",
    "number",
    "number_or_none",
    "within",
    "names",
    "pairs",
    "networks",
    "certificates",
    "key",
    "together",
}
# Read by a library of ours, not by us.
LIBRARIES = {"PROMETHEUS_MULTIPROC_DIR"}
# An example with secrets in it would be an installation without any.
SECRETS = {
    "STRIPE_API_KEY",
    "STRIPE_PUBLISHABLE_KEY",
    "STRIPE_WEBHOOK_SECRET",
    "TOKEN_SIGNING_KEY",
    "KEY_ENCRYPTION_KEY",
    "BLIND_INDEX_KEY",
    "PEPPER_KEY",
    "AUDIT_SIGNING_KEY",
    "PROVIDER_SIGNING_KEY",
    "RECEIPT_SIGNING_KEY",
    "RECEIPT_SIGNING_CERTIFICATE",
}


def read_by_the_house() -> set[str]:
    tree = tree_of(ROOT / "config" / "settings.py")
    return {
        argument.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in READERS
        for argument in (node.args if node.func.attr == "together" else node.args[:1])
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str)
    }


def read_by_plugins() -> set[str]:
    manifests = [
        tomllib.loads(path.read_text(encoding="utf-8"))
        for path in (ROOT / "plugins").glob("*/manifest.toml")
    ]
    return {
        f"{manifest['name']}_{setting}".upper()
        for manifest in manifests
        for setting in manifest.get("settings", ())
    }


def example() -> dict[str, str]:
    lines = EXAMPLE.read_text(encoding="utf-8").splitlines()
    pairs = (line.partition("=") for line in lines if re.match(r"[A-Z]", line))
    return {name: value for name, _, value in pairs}


def test_the_example_names_every_setting_and_no_other() -> None:
    assert len(read_by_the_house()) > 25
    assert set(example()) == read_by_the_house() | read_by_plugins() | LIBRARIES


def test_the_example_holds_no_secret_and_lacks_nothing_else() -> None:
    assert {name for name in SECRETS if example()[name]} == set()
    with pytest.raises(SettingsInvalid) as refused:
        Settings.from_env(example())
    named = set(re.findall(r"\b[A-Z][A-Z_]+\b(?= (?:is missing|must))", str(refused.value)))
    assert named == SECRETS - {"STRIPE_WEBHOOK_SECRET"}


def test_every_line_of_the_example_is_explained() -> None:
    """A variable follows a comment, directly or after others that the comment is about."""
    explained = False
    for line in EXAMPLE.read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            explained = True
        elif not line:
            explained = False
        else:
            assert explained, line


def test_the_environment_is_read_where_the_programs_begin() -> None:
    found = {
        name_of(path)
        for path in [*files_of("app", "plugins", "config"), ROOT / "wsgi.py"]
        for node in ast.walk(tree_of(path))
        if _reads_environment(node)
    }
    beginnings = {"wsgi.py", "app/worker.py"}
    assert {name for name in found if not name.startswith("app/cli/")} == beginnings


def _reads_environment(node: ast.AST) -> bool:
    if isinstance(node, ast.Attribute):
        return dotted(node) in {"os.environ", "os.getenv", "os.environb"}
    return (
        isinstance(node, ast.ImportFrom)
        and node.module in {"os", "environs"}
        and any(name.name in {"environ", "getenv", "Env"} for name in node.names)
    )
