"""`keys`: every key of the house, replaced while everything runs."""

import json
import os
from dataclasses import asdict, replace
from datetime import timedelta

import click
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from flask import Flask
from flask.cli import AppGroup

from app.cli import layered_keys
from app.core.blind_indexes import count_index_keys
from app.core.clock import now
from app.core.crypto import KEY_SIZE, Keyring
from app.core.data_keys import count_wrappings, rewrap_batch
from app.core.key_file import AddedKeys, KeyFile, SigningEntry
from app.core.tokens import Tokens
from app.credentials.service import CredentialsDeps, count_peppers
from app.factory import Rooms

ACTOR = "command-line"


def register(app: Flask, rooms: Rooms) -> None:
    """Add the group."""
    group = AppGroup("keys", help="Keys: what is live, further ones, the end of old ones.")
    for command in (_status(rooms), _add_encryption(rooms), _rewrap(rooms), _retire(rooms)):
        group.add_command(command)
    group.add_command(_add_signing(rooms))
    for command in layered_keys.commands(rooms):
        group.add_command(command)
    app.cli.add_command(group)


def _status(rooms: Rooms) -> click.Command:
    @click.command("status")
    def status() -> None:
        """Say, as JSON, what rests on each key, and which keys tokens are signed by."""
        keyring: Keyring = rooms.deps[Keyring]
        tokens: Tokens = rooms.deps[Tokens]
        with rooms.units.open(actor=ACTOR, read_only=True) as uow:
            shown = {
                "encryption": count_wrappings(uow, keyring),
                "blind_index": count_index_keys(uow, keyring),
                "pepper": count_peppers(uow, rooms.deps[CredentialsDeps]),
            }
        used = {kind: [asdict(use) for use in uses] for kind, uses in shown.items()}  # type: ignore[attr-defined]
        signing = [
            {
                "kid": key.kid,
                "active_from": key.active_from.isoformat(),
                "ends_at": key.ends_at.isoformat() if key.ends_at else None,
            }
            for key in tokens.signing_keys()
        ]
        click.echo(json.dumps({**used, "token_signing": signing}, indent=1))

    return status


def _add_encryption(rooms: Rooms) -> click.Command:
    @click.command("add-encryption")
    def add() -> None:
        """Add a key-encryption key; new data keys are wrapped by it within a second."""
        numbers: list[int] = []

        def with_one_more(keys: AddedKeys) -> AddedKeys:
            numbers.append(max(rooms.deps[Keyring].encryption_keys) + 1)
            more = {**keys.encryption, numbers[-1]: os.urandom(KEY_SIZE)}
            return replace(keys, encryption=more)

        rooms.deps[KeyFile].change(with_one_more)
        click.echo(f"key-encryption key {numbers[-1]} added; `keys rewrap` moves the data keys")

    return add


def _rewrap(rooms: Rooms) -> click.Command:
    @click.command("rewrap")
    def rewrap() -> None:
        """Wrap every data key by the newest key, 500 in a transaction; safe to run again.

        Run it once every machine has the key file with the newest key.
        """
        total = 0
        while True:
            with rooms.units.open(actor=ACTOR) as uow:
                count = rewrap_batch(uow, rooms.deps[Keyring])
            if count == 0:
                break
            total += count
            click.echo(f"{total} data keys wrapped anew")
        click.echo("no data key is left under an older key")

    return rewrap


def _retire(rooms: Rooms) -> click.Command:
    @click.command("retire-encryption")
    @click.argument("number", type=int)
    def retire(number: int) -> None:
        """End a key-encryption key that wraps nothing any more."""
        keyring: Keyring = rooms.deps[Keyring]
        with rooms.units.open(actor=ACTOR, read_only=True) as uow:
            found = {w.number: w for w in count_wrappings(uow, keyring)}
        wrapping = found.get(number)
        if wrapping is None or not wrapping.is_live:
            raise click.ClickException(f"there is no live key {number}")
        if wrapping.is_newest:
            raise click.ClickException(f"key {number} is the newest; add another one first")
        if wrapping.data_keys:
            raise click.ClickException(
                f"key {number} still wraps {wrapping.data_keys} data keys; run `keys rewrap`"
            )
        rooms.deps[KeyFile].change(
            lambda keys: replace(
                keys,
                encryption={n: key for n, key in keys.encryption.items() if n != number},
                retired=keys.retired | {number},
            )
        )
        click.echo(f"key-encryption key {number} opens nothing any more")

    return retire


def _add_signing(rooms: Rooms) -> click.Command:
    @click.command("add-token-signing")
    @click.option(
        "--publish-ahead",
        type=click.IntRange(min=2),
        default=3600,
        help="Seconds that others have to fetch it before it signs.",
    )
    def add(publish_ahead: int) -> None:
        """Add a token-signing key: published at once, signing later, its predecessor then ends."""
        private = ec.generate_private_key(ec.SECP256R1())
        pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        entry = SigningEntry(pem, now() + timedelta(seconds=publish_ahead))
        rooms.deps[KeyFile].change(lambda keys: replace(keys, signing=(*keys.signing, entry)))
        click.echo(f"a token-signing key signs from {entry.active_from.isoformat()} on")

    return add
