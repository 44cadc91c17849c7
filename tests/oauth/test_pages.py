"""What citizens see, without JavaScript: every step, every refusal, and what nobody may forge."""

import re
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.errors import Malformed
from app.factory import Rooms
from app.http.server import Server
from app.oauth.pages.forms import Form
from tests.conftest import World
from tests.factories import city, later, make_person, make_phone, run_jobs
from tests.factories import log_in as session_of
from tests.oauth.support import RelyingParty, make_client
from tests.oauth.visitor import Visitor

ENGLISH = {"Accept-Language": "en-GB,en;q=0.9"}
BACK = "https://rp.example/callback"


@pytest.fixture(scope="module")
def party(app: Server, rooms: Rooms) -> RelyingParty:
    return make_client(
        app,
        rooms,
        scopes=("openid", "profile", "real_name", "bills.read", "offline_access"),
        redirect_uris=(BACK,),
    )


@pytest.fixture
def phone() -> str:
    return make_phone().removeprefix("+86")


def start(party: RelyingParty, **wanted: str) -> str:
    """Push a request, and return the address that the client sends its citizen to."""
    return party.address(**{"scope": "openid profile bills.read", **wanted})


def code_for(world: World, rooms: Rooms, phone: str) -> str:
    run_jobs(rooms)
    sent = city(world, "GET", f"/sms/messages?to=%2B86{phone}")["items"]
    return next(str(item["code"]) for item in sent if "code" in item)


def log_in(visitor: Visitor, world: World, rooms: Rooms, phone: str) -> Visitor:
    visitor.fill("获取验证码", {"手机号": phone})
    return visitor.fill("登录", {"短信验证码": code_for(world, rooms, phone)})


def answered(visitor: Visitor) -> dict[str, str]:
    """Return what the client is told by the redirect that ends an interaction."""
    assert visitor.outside is not None, visitor.page.text
    assert visitor.outside.startswith(f"{BACK}?")
    return {name: values[0] for name, values in parse_qs(urlsplit(visitor.outside).query).items()}


@pytest.fixture
def visitor(app: Server) -> Visitor:
    return Visitor(app.test_client())


def test_from_log_in_to_consent(
    visitor: Visitor,
    party: RelyingParty,
    world: World,
    rooms: Rooms,
    phone: str,
) -> None:
    visitor.go(start(party, state="s-1"))
    assert "登录后继续前往" in visitor.page.text
    assert visitor.page.lang == "zh-CN"
    log_in(visitor, world, rooms, phone)
    assert "将获得" in visitor.page.text
    assert f"{phone[:3]}****{phone[-4:]}" in visitor.page.text
    assert "用途：登录第三方应用" in visitor.page.text
    assert "您的同意在 90 天内有效" in visitor.page.text
    assert "敏感信息" not in visitor.page.text
    visitor.fill("同意授权", ticks=("bills.read",))
    told = answered(visitor)
    assert told["state"] == "s-1"
    assert told["iss"] == "http://127.0.0.1:8000"
    tokens = party.redeem(told["code"])
    assert tokens.status_code == 200, tokens.text
    assert set(tokens.json["scope"].split()) == {"openid", "bills.read"}  # profile was not ticked


def test_a_second_time_nothing_is_asked(
    visitor: Visitor,
    party: RelyingParty,
    world: World,
    rooms: Rooms,
    phone: str,
) -> None:
    log_in(visitor.go(start(party)), world, rooms, phone)
    visitor.fill("同意授权", ticks=("bills.read", "profile"))
    token = party.redeem(answered(visitor)["code"])
    assert token.status_code == 200
    visitor.outside = None
    visitor.go(start(party))
    assert "code" in answered(visitor)


def test_refusal_at_each_step(
    visitor: Visitor,
    party: RelyingParty,
    world: World,
    rooms: Rooms,
    phone: str,
) -> None:
    visitor.go(start(party, state="s-2")).fill("取消，返回")
    assert answered(visitor)["error"] == "access_denied"
    assert answered(visitor)["state"] == "s-2"
    visitor.outside = None
    log_in(visitor.go(start(party)), world, rooms, phone)
    visitor.fill("拒绝")
    told = answered(visitor)
    assert (told["error"], "code" in told) == ("access_denied", False)


