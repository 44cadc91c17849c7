"""The commands of the company: `python -m parking manifest | register | stay | serve | …`."""

import argparse
import json
import os
from pathlib import Path
from urllib.parse import urlsplit

from .account import Account
from .city import City, own_key, public_jwk
from .fees import Fees
from .places import Places
from .service import Parking, serve

HERE = Path(__file__).resolve().parent


def main() -> None:
    """Read the command line and do what it says."""
    place = Path(os.environ.get("PARKING_DIR", "parking-data"))
    url = os.environ.get("PARKING_URL", "http://127.0.0.1:8020")
    city = City(os.environ.get("CITY_URL", "http://127.0.0.1:8000"), "parking")
    place.mkdir(exist_ok=True)
    key, books = own_key(place / "key.pem"), place / "books.sqlite"
    asked = _arguments()

    manifest = json.loads((HERE / "manifest.json").read_text(encoding="utf-8"))
    manifest |= {"base_url": url, "keys": [public_jwk(key)]}
    if asked.command == "manifest":
        print(json.dumps(manifest, ensure_ascii=False, indent=2))
    elif asked.command == "register":
        account = Account.read(asked.credentials)
        print(account.call("POST", "/v1/providers", {"manifest": manifest})["status"])
    elif asked.command == "status":
        account = Account.read(asked.credentials)
        print(account.call("GET", f"/v1/providers/{manifest['name']}")["status"])
    elif asked.command == "stay":
        fees = Fees(books)
        for reference in asked.references:
            fees.record_stay(reference, asked.plate, asked.minutes)
            print(reference)
        if asked.tell:
            city.tell(key, "payables.changed", {})
    elif asked.command == "serve":
        parts = urlsplit(url)
        parking = Parking(Fees(books), Places(books), city, key, parts.netloc)
        host, _, port = (asked.listen or parts.netloc).rpartition(":")
        server = serve(parking, host, int(port))
        print(f"parking listens at {host}:{port}", flush=True)
        server.serve_forever()
    elif asked.command == "return":
        print(json.dumps(city.return_payment(key, asked.reference, asked.amount, asked.reason)))
    elif asked.command == "tell":
        city.tell(key, asked.event, json.loads(asked.data))


def _arguments() -> argparse.Namespace:
    reader = argparse.ArgumentParser(prog="parking", description=__doc__)
    commands = reader.add_subparsers(dest="command", required=True)
    commands.add_parser("manifest", help="print what the city is told of us")
    for name, help_ in (("register", "apply to the city"), ("status", "ask how far we have come")):
        ours = commands.add_parser(name, help=help_)
        ours.add_argument("credentials", type=Path)
    stay = commands.add_parser("stay", help="a car has left: write down what is owed")
    stay.add_argument("references", nargs="+")
    stay.add_argument("--plate", default="鄂C·A1234")
    stay.add_argument("--minutes", type=int, default=95)
    stay.add_argument("--tell", action="store_true", help="tell the city that fees have changed")
    serving = commands.add_parser("serve", help="answer the city's calls")
    serving.add_argument("--listen", help="host:port, when a proxy stands before us")
    back = commands.add_parser("return", help="have money sent back to whoever paid a fee")
    back.add_argument("reference")
    back.add_argument("--amount", type=int, help="in fen; left out: all of it")
    back.add_argument("--reason", required=True)
    tell = commands.add_parser("tell", help="send the city an event")
    tell.add_argument("event")
    tell.add_argument("data", help="JSON")
    return reader.parse_args()


if __name__ == "__main__":
    main()
