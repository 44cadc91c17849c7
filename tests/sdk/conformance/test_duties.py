"""Each duty of the contract is kept by the example, and found broken where somebody breaks it."""

from pathlib import Path

import pytest

from app.sdk.conformance import run
from tests.docs.test_providers import DUTIES_OF_THE_PAGE
from tests.sdk.conformance.company import REFERENCES, Edit, open_company

SLOWLY = """
        for at in range(len(body)):
            self.wfile.write(body[at : at + 1])
            time.sleep(0.4)"""
WITHOUT_END = """
        try:
            for _ in range(200_000):
                self.wfile.write(bytes(50_000))
        except OSError:
            self.close_connection = True"""
WRITE = "\n        self.wfile.write(body)"
ANSWER = "            self._send(status, headers, body)"
SENT = "        self._send(status, headers, body)"
VERIFY = "        key.verify(base64.b64decode(signature, validate=True), _base(lines, raw))"
SLOW_TO_WRITE = """\
                fee = _unpaid(books, notice.reference)
                __import__("time").sleep(1.0)"""
UNLESS_UNSIGNED = """\
signed = (
                self.service.admit(request, now)
                if "signature" in request.headers
                else Signed("none", now, ":AA==:")
            )"""

SPOILT: list[tuple[str, str, list[Edit]]] = [
    (
        "discovery",
        "speaks another contract",
        [("service.py", '{"contract": CONTRACT,', '{"contract": 2,')],
    ),
    (
        "discovery",
        "goes by another name",
        [("service.py", '"name": self.city.name', '"name": "somebody"')],
    ),
    ("health", "is not well", [("service.py", '{"status": "ok"}', '{"status": "so so"}')]),
    (
        "health",
        "redirects",
        [
            (
                "service.py",
                '        return {"status": "ok"}',
                '        raise Refused(302, "away", "Go")',
            )
        ],
    ),
    ("health", "trickles", [("service.py", WRITE, SLOWLY)]),
    (
        "health",
        "sends ten gigabytes",
        [
            ("service.py", WRITE, WITHOUT_END),
            ("service.py", '"Content-Length": str(len(body))', '"Content-Length": str(10**10)'),
        ],
    ),
    (
        "signed-answers",
        "signs nothing",
        [("service.py", SENT, '        self._send(status, {"Content-Type": kind}, body)')],
    ),
    (
        "signed-answers",
        "does not sign refusals",
        [
            (
                "service.py",
                SENT,
                "        if status != HTTPStatus.OK:\n"
                '            headers = {"Content-Type": kind}\n' + SENT,
            )
        ],
    ),
    (
        "signed-answers",
        "signs for another request",
        [("signing.py", "asked.signature),", '":" + "A" * 86 + "==:"),')],
    ),
    (
        "signed-answers",
        "sends another body than it signed",
        [("service.py", SENT, '        self._send(status, headers, body + b" ")')],
    ),
    (
        "signed-answers",
        "signs with a key that is not in its manifest",
        [
            (
                "signing.py",
                "base64.b64encode(key.private.sign(",
                "base64.b64encode(Ed25519PrivateKey.generate().sign(",
            )
        ],
    ),
    (
        "unknown-reference",
        "finds what is not there",
        [("fees.py", "        raise NO_SUCH_FEE", '        return Fee(reference, "x", 60, 300)')],
    ),
    (
        "both-languages",
        "has no English",
        [("service.py", 'f"Parking fee {fee.plate}, {hours} h {minutes} min"', '" "')],
    ),
    ("both-languages", "names another service", [("service.py", '"parking-fee"', '"another"')]),
    (
        "whole-amounts",
        "counts in fractions",
        [("service.py", '": fee.amount,', '": fee.amount / 1,')],
    ),
    ("whole-amounts", "counts in texts", [("service.py", '": fee.amount,', '": str(fee.amount),')]),
    ("whole-amounts", "wants nothing", [("service.py", '": fee.amount,', '": 0,')]),
    (
        "whole-amounts",
        "counts in dollars",
        [("service.py", '"currency": CURRENCY', '"currency": "USD"')],
    ),
    (
        "declared-payee",
        "has a secret payee",
        [("service.py", '"payee": PAYEE', '"payee": "cousin"')],
    ),
    (
        "asking-changes-nothing",
        "changes its mind",
        [("service.py", '"version": str(fee.amount)', '"version": str(time.time_ns())')],
    ),
    (
        "listed-as-payable",
        "lists other amounts",
        [("service.py", "[_payable(fee) for", '[{**_payable(fee), "amount": 1} for')],
    ),
    (
        "paid-once",
        "forgets what was paid",
        [("fees.py", "        raise ALREADY_PAID", "        pass")],
    ),
    (
        "repeated-notice",
        "answers differently",
        [
            (
                "fees.py",
                '    return Booking(f"PK-{number:06d}", booked_at)',
                '    return Booking(f"PK-{number:06d}", now())',
            )
        ],
    ),
    (
        "unknown-key",
        "has booked everything",
        [
            (
                "fees.py",
                'raise Refused(404, "no-such-payment", "Nothing was booked under this key")',
                'return Booking("PK-0", now())',
            )
        ],
    ),
    (
        "personal-data",
        "forgets nobody",
        [
            (
                "fees.py",
                '"DELETE FROM asked WHERE citizen = ?"',
                '"DELETE FROM asked WHERE ? IS NULL"',
            )
        ],
    ),
    (
        "problems",
        "refuses without a code",
        [("service.py", ' "code": no.code}', "}")],
    ),
    ("problems", "calls a refusal plain JSON", [("service.py", "else PROBLEM", "else JSON")]),
    (
        "odd-references",
        "falls over what is not ASCII",
        [
            (
                "service.py",
                "fee = self.fees.find(",
                'call.parts[0].encode("ascii")\n        fee = self.fees.find(',
            )
        ],
    ),
    (
        "strangers",
        "shows everybody everything",
        [("fees.py", "WHERE citizen = ? AND reference", "WHERE ? <> '' AND reference")],
    ),
    (
        "told-at-once",
        "looks before it writes",
        [
            ("fees.py", "key TEXT NOT NULL UNIQUE", "key TEXT NOT NULL"),
            ("fees.py", "reference TEXT NOT NULL UNIQUE", "reference TEXT NOT NULL"),
            ("books.py", '"BEGIN IMMEDIATE"', '"SELECT 1"'),
            ("books.py", '"COMMIT"', '"SELECT 1"'),
            (
                "fees.py",
                "                fee = _unpaid(books, notice.reference)",
                SLOW_TO_WRITE,
            ),
            (
                "fees.py",
                'booked_at FROM payments WHERE key = ?"',
                'booked_at FROM payments WHERE key = ? ORDER BY RANDOM()"',
            ),
        ],
    ),
    (
        "unsigned",
        "takes what nobody has signed",
        [
            (
                "service.py",
                "signed = self.service.admit(request, now)",
                UNLESS_UNSIGNED,
            )
        ],
    ),
    ("forged", "verifies no signature", [("signing.py", VERIFY, "        _base(lines, raw)")]),
    (
        "unknown-signer",
        "takes every key",
        [
            (
                "signing.py",
                '        raise BadSignature("we do not know this key")',
                '        return Signed(parameters["nonce"], expires, f":{signature}:")',
            )
        ],
    ),
    (
        "stale",
        "has no clock",
        [("signing.py", "not created - CLOCKS_DIFFER_BY <= now <= expires or ", "")],
    ),
    (
        "replayed",
        "has no memory",
        [
            (
                "service.py",
                '            raise BadSignature("this request came before")',
                "            pass",
            )
        ],
    ),
    (
        "swapped-body",
        "looks at no digest",
        [("signing.py", "if told != content_digest(request.body)", 'if told == "nothing"')],
    ),
    (
        "swapped-body",
        "verifies no signature",
        [("signing.py", VERIFY, "        _base(lines, raw)")],
    ),
    ("moved", "verifies no signature", [("signing.py", VERIFY, "        _base(lines, raw)")]),
    (
        "other-purpose",
        "does not ask what a signature is for",
        [("signing.py", 'parameters.get("tag") != FROM_CITY or ', "")],
    ),
    (
        "other-provider",
        "takes what was meant for others",
        [("signing.py", ".lower() != authority:", '.lower() == "nobody":')],
    ),
    (
        "uncovered",
        "does not ask what is signed",
        [("signing.py", "not wanted <= set(covered) or ", "")],
    ),
    (
        "context-needed",
        "shows fees to nobody",
        [
            (
                "service.py",
                '        raise Refused(403, "citizen-context-missing", "We do not know for whom")',
                '        return Citizen("anybody", "basic", {})',
            )
        ],
    ),
    (
        "context-forged",
        "believes every context",
        [
            (
                "city.py",
                '            key.verify(_decoded(signature), f"{head}.{body}".encode())\n',
                "",
            )
        ],
    ),
    (
        "context-expired",
        "believes old contexts",
        [("city.py", ' or not claims["iat"] - 10 <= now <= claims["exp"]', "")],
    ),
    (
        "context-for-another",
        "believes contexts for others",
        [("city.py", ' and claims["aud"] == f"provider:{self.name}"', "")],
    ),
    (
        "operations-answer",
        "answers in another form",
        [("service.py", '{"free": self', '{"places": self')],
    ),
    (
        "operations-answer",
        "says more than it declares",
        [("service.py", '{"number": self.', '{"plate": "鄂C·A1234", "number": self.')],
    ),
    (
        "operations-answer",
        "refuses as it has never said",
        [
            ("places.py", 'CAR_PARKS = {"north": 120', 'CAR_PARKS = {"south": 120'),
            ("places.py", '"no-such-car-park"', '"closed-on-mondays"'),
        ],
    ),
    (
        "operations-answer",
        "signs nothing of its own",
        [
            (
                "service.py",
                SENT,
                '        if self.path.startswith("/operations/"):\n'
                '            headers = {"Content-Type": kind}\n' + SENT,
            )
        ],
    ),
    (
        "operations-repeated",
        "reserves another place each time",
        [
            (
                "service.py",
                "self.places.reserve(call.key,",
                "self.places.reserve(str(time.time_ns()),",
            )
        ],
    ),
    (
        "operations-context",
        "counts for nobody",
        [
            (
                "service.py",
                """        _of(call)
        return {"free\"""",
                """        return {"free\"""",
            )
        ],
    ),
    (
        "operations-context",
        "reserves for nobody",
        [("service.py", "Wish(_of(call).reference,", 'Wish("nobody",')],
    ),
    (
        "operations-undeclared",
        "counts the places of everything",
        [
            (
                "service.py",
                'parking-fee/car-parks/([^/]+)", _count',
                'parking-fee/car-parks/([^/]+).*", _count',
            )
        ],
    ),
    (
        "operations-undeclared",
        "calls it a bad request",
        [("service.py", 'Refused(404, "no-such-call"', 'Refused(400, "no-such-call"')],
    ),
    (
        "context-of-another-kind",
        "believes every token",
        [("city.py", '(header["alg"], header["typ"]) != ("EdDSA", CONTEXT_TYPE) or ', "")],
    ),
]