def test_a_wrong_code_says_so_and_keeps_the_page(
    visitor: Visitor,
    party: RelyingParty,
    world: World,
    rooms: Rooms,
    phone: str,
) -> None:
    visitor.go(start(party)).fill("获取验证码", {"手机号": phone})
    right = code_for(world, rooms, phone)
    wrong = f"{(int(right) + 1) % 10**6:06d}"
    visitor.fill("登录", {"短信验证码": wrong})
    assert visitor.answer.status_code == 422
    assert "请检查后再试" in visitor.page.text
    assert 'aria-invalid="true"' in visitor.page.html
    assert visitor.page.links["跳到正文"] == "#main"
    visitor.fill("登录", {"短信验证码": right})
    assert "将获得" in visitor.page.text


@pytest.mark.parametrize("number", ["", "12345", "+44 20 7946 0958", "0719 8888888", "水费"])
def test_a_number_that_is_no_mobile_is_shown_again(
    visitor: Visitor, party: RelyingParty, number: str
) -> None:
    visitor.go(start(party)).fill("获取验证码", {"手机号": number})
    assert visitor.answer.status_code == 422
    assert 'id="phone-why"' in visitor.page.html


def test_english_by_the_browser_and_by_choice(app: Server, party: RelyingParty) -> None:
    english = Visitor(app.test_client(), ENGLISH).go(start(party))
    assert english.page.lang == "en"
    assert "Send me a code" in english.page.text
    assert english.answer.headers["Content-Language"] == "en"
    english.press_link("中文")
    assert english.page.lang == "zh-CN"
    english.go(start(party))
    assert english.page.lang == "zh-CN", "the choice is remembered"


def test_the_clients_wish_comes_before_the_browsers_habit(app: Server, party: RelyingParty) -> None:
    visitor = Visitor(app.test_client(), ENGLISH).go(start(party, ui_locales="zh-CN en"))
    assert visitor.page.lang == "zh-CN"


def test_a_level_is_raised_on_the_way(
    visitor: Visitor,
    party: RelyingParty,
    world: World,
    rooms: Rooms,
    phone: str,
) -> None:
    claims = '{"id_token": {"acr": {"essential": true, "value": "verified"}}}'
    log_in(visitor.go(start(party, scope="openid real_name", claims=claims)), world, rooms, phone)
    assert "实名认证" in visitor.page.text
    person = make_person(world)
    visitor.fill("提交核对", {"姓名": "韩梅梅", "身份证号": person["resident_id"]})
    assert visitor.answer.status_code == 422
    assert person["resident_id"] not in visitor.page.html, "a number is not shown again"
    visitor.fill("提交核对", {"姓名": person["name"], "身份证号": person["resident_id"]})
    assert "将获得" in visitor.page.text
    assert "敏感信息" in visitor.page.text


def test_a_level_that_no_page_can_give_is_explained(
    visitor: Visitor, party: RelyingParty, world: World, rooms: Rooms, phone: str
) -> None:
    claims = '{"id_token": {"acr": {"essential": true, "value": "strong"}}}'
    log_in(visitor.go(start(party, claims=claims)), world, rooms, phone)
    person = make_person(world)
    visitor.fill("提交核对", {"姓名": person["name"], "身份证号": person["resident_id"]})
    assert "人脸核验" in visitor.page.text
    visitor.press_link("已完成，继续")
    assert "人脸核验" in visitor.page.text, "saying so changes nothing"
    visitor.fill("不认证，返回")
    assert answered(visitor)["error"] == "access_denied"


def test_the_number_that_the_client_knows_is_filled_in(
    visitor: Visitor, party: RelyingParty, phone: str
) -> None:
    hint = f'+86{phone}"><script>'
    visitor.go(start(party, login_hint=hint))
    assert dict(visitor.filled("获取验证码"))["phone"] == hint
    assert "<script>" not in visitor.page.html


