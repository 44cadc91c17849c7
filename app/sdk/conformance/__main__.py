"""The command: `python -m app.sdk.conformance URL --name parking --manifest parking.json …`.

Whoever runs it needs the key with which the city signs its calls: the city itself, before it lets a
provider in, or a company whose own test city has a key of its own.
"""

import json
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click

from app.core.egress import Egress
from app.sdk.conformance import run
from app.sdk.conformance.badge import issue_badge, make_badge
from app.sdk.conformance.trial import open_trials
from app.sdk.remote import City
from app.sdk.wire import CONTRACT

_LOOPBACK = {"127.0.0.1", "localhost"}


@click.command()
@click.argument("url")
@click.option("--name", required=True, help="the provider's name in its manifest")
@click.option("--manifest", type=click.Path(path_type=Path, exists=True), required=True)
@click.option("--reference", "references", multiple=True, required=True, help="something unpaid")
@click.option("--claim", "claims", multiple=True, help="what the test citizen shows: phone=139…")
@click.option("--badge", type=click.Path(path_type=Path), help="write a badge if all is kept")
@click.option("--issuer", envvar="PUBLIC_URL", required=True, help="the city's address")
@click.option("--key", envvar="PROVIDER_SIGNING_KEY", required=True, help="the city's key (PEM)")
def main(
    url: str,
    name: str,
    manifest: Path,
    references: tuple[str, ...],
    claims: tuple[str, ...],
    badge: Path | None,
    issuer: str,
    key: str,
) -> None:
    """Try the provider at URL on every duty of the contract and say what was found.

    Of each payable service of the manifest four references of unpaid things are needed; three are
    paid. Ends with status 0 when all duties are kept, and with 1 when one is broken.
    """
    declared = _read(manifest, name)
    city = City.of(key.replace("\\n", "\n"), issuer)
    shown = dict(_pair(claim) for claim in claims)
    findings = []
    for trial in open_trials(url.rstrip("/"), declared, references, city, _egress(url), shown):
        found = run.try_all(trial)
        for line in run.report(trial, found):
            click.echo(line)
        findings.append(found)
    if not findings:
        raise click.UsageError("the manifest declares nothing that can be paid")
    if not all(run.is_conforming(found) for found in findings):
        raise SystemExit(1)
    if badge is not None:
        made = make_badge(issuer, declared, CONTRACT, [duty.id for duty in run.DUTIES])
        badge.write_text(issue_badge(city.signer.key, city.signer.key_id, made) + "\n")
        click.echo(f"badge until {made.expires_at:%Y-%m-%d} in {badge}")


def _read(manifest: Path, name: str) -> dict[str, Any]:
    try:
        declared: dict[str, Any] = json.loads(manifest.read_text(encoding="utf-8"))
    except ValueError as error:
        raise click.UsageError(f"{manifest} is not JSON: {error}") from error
    if declared.get("name") != name:
        raise click.UsageError(f"{manifest} is the manifest of {declared.get('name')!r}")
    return declared


def _pair(claim: str) -> tuple[str, str]:
    name, mark, value = claim.partition("=")
    if not mark:
        raise click.UsageError(f"--claim {claim}: write name=value")
    return name, value


def _egress(url: str) -> Egress:
    """Return a way out; whoever names an address of this machine means it."""
    parts = urlsplit(url)
    return Egress(frozenset({parts.netloc}) if parts.hostname in _LOOPBACK else frozenset())


if __name__ == "__main__":
    main()
