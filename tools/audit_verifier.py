"""Verifies an exported audit trail offline, with public keys and nothing of the product.

    python audit_verifier.py --export trail.jsonl --anchors audit-anchors --key <64 hex digits>

The export is what `audit export` wrote, the anchors are the write-once file that the sealer keeps
outside the database, the key is the Ed25519 public key as its owner published it: never take it
from the export. Give `--anchors` and `--key` several times where there are several.

Status 0: everything exported is what was sealed. Status 1: the first fault is named, on one line of
JSON. Status 2: the input cannot be read.

Forms. Statements are signed as `wudang-audit`, a line feed, and their canonical JSON (RFC 8785)
without `signature` and `leaves`. A seal's `previous` is the SHA-256 of the canonical JSON of the
seal before. A leaf is hashed as 00 ‖ canonical JSON, a node as 01 ‖ left ‖ right (RFC 6962). A
leaf's `source` is SHA-256(salt ‖ canonical {"actor", "address"}).
"""

import argparse
import base64
import binascii
import json
import sys
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

Line = dict[str, Any]
Keys = dict[str, Ed25519PublicKey]

SIGNED = b"wudang-audit\n"
NOTHING_BEFORE = "0" * 64
HEAD = 8
ANCHORED_WITHIN = timedelta(minutes=10)
"""Copy the anchors, then export at once: what is sealed in between may lack its anchor."""
SHORTEST_RETENTION = timedelta(days=180)


class Unreadable(ValueError):
    """The input is not what this program reads."""


@dataclass(eq=False)
class Fault(Exception):
    """The first thing that is wrong: what, in which seal, at which row."""

    code: str
    detail: str
    seal: int | None = None
    entry: int | None = None


def canonical(value: Line) -> bytes:
    """Return canonical JSON (RFC 8785; the trail has ASCII names and no fractions)."""
    return json.dumps(
        value, ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":")
    ).encode()


def leaf_hash(content: bytes) -> bytes:
    """Return the hash of a leaf."""
    return sha256(b"\x00" + content).digest()