def test_every_duty_is_broken_here_and_explained_to_providers() -> None:
    ids = [duty.id for duty in run.DUTIES]
    assert {duty for duty, _, _ in SPOILT} == set(ids)
    assert ids == DUTIES_OF_THE_PAGE


def test_the_example_keeps_every_duty(tmp_path: Path) -> None:
    with open_company(tmp_path) as company:
        findings = run.try_all(company.trial)
        report = "\n".join(run.report(company.trial, findings))
        assert run.is_conforming(findings), report
        assert report.endswith(f"{len(run.DUTIES)} duties: {len(run.DUTIES)} kept, 0 broken")
        assert company.paid() == REFERENCES[:3], "no forged request has paid anything"


@pytest.mark.parametrize(
    ("duty", "edits"),
    [pytest.param(duty, edits, id=f"{duty}: {what}") for duty, what, edits in SPOILT],
)
def test_a_provider_that_breaks_a_duty_is_found(
    tmp_path: Path, duty: str, edits: list[Edit]
) -> None:
    with open_company(tmp_path, *edits) as company:
        (finding,) = run.try_all(company.trial, {duty})
    assert not finding.is_kept, finding.seen
    assert finding.seen
    assert not run.is_conforming([finding])


def test_who_declares_no_operation_owes_none(tmp_path: Path) -> None:
    ids = {duty.id for duty in run.DUTIES if duty.id.startswith("operations-")}
    with open_company(tmp_path) as company:
        manifest = dict(company.trial.manifest)
        manifest["services"] = [
            {name: value for name, value in service.items() if name != "operations"}
            for service in manifest["services"]
        ]
        company.trial.manifest = manifest
        findings = run.try_all(company.trial, ids)
    assert [(f.is_kept, f.seen) for f in findings] == [(True, "it declares no operation")] * 4