def test_another_account(
    visitor: Visitor,
    party: RelyingParty,
    world: World,
    rooms: Rooms,
    phone: str,
) -> None:
    log_in(visitor.go(start(party)), world, rooms, phone)
    visitor.fill("换一个账号")
    assert "获取验证码" in visitor.page.text
    other = make_phone().removeprefix("+86")
    log_in(visitor, world, rooms, other)
    assert f"{other[:3]}****{other[-4:]}" in visitor.page.text


PASSWORD = "hebei-lu 27, the red gate"


def set_password(app: Server, world: World, rooms: Rooms, phone: str, password: str) -> None:
    """Log in as the app does, and set a password."""
    someone = session_of(app.test_client(), world, rooms, f"+86{phone}")
    answer = app.test_client().put(
        "/v1/me/password", json={"password": password}, headers=someone.auth
    )
    assert answer.status_code == 204, answer.text


def test_a_long_password_is_enough(
    app: Server, visitor: Visitor, party: RelyingParty, world: World, rooms: Rooms, phone: str
) -> None:
    set_password(app, world, rooms, phone, PASSWORD)
    visitor.go(start(party)).press_link("密码")
    visitor.fill("登录", {"手机号": phone, "密码": "wrong, wrong, wrong"})
    assert visitor.answer.status_code == 422
    assert "wrong, wrong" not in visitor.page.html
    visitor.fill("登录", {"手机号": phone, "密码": PASSWORD})
    assert "将获得" in visitor.page.text


def test_a_number_nobody_has_is_refused_in_the_same_words(
    app: Server, visitor: Visitor, party: RelyingParty, world: World, rooms: Rooms, phone: str
) -> None:
    set_password(app, world, rooms, phone, PASSWORD)
    told = []
    for number in (phone, make_phone().removeprefix("+86")):
        visitor.go(start(party)).press_link("密码")
        visitor.fill("登录", {"手机号": number, "密码": "not this one at all"})
        told.append((visitor.answer.status_code, visitor.page.text))
    assert told[0] == told[1]


def test_a_short_password_asks_for_a_code_besides(
    app: Server, visitor: Visitor, party: RelyingParty, world: World, rooms: Rooms, phone: str
) -> None:
    set_password(app, world, rooms, phone, "27 hebei-lu")
    visitor.go(start(party)).press_link("密码")
    visitor.fill("登录", {"手机号": phone, "密码": "27 hebei-lu"})
    assert visitor.answer.status_code == 422
    assert visitor.page.links["短信验证码"], "the way that is left"


@pytest.mark.parametrize("answer", ["", "{}", "[]", "null", '{"id": "x"}', "[" * 5_000, "水"])
def test_a_passkeys_answer_that_is_none_is_refused(
    visitor: Visitor, party: RelyingParty, answer: str
) -> None:
    visitor.go(start(party))
    visitor.fill("通行密钥")
    assert visitor.page.text.count("JavaScript") == 1
    sent = [(n, answer if n == "answer" else v) for n, v in visitor.fields_of("passkey")]
    refused = visitor.send(sent)
    assert (refused.status_code, refused.mimetype) == (422, "text/html")


def test_a_request_that_cannot_be_trusted_is_a_page_for_people(
    app: Server, party: RelyingParty
) -> None:
    """And it leads nowhere: neither the client nor the address is known to be right."""
    query = f"?client_id={party.client_id}&redirect_uri=https://evil.example/&response_type=code"
    people = {
        "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,"
        "image/apng,*/*;q=0.8,application/signed-exchange;v=b3;q=0.7"
    }
    page = app.test_client().get(f"/oauth/authorize{query}", headers=people)
    assert (page.status_code, page.mimetype) == (400, "text/html")
    assert "Location" not in page.headers
    assert 'href="https://evil' not in page.text
    machines = app.test_client().get(f"/oauth/authorize{query}")
    assert (machines.status_code, machines.mimetype) == (400, "application/json")


# What nobody may do.