def root_of(leaves: list[bytes]) -> bytes:
    """Return the Merkle root of leaf hashes (RFC 6962, 2.1)."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    left = 1 << (len(leaves) - 1).bit_length() - 1
    return sha256(b"\x01" + root_of(leaves[:left]) + root_of(leaves[left:])).digest()


def content_of(statement: Line) -> Line:
    """Return what of a statement is signed."""
    return {name: statement[name] for name in statement if name not in ("signature", "leaves")}


def is_signed(statement: Line, keys: Keys) -> bool:
    """Say whether the key that a statement names is one of ours and has signed it."""
    key = keys.get(str(statement.get("key")))
    if key is None:
        return False
    try:
        signature = base64.b64decode(statement["signature"], validate=True)
        key.verify(signature, SIGNED + canonical(content_of(statement)))
    except (InvalidSignature, KeyError, binascii.Error):
        return False
    return True


def read_lines(path: str, *, is_log: bool) -> list[Line]:
    """Return the JSON objects of a file; a log may hold the torn beginning of a line."""
    lines = Path(path).read_bytes().split(b"\n")
    found = []
    for place, line in enumerate(lines):
        if not line:
            continue
        try:
            value = json.loads(line)
        except ValueError as error:
            following = next((other for other in lines[place + 1 :] if other), None)
            if is_log and (following is None or following.startswith(line)):
                continue  # a crash tore it off; it was written again in full below
            raise Unreadable(f"{path}, line {place + 1}: not JSON") from error
        if not isinstance(value, dict):
            raise Unreadable(f"{path}, line {place + 1}: not an object")
        found.append(value)
    return found


def read_export(path: str) -> list[Line]:
    """Return the lines of an export."""
    lines = read_lines(path, is_log=False)
    if not lines or lines[0].get("kind") != "export":
        raise Unreadable(f"{path}: not an export of the trail")
    return lines


def read_anchors(paths: list[str], keys: Keys) -> tuple[dict[int, Line], dict[int, Line]]:
    """Return anchored seals by number and retirements; every line must be signed and in order."""
    seals: dict[int, Line] = {}
    retired: dict[int, Line] = {}
    for path in paths:
        before = 0
        for line in read_lines(path, is_log=True):
            if not is_signed(line, keys):
                number = line.get("number")
                raise Fault("anchor-forged", "an anchor is not signed by our key", number)
            if line["kind"] == "retirement":
                retired[line["through"]] = line
                continue
            number = line["number"]
            if before and number != before + 1:
                raise Fault("anchor-replayed", f"the anchor after {before} is {number}", number)
            before = number
            known = seals.setdefault(number, line)
            if content_of(known) != content_of(line):
                raise Fault("anchor-differs", "two anchors of one seal differ", number)
    return seals, retired


def verify(export: list[Line], anchor_paths: list[str], keys: Keys) -> Line:
    """Return the figures of a sound trail; raise `Fault` for the first thing that is wrong."""
    anchors, anchored_retirements = read_anchors(anchor_paths, keys)
    seals = [line for line in export if line.get("kind") == "seal"]
    entries = [line for line in export if line.get("kind") == "entry"]
    retired = check_retirements(export, anchored_retirements, seals, keys)
    check_seals(seals, anchors, keys)
    place, after = 0, 0
    writers: dict[str, int] = {}
    for seal in seals:
        of_seal: list[Line] = []
        while place < len(entries) and entries[place]["leaf"]["number"] <= seal["last"]:
            of_seal.append(entries[place])
            place += 1
        if seal["number"] > retired:
            check_entries(seal, of_seal, after, anchors.get(seal["number"]))
            check_writers(of_seal, writers, seal["number"], strict=retired == 0)
            if seal["forged"]:
                detail = "the house had not written it when it was sealed"
                raise Fault("entry-forged", detail, seal["number"], seal["forged"][0])
        after = seal["last"]
    check_writers(entries[place:], writers, None, strict=retired == 0)
    return {
        "sound": True,
        "seals": len(seals),
        "sealed_entries": place,
        "unsealed_entries": len(entries) - place,
        "retired_seals": retired,
        "anchored_from": min(anchors, default=None),
        "anchored_to": max(anchors, default=None),
    }


def check_retirements(
    export: list[Line], anchored: dict[int, Line], seals: list[Line], keys: Keys
) -> int:
    """Return up to which seal entries were taken out of keeping, as signed and as anchored."""
    times = {seal["number"]: seal["at"] for seal in seals}
    through = 0
    for line in (line for line in export if line.get("kind") == "retirement"):
        number = line["through"]
        if not is_signed(line, keys):
            raise Fault("retirement-forged", "a retirement is not signed by our key", number)
        age = datetime.fromisoformat(line["at"]) - datetime.fromisoformat(times[number])
        if age < SHORTEST_RETENTION:
            raise Fault("retired-too-early", f"it was retired after {age.days} days", number)
        through = max(through, number)
    if anchored and max(anchored) > through:
        raise Fault("retirement-missing", "an anchored retirement is gone", max(anchored))
    return through


def check_seals(seals: list[Line], anchors: dict[int, Line], keys: Keys) -> None:
    """Hold the chain of seals against itself, the keys and the anchors."""
    previous, last, expected = NOTHING_BEFORE, 0, 1
    for seal in seals:
        number = seal["number"]
        if number != expected:
            raise Fault("seal-missing", f"seal {expected} is missing", expected)
        anchor = anchors.get(number)
        if not is_signed(seal, keys):
            raise Fault("seal-forged", "its signature is not one of our key", number, seal["first"])
        if anchor is not None and content_of(anchor) != content_of(seal):
            raise Fault("anchor-differs", "the anchored seal is another", number, seal["first"])
        if anchor is None and is_overdue(seal, anchors):
            detail = "it is not anchored: the anchors are older than the trail"
            raise Fault("not-anchored", detail, number, seal["first"])
        if seal["previous"] != previous or seal["first"] <= last:
            raise Fault("chain-broken", "it follows another seal", number, seal["first"])
        previous, last = sha256(canonical(content_of(seal))).hexdigest(), seal["last"]
        expected += 1
    gone = [number for number in sorted(anchors) if number >= expected]
    if gone:
        first = anchors[gone[0]]["first"]
        raise Fault(
            "tail-missing", f"seals from {gone[0]} on are anchored and gone", gone[0], first
        )


def is_overdue(seal: Line, anchors: dict[int, Line]) -> bool:
    """Say whether a seal without an anchor ought to have one.

    Those before the first anchor are held by the chain; the newest may have been made after the
    anchors were copied.
    """
    if not anchors or min(anchors) > seal["number"]:
        return not anchors
    newest = datetime.fromisoformat(anchors[max(anchors)]["at"])
    return bool(
        seal["number"] < max(anchors)
        or datetime.fromisoformat(seal["at"]) - newest > ANCHORED_WITHIN
    )


def check_entries(seal: Line, entries: list[Line], after: int, anchor: Line | None) -> None:
    """Hold the rows under a seal against its root; name the first one that is not as sealed."""
    leaves = [leaf_hash(canonical(entry["leaf"])) for entry in entries]
    numbers = [entry["leaf"]["number"] for entry in entries]
    if len(leaves) == seal["entries"] and root_of(leaves).hex() == seal["root"]:
        for entry in entries:
            check_source(seal, entry)
        return
    if anchor is None or "leaves" not in anchor:
        raise Fault("entries-changed", "its entries do not make its root", seal["number"])
    text = base64.b64decode(anchor["leaves"])
    sealed = [text[at : at + HEAD] for at in range(0, len(text), HEAD)]
    found = [leaf[:HEAD] for leaf in leaves]
    raise first_difference(seal, numbers, found, sealed, after)


def first_difference(
    seal: Line, numbers: list[int], found: list[bytes], sealed: list[bytes], after: int
) -> Fault:
    """Return the fault of the first row that is changed, missing, put in or moved."""
    pairs = enumerate(zip(found, sealed, strict=False))
    place = next((i for i, (a, b) in pairs if a != b), min(len(found), len(sealed)))
    number, here = seal["number"], numbers[place] if place < len(numbers) else None
    before = numbers[place - 1] if place else after
    if here is None:
        return Fault("entry-missing", f"an entry after {before} is missing", number, before + 1)
    if found[place] in sealed[place + 1 :]:
        if set(sealed) <= set(found):
            return Fault("entry-moved", "it stands at another place", number, here)
        return Fault("entry-missing", f"an entry after {before} is missing", number, before + 1)
    if place == len(sealed) or sealed[place] in found[place + 1 :]:
        return Fault("entry-inserted", "it was not there when it was sealed", number, here)
    return Fault("entry-changed", "it is not what was sealed", number, here)


def check_source(seal: Line, entry: Line) -> None:
    """Hold who acted and from where against the commitment in the leaf."""
    who = canonical({"actor": entry["actor"], "address": entry["address"]})
    if sha256(bytes.fromhex(entry["salt"]) + who).hexdigest() != entry["leaf"]["source"]:
        number = entry["leaf"]["number"]
        raise Fault(
            "entry-changed", "its actor or address is not as sealed", seal["number"], number
        )


def check_writers(
    entries: list[Line], writers: dict[str, int], seal: int | None, *, strict: bool
) -> None:
    """Look for gaps: each writer has numbered its rows 1, 2, 3 … in the order of the trail."""
    for entry in entries:
        leaf = entry["leaf"]
        before = writers.get(leaf["writer"], 0 if strict else leaf["sequence"] - 1)
        if leaf["sequence"] != before + 1:
            detail = f"row {before + 1} of writer {leaf['writer']} is missing"
            raise Fault("writer-gap", detail, seal, leaf["number"])
        writers[leaf["writer"]] = leaf["sequence"]


def key_of(text: str) -> tuple[str, Ed25519PublicKey]:
    """Return a public key and the name that seals call it by."""
    raw = bytes.fromhex(text)
    return sha256(raw).hexdigest()[:16], Ed25519PublicKey.from_public_bytes(raw)


def main(arguments: list[str] | None = None) -> int:
    """Verify, print one line of JSON, and return the status."""
    parser = argparse.ArgumentParser(description="Verify an exported audit trail offline.")
    parser.add_argument("--export", required=True, help="what `audit export` wrote")
    parser.add_argument("--anchors", required=True, action="append", help="a file of anchors")
    parser.add_argument("--key", required=True, action="append", help="a public key, 64 hex digits")
    given = parser.parse_args(arguments)
    try:
        export = read_export(given.export)
        found = verify(export, given.anchors, dict(map(key_of, given.key)))
    except Fault as fault:
        print(json.dumps({"sound": False, **asdict(fault)}))
        return 1
    except (Unreadable, OSError, KeyError, TypeError, ValueError) as error:
        print(json.dumps({"sound": None, "error": f"{type(error).__name__}: {error}"}))
        return 2
    print(json.dumps(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
