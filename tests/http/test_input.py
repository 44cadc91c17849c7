"""The input door: query arguments, media types, bodies where none is taken, sizes."""

import pytest
from flask.testing import FlaskClient

JSON = {"Content-Type": "application/json"}
ECHO, BARE, FILES = "/v1/tiny/echoes", "/v1/tiny/bare", "/v1/tiny/files"


class TestQuery:
    def test_arguments_are_understood(self, door: FlaskClient) -> None:
        answer = door.get(ECHO, query_string={"q": "水费", "number": "7", "flag": "true"})
        assert answer.status_code == 200
        assert answer.json == {"q": "水费", "number": 7, "flag": True, "limit": 20}

    def test_an_unknown_argument_is_refused(self, door: FlaskClient) -> None:
        answer = door.get(ECHO, query_string={"q": "a", "Q": "b"})
        assert (answer.status_code, answer.json["code"]) == (422, "invalid-input")
        assert answer.json["errors"] == [{"parameter": "Q", "message": "Unknown field."}]

    def test_an_argument_that_stands_twice_is_refused(self, door: FlaskClient) -> None:
        answer = door.get(f"{ECHO}?q=a&q=a")
        assert (answer.status_code, answer.json["code"]) == (422, "invalid-input")
        assert answer.json["errors"] == [{"parameter": "q", "message": "Stands twice."}]

    @pytest.mark.parametrize("path", [BARE, ECHO])
    @pytest.mark.parametrize("method", ["POST"])
    def test_a_stray_argument_is_refused(self, door: FlaskClient, path: str, method: str) -> None:
        answer = door.open(f"{path}?debug=1", method=method, json={})
        assert (answer.status_code, answer.json["code"]) == (422, "invalid-input")
        assert answer.json["errors"] == [{"parameter": "debug", "message": "Unknown argument."}]

    @pytest.mark.parametrize(
        "query",
        [
            "number=1.0",
            "number=1e3",
            "number=%D9%A1",  # an Arabic digit
            "number=0x10",
            "number=+1",
            "number=-1",
            "number=1_000",
            "number= 1",
            "number=",
            "number=9999999999999999999",
            "flag=True",
            "flag=1",
            "flag=yes",
            "flag=",
            "q=",
            "q=%00",
            "q=%0A",
            "q=%E2%80%AE",  # right-to-left override
            "q=e%CC%81",  # not in NFC
            "q=" + "a" * 201,
            "limit=0",
            "limit=101",
            "limit=ten",
            "cursor=",
            "cursor=a.b",
            "cursor=" + "a" * 601,
        ],
    )
    def test_a_wrong_argument_is_refused(self, door: FlaskClient, query: str) -> None:
        answer = door.get(f"{ECHO}?{query}")
        assert (answer.status_code, answer.json["code"]) == (422, "invalid-input")
        assert {f["parameter"] for f in answer.json["errors"]} == {query.partition("=")[0]}

    @pytest.mark.parametrize("value", ["0", "100000000000", "999999999999999999"])
    def test_an_amount_of_the_largest_kind_can_be_asked(
        self, door: FlaskClient, value: str
    ) -> None:
        answer = door.get(f"{ECHO}?number={value}")
        assert (answer.status_code, answer.json["number"]) == (200, int(value))

    @pytest.mark.parametrize("query", ["%ff=1", "q=%ff%fe", "%", "q=%", "=", "&&&", "q[]=1", "q;x"])
    def test_garbage_in_a_query_is_no_fault_of_ours(self, door: FlaskClient, query: str) -> None:
        assert door.get(f"{ECHO}?{query}").status_code in {200, 422}


class TestMediaTypes:
    @pytest.mark.parametrize(
        "kind",
        [
            "text/plain",
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=x",
            "application/merge-patch+json",
            "application/problem+json",
            "text/json",
            "application/jsonp",
            "application/xml",
            "*/*",
            "json",
            "",
        ],
    )
    def test_a_body_of_another_type_is_refused(self, door: FlaskClient, kind: str) -> None:
        answer = door.post(ECHO, data=b"{}", headers={"Content-Type": kind})
        assert (answer.status_code, answer.json["code"]) == (415, "unsupported-media-type")

    @pytest.mark.parametrize("kind", ["application/json", "Application/JSON; charset=utf-8"])
    def test_json_is_taken(self, door: FlaskClient, kind: str) -> None:
        assert door.post(ECHO, data=b"{}", headers={"Content-Type": kind}).status_code == 200

    @pytest.mark.parametrize("encoding", ["gzip", "br", "identity", "nonsense"])
    @pytest.mark.parametrize("path", [ECHO, FILES])
    def test_an_encoded_body_is_refused(self, door: FlaskClient, path: str, encoding: str) -> None:
        kind = "application/json" if path == ECHO else "text/csv"
        headers = {"Content-Type": kind, "Content-Encoding": encoding}
        answer = door.post(path, data=b"{}", headers=headers)
        assert (answer.status_code, answer.json["code"]) == (415, "unsupported-media-type")

    @pytest.mark.parametrize("kind", ["application/json", "text/plain", "text/html", ""])
    def test_a_file_of_another_type_is_refused(self, door: FlaskClient, kind: str) -> None:
        answer = door.post(FILES, data=b"a,b", headers={"Content-Type": kind})
        assert (answer.status_code, answer.json["code"]) == (415, "unsupported-media-type")

    def test_a_file_is_handed_over_as_it_is(self, door: FlaskClient) -> None:
        raw = b"\xff\xfe\x00," * 3
        answer = door.post(FILES, data=raw, headers={"Content-Type": "text/csv; charset=gb18030"})
        assert (answer.status_code, answer.json["number"]) == (200, len(raw))


