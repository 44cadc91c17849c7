"""Makes the clients of the API from `openapi.yaml`: `python -m tools.clients [--check] [name…]`.

What is generated is not kept in the repository. Beside it lies the digest of all that it was made
from; one that was made from the present document is left as it is, and `--check` only says so.
"""

import argparse
import fcntl
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent
DOCUMENT = ROOT / "openapi.yaml"
PYTHON = ROOT / "clients" / "python"
TYPESCRIPT = ROOT / "clients" / "typescript"
_MADE_FROM = ".made-from"


@dataclass(frozen=True)
class Client:
    """One language's client: what it is generated from, into which folder, and how."""

    name: str
    sources: tuple[Path, ...]
    generated: Path
    generate: Callable[[], None]

    @property
    def is_current(self) -> bool:
        """Say whether what lies there was made from what its sources are now."""
        made_from = self.generated / _MADE_FROM
        return made_from.is_file() and made_from.read_text(encoding="utf-8") == self._digest()

    def make(self) -> None:
        """Generate it anew; an interrupted run leaves none that passes for current."""
        shutil.rmtree(self.generated, ignore_errors=True)
        self.generate()
        (self.generated / _MADE_FROM).write_text(self._digest(), encoding="utf-8")

    def _digest(self) -> str:
        return sha256(b"\0".join(source.read_bytes() for source in self.sources)).hexdigest()


def _make_python() -> None:
    with tempfile.TemporaryDirectory() as folder:
        document = Path(folder) / "openapi.json"
        document.write_text(json.dumps(_with_one_kind_of_body()), encoding="utf-8")
        _run(
            *(sys.executable, "-m", "openapi_python_client", "generate"),
            *("--path", document, "--config", PYTHON / "generator.yaml"),
            *("--meta", "none", "--output-path", PYTHON / "wudang_api", "--fail-on-warning"),
            folder=PYTHON,
        )


def _with_one_kind_of_body() -> Any:  # noqa: ANN401 - JSON
    """Return the document with the last kind only of each body that may be of several kinds.

    Of several the generator in Python sends the last one anyway, from modules some of which cannot
    be imported.
    """
    document = yaml.load(DOCUMENT.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    for path in document["paths"].values():
        for operation in path.values():
            if isinstance(operation, dict) and "requestBody" in operation:
                body = operation["requestBody"]
                body["content"] = dict([body["content"].popitem()])
    return document


def _make_typescript() -> None:
    _run("npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts", folder=TYPESCRIPT)
    _run("npm", "run", "--silent", "generate", folder=TYPESCRIPT)
    _run("npm", "run", "--silent", "build", folder=TYPESCRIPT)


def _run(*command: str | Path, folder: Path) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command[:3]))} failed:\n{done.stdout}{done.stderr}")


CLIENTS = (
    Client(
        "python",
        (DOCUMENT, PYTHON / "generator.yaml", ROOT / "requirements-dev.txt", Path(__file__)),
        PYTHON / "wudang_api",
        _make_python,
    ),
    Client(
        "typescript",
        (
            DOCUMENT,
            TYPESCRIPT / "package.json",
            TYPESCRIPT / "package-lock.json",
            TYPESCRIPT / "tsconfig.json",
            TYPESCRIPT / "src" / "index.ts",
            TYPESCRIPT / "src" / "fetch.ts",
            *sorted((TYPESCRIPT / "examples").glob("*.ts")),
        ),
        TYPESCRIPT / "src" / "generated",
        _make_typescript,
    ),
)


def main(arguments: Sequence[str]) -> int:
    """Make the clients that are not current, or with `--check` name them; return the status."""
    names = [client.name for client in CLIENTS]
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--check", action="store_true", help="make nothing, say what is not current"
    )
    parser.add_argument("names", nargs="*", metavar="name", help=f"of {', '.join(names)}")
    wanted = parser.parse_args(arguments)
    if unknown := set(wanted.names) - set(names):
        parser.error(f"no client is called {', '.join(sorted(unknown))}")
    late = []
    with (Path(tempfile.gettempdir()) / "wudang-clients.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # tests in several processes come here together
        for client in CLIENTS:
            if (wanted.names and client.name not in wanted.names) or client.is_current:
                continue
            late.append(client.name)
            if not wanted.check:
                client.make()
                print(f"made the client for {client.name} in {client.generated.relative_to(ROOT)}")
    if wanted.check and late:
        print(f"not made from this openapi.yaml: {', '.join(late)}; run `make clients`")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