def test_a_form_of_another_page_is_refused(
    visitor: Visitor,
    party: RelyingParty,
    world: World,
    rooms: Rooms,
    phone: str,
) -> None:
    log_in(visitor.go(start(party)), world, rooms, phone)
    genuine = visitor.filled("同意授权")
    elsewhere = Visitor(visitor.client).go(start(party, prompt="consent"))
    of_another = dict(elsewhere.filled("同意授权"))["csrf"]
    for proof in ("", "0" * 64, of_another, "水", dict(genuine)["csrf"].upper()):
        forged = [(n, proof if n == "csrf" else v) for n, v in genuine]
        answer = visitor.send(forged)
        assert (answer.status_code, answer.mimetype) == (403, "text/html"), proof
        assert "form-not-ours" in answer.text
    assert visitor.send([(n, v) for n, v in genuine if n != "csrf"]).status_code == 403
    assert visitor.send([*genuine, ("csrf", dict(genuine)["csrf"])]).status_code == 400
    answer = visitor.send(genuine)
    assert answer.status_code == 303, "and the genuine form still works: nothing was decided"
    assert "code=" in answer.headers["Location"]


def test_another_browser_sees_nothing(app: Server, visitor: Visitor, party: RelyingParty) -> None:
    visitor.go(start(party))
    stranger = app.test_client()
    for other in (stranger, app.test_client()):
        answer = other.get(visitor.place)
        assert (answer.status_code, answer.mimetype) == (404, "text/html")
    answer = stranger.post(
        visitor.place,
        data=b"csrf=x&step=refuse",
        content_type="application/x-www-form-urlencoded",
    )
    assert answer.status_code in {403, 404}
    assert visitor.go(visitor.place).answer.status_code == 200


def test_going_back_after_the_decision_is_harmless(
    visitor: Visitor,
    party: RelyingParty,
    world: World,
    rooms: Rooms,
    phone: str,
) -> None:
    log_in(visitor.go(start(party)), world, rooms, phone)
    consent = visitor.filled("同意授权")
    place = visitor.place
    visitor.fill("同意授权")
    again = visitor.send(consent, place)
    assert (again.status_code, again.mimetype) == (409, "text/html")
    assert "interaction-over" in again.text
    assert visitor.client.get(place).status_code == 409


def test_an_old_request_is_a_page_that_says_what_to_do(
    visitor: Visitor, party: RelyingParty
) -> None:
    visitor.go(start(party))
    with later(601):
        visitor.go(visitor.place)
    assert visitor.answer.status_code == 409
    assert "请回到原来的应用" in visitor.page.text


def test_a_step_cannot_be_skipped(
    visitor: Visitor,
    party: RelyingParty,
    world: World,
    rooms: Rooms,
    phone: str,
) -> None:
    visitor.go(start(party))
    hidden = [f for f in visitor.filled("获取验证码") if f[0] == "csrf"]
    answer = visitor.send([*hidden, ("step", "consent"), ("decision", "allow")])
    assert (answer.status_code, answer.mimetype) == (422, "text/html")
    for step in ("", "admin", "log-in", "__class__"):
        answer = visitor.send([*hidden, ("step", step)])
        assert (answer.status_code, answer.mimetype) == (400, "text/html"), step


def test_scopes_that_were_not_asked_for_are_not_granted(
    visitor: Visitor,
    party: RelyingParty,
    world: World,
    rooms: Rooms,
    phone: str,
) -> None:
    log_in(visitor.go(start(party, scope="openid bills.read")), world, rooms, phone)
    sent = [*visitor.filled("同意授权"), ("scope", "real_name"), ("scope", "offline_access")]
    answer = visitor.send(sent)
    code = parse_qs(urlsplit(answer.headers["Location"]).query)["code"][0]
    tokens = party.redeem(code)
    assert tokens.json["scope"] == "openid"


def test_a_page_can_run_and_show_nothing_but_ours(visitor: Visitor, party: RelyingParty) -> None:
    policy = visitor.go(start(party)).answer.headers["Content-Security-Policy"]
    parts = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    assert parts == {
        "default-src": "'none'",
        "style-src": "'self'",
        "script-src": "'self'",
        "img-src": "'self'",
        "form-action": "'self' https://rp.example",
        "base-uri": "'none'",
        "frame-ancestors": "'none'",
    }
    assert visitor.answer.headers["Cache-Control"] == "no-store"
    assert visitor.answer.headers["Referrer-Policy"] == "same-origin"