class TestSizes:
    def test_a_body_over_the_limit_is_refused(self, door: FlaskClient) -> None:
        raw = b'{"text": "' + b"a" * 256 * 1024 + b'"}'
        answer = door.post(ECHO, data=raw, headers=JSON)
        assert (answer.status_code, answer.json["code"]) == (413, "content-too-large")

    def test_each_operation_has_its_own_limit(self, door: FlaskClient) -> None:
        headers = {"Content-Type": "text/csv"}
        assert door.post(FILES, data=b"a" * 1000, headers=headers).status_code == 200
        answer = door.post(FILES, data=b"a" * 1001, headers=headers)
        assert (answer.status_code, answer.json["code"]) == (413, "content-too-large")

    def test_an_operation_that_takes_nothing_takes_nothing_large(self, door: FlaskClient) -> None:
        answer = door.post(BARE, data=b" " * 300_000, headers=JSON)
        assert (answer.status_code, answer.json["code"]) == (413, "content-too-large")


class TestNoBody:
    @pytest.mark.parametrize("raw", [b"", b"{}", b" {\n} "])
    def test_nothing_and_an_empty_object_are_nothing(self, door: FlaskClient, raw: bytes) -> None:
        assert door.post(BARE, data=raw, headers=JSON).status_code == 204

    @pytest.mark.parametrize("raw", [b'{"a": 1}', b"[]", b"null", b"0", b'""', b"{", b"\xff"])
    def test_anything_else_is_refused(self, door: FlaskClient, raw: bytes) -> None:
        assert door.post(BARE, data=raw, headers=JSON).status_code == 400

    @pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", ""])
    def test_of_another_type_too(self, door: FlaskClient, kind: str) -> None:
        answer = door.post(BARE, data=b"a=1", headers={"Content-Type": kind})
        assert (answer.status_code, answer.json["code"]) == (415, "unsupported-media-type")

    @pytest.mark.parametrize("raw", [b"{}", b'{"a": 1}', b"x", b" " * 300_000])
    @pytest.mark.parametrize("path", [BARE, ECHO])
    @pytest.mark.parametrize("kind", ["application/json", "text/plain"])
    def test_who_reads_sends_no_body(
        self, door: FlaskClient, path: str, kind: str, raw: bytes
    ) -> None:
        answer = door.get(path, data=raw, headers={"Content-Type": kind})
        assert (answer.status_code, answer.json["code"]) == (400, "malformed-request")

    def test_an_empty_body_is_no_body(self, door: FlaskClient) -> None:
        assert door.get(BARE, headers={**JSON, "Content-Length": "0"}).status_code == 204


class TestPaths:
    @pytest.mark.parametrize(
        "path",
        [
            "/v1/tiny/bare/",
            "/v1/tiny//bare",
            "//v1/tiny/bare",
            "/v1/tiny/../tiny/bare",
            "/V1/tiny/bare",
            "/v1/tiny/bare%00",
            "/v1/tiny/bare%ff",
            "/v1/tiny/%2e%2e/bare",
            "/v1/tiny/bare;a=1",
            "/v1/payments/1",
            "/v1/payments/{}".format("0" * 32),
            "/v1/payments/00000000-0000-0000-0000-00000000000g",
            "/v1/payments/" + "a" * 5000,
            "/v1/services/Water-Bill",
            "/v1/services/-",
            "/v1/services/" + "a" * 65,
            "/v1/services/water%20bill",
            "/v1/services/%E6%B0%B4",
            "/%",
            "/\\",
        ],
    )
    def test_an_address_is_exactly_an_address(self, door: FlaskClient, path: str) -> None:
        answer = door.get(path)
        assert (answer.status_code, answer.json["code"]) == (404, "not-found")
