"""Runs a command of the product in the environment of the sandbox.

`python -m sandbox.within flask --app wsgi demo` speaks to what `make run` has started;
`python -m sandbox.within --alone …` needs nothing running: for commands that only read the code.
"""

import json
import os
import sys
import sysconfig
from pathlib import Path
from typing import NoReturn

from sandbox.environment import Outside, Secrets, product_environment
from sandbox.plan import data_dir_from
from sandbox.run import ENVIRONMENT_FILE, ROOT

_ALONE = "--alone"
# The discard port: nobody answers there, and nobody is asked.
_NOWHERE = "127.0.0.1:9"


def main() -> None:
    """Replace this process by the command; end with status 2, saying why, when that cannot be."""
    alone = sys.argv[1:2] == [_ALONE]
    command = sys.argv[2:] if alone else sys.argv[1:]
    if not command:
        _refuse(str(__doc__))
    data_dir = data_dir_from(os.environ)
    try:
        environment = _alone(data_dir) if alone else _of_run(data_dir)
    except FileNotFoundError:
        _refuse(f"nothing runs in {data_dir}: start it with `make run`")
    scripts = sysconfig.get_path("scripts")
    path = os.pathsep.join(filter(None, (scripts, os.environ.get("PATH"))))
    os.chdir(ROOT)
    os.execvpe(  # noqa: S606 - the caller's own command
        command[0], command, {**os.environ, **environment, "PATH": path}
    )


def _refuse(reason: str) -> NoReturn:
    sys.stderr.write(f"{reason}\n")
    sys.exit(2)


def _of_run(data_dir: Path) -> dict[str, str]:
    kept: dict[str, str] = json.loads((data_dir / ENVIRONMENT_FILE).read_text())
    return kept


def _alone(data_dir: Path) -> dict[str, str]:
    database = f"postgresql+psycopg://nobody@{_NOWHERE}/nothing"
    outside = Outside(
        database_url=database,
        database_owner_url=database,
        redis_url=f"redis://{_NOWHERE}",
        city_url=f"http://{_NOWHERE}",
        stripe_url=f"http://{_NOWHERE}",
    )
    return product_environment(
        outside=outside, secrets=Secrets.fresh(), port=8000, data_dir=data_dir
    )


if __name__ == "__main__":
    main()