def test_cookies_are_for_us_alone(
    visitor: Visitor,
    party: RelyingParty,
    world: World,
    rooms: Rooms,
    phone: str,
) -> None:
    answer = visitor.client.get(start(party))
    assert "HttpOnly; Path=/; SameSite=Lax" in answer.headers["Set-Cookie"]
    visitor.go(answer.headers["Location"])
    visitor.fill("获取验证码", {"手机号": phone})
    code = code_for(world, rooms, phone)
    answer = visitor.send(visitor.filled("登录", {"短信验证码": code}))
    assert answer.status_code == 303
    assert "HttpOnly; Path=/; SameSite=Lax" in answer.headers["Set-Cookie"]


def test_over_tls_cookies_belong_to_this_host_alone(app: Server, party: RelyingParty) -> None:
    secure = app.test_client()
    answer = secure.get(start(party), base_url="https://localhost")
    assert answer.headers["Set-Cookie"].startswith("__Host-wudang_browser=")
    assert "Secure" in answer.headers["Set-Cookie"]


def test_a_planted_session_is_not_taken_over(
    visitor: Visitor,
    party: RelyingParty,
    world: World,
    rooms: Rooms,
    phone: str,
) -> None:
    visitor.client.set_cookie("wudang_session", "planted")
    log_in(visitor.go(start(party)), world, rooms, phone)
    held = visitor.client.get_cookie("wudang_session")
    assert held is not None
    assert held.value != "planted"


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"{}", "application/json", 415),
        (b"csrf=%ff&step=phone", "application/x-www-form-urlencoded", 400),
        (b"csrf", "application/x-www-form-urlencoded", 400),
        (b"csrf=a;step=b", "application/x-www-form-urlencoded", 403),
        ("csrf=水".encode(), "application/x-www-form-urlencoded", 400),
        (b"a=%00", "application/x-www-form-urlencoded", 400),
        (b"&".join([b"a=1"] * 100), "application/x-www-form-urlencoded", 400),
        (b"a=" + b"x" * 20_000, "application/x-www-form-urlencoded", 413),
        (b"", "application/x-www-form-urlencoded", 403),
        (b"csrf=a", "multipart/form-data; boundary=x", 415),
    ],
)
def test_a_hostile_body_is_answered_by_a_page(
    visitor: Visitor, party: RelyingParty, body: bytes, kind: str, status: int
) -> None:
    visitor.go(start(party))
    answer = visitor.client.post(visitor.place, data=body, content_type=kind)
    assert (answer.status_code, answer.mimetype) == (status, "text/html"), answer.text


@given(st.binary(max_size=300))
def test_bytes_are_a_form_or_are_refused(raw: bytes) -> None:
    try:
        form = Form(raw)
    except Malformed:
        return
    assert all(isinstance(value, str) and "\x00" not in value for value in form.all("a"))


def test_unknown_arguments_are_refused_with_a_page(visitor: Visitor, party: RelyingParty) -> None:
    visitor.go(start(party))
    for query in ("?next=https://evil.example", "?lang=zh&lang=en", "?challenge=x"):
        answer = visitor.client.get(visitor.place + query)
        assert (answer.status_code, answer.mimetype) == (422, "text/html")
        assert "Location" not in answer.headers


def test_assets_can_be_kept_for_ever(visitor: Visitor, party: RelyingParty) -> None:
    visitor.go(start(party))
    for address in re.findall(r'(?:href|src)="(/oauth/assets/[^"]+)"', visitor.page.html):
        asset = visitor.client.get(address)
        assert asset.status_code == 200
        assert "immutable" in asset.headers["Cache-Control"]
    assert visitor.client.get("/oauth/assets/0/style.css").headers["Cache-Control"] == "no-cache"
    for name in ("..%2Fpages.py", "nothing.css", "page.html"):
        assert visitor.client.get(f"/oauth/assets/0/{name}").status_code == 404