def test_operations_of_services_that_nobody_pays_for_are_tried(tmp_path: Path) -> None:
    with open_company(tmp_path) as company:
        (own,) = company.trial.manifest["services"]
        shown = {**own, "id": "free-places", "kind": "listing"}
        other = {**own, "id": "other-fee"}
        company.trial.manifest = {**company.trial.manifest, "services": [own, shown, other]}
        tried = [(one.service, one.operation.id) for one in company.trial.operations]
        (finding,) = run.try_all(company.trial, {"operations-answer"})
    names = ("count-free-places", "reserve-place")
    assert tried == [
        (service, name) for service in ("parking-fee", "free-places") for name in names
    ]
    assert not finding.is_kept, "the company answers for one service only"


def test_an_operation_without_an_example_is_a_broken_duty(tmp_path: Path) -> None:
    with open_company(tmp_path) as company:
        (own,) = company.trial.manifest["services"]
        bare = [{n: v for n, v in one.items() if n != "example"} for one in own["operations"]]
        services = [{**own, "operations": bare}]
        company.trial.manifest = {**company.trial.manifest, "services": services}
        (finding,) = run.try_all(company.trial, {"operations-answer"})
    assert (finding.is_kept, finding.seen) == (
        False,
        "the manifest declares an operation without 'example'",
    )


def test_who_does_not_answer_at_all_is_asked_no_further(tmp_path: Path) -> None:
    with open_company(tmp_path, ("service.py", '{"status": "ok"}', '{"status": "ill"}')) as company:
        findings = run.try_all(company.trial)
    assert [f.duty.id for f in findings if f.is_kept] == ["discovery"]
    report = list(run.report(company.trial, findings))
    assert any("cure: answer GET /health with 200" in line for line in report)
    assert sum("not tried" in line for line in report) == len(run.DUTIES) - 2


def test_references_run_out(tmp_path: Path) -> None:
    with open_company(tmp_path) as company:
        company.trial.references = REFERENCES[:1]
        findings = run.try_all(company.trial, {"paid-once", "repeated-notice"})
    assert [f.is_kept for f in findings] == [True, False]
    assert "give more" in findings[1].seen
