"""Log-in, consent, refusal and all that may go wrong, in a real browser on a screen of a phone."""

import json
from collections.abc import Iterator

import pytest
from sqlalchemy import text

from app.http.server import Server
from tests.browser.accessibility import faults_of
from tests.browser.chromium import Browser
from tests.browser.landing import Landing, authorize_url, serve_landing
from tests.browser.person import log_in, new_number
from tests.factories import make_person
from tests.oauth.support import RelyingParty, make_client
from tests.site import Site

VERIFIED = json.dumps({"id_token": {"acr": {"essential": True, "value": "verified"}}})


@pytest.fixture(scope="module")
def landing() -> Iterator[Landing]:
    with serve_landing() as landing:
        yield landing


@pytest.fixture(scope="module")
def party(app: Server, site: Site, landing: Landing) -> RelyingParty:
    return make_client(
        app,
        site.rooms,
        profile="plain",
        auth_method="none",
        name="十堰智慧停车",
        name_en="Shiyan Smart Parking",
        scopes=("openid", "profile", "real_name", "bills.read", "offline_access"),
        redirect_uris=(landing.callback,),
    )


@pytest.fixture
def url(site: Site, landing: Landing, party: RelyingParty) -> str:
    landing.came.clear()
    return authorize_url(site.url, party.client_id, landing.callback)


def url_with(site: Site, landing: Landing, party: RelyingParty, **wanted: str) -> str:
    landing.came.clear()
    return authorize_url(site.url, party.client_id, landing.callback, **wanted)


def test_log_in_and_consent(browser: Browser, site: Site, landing: Landing, url: str) -> None:
    browser.open(url)
    assert browser.language == "zh-CN"
    assert "十堰智慧停车" in browser.text
    assert faults_of(browser) == []
    number = new_number()
    browser.fill("手机号", number)
    browser.press("获取验证码")
    assert faults_of(browser) == []
    browser.fill("短信验证码", "000000")
    browser.press("登录")
    assert "请检查后再试" in browser.text
    assert faults_of(browser) == []
    browser.fill("短信验证码", site.code_for(number))
    browser.press("登录")
    assert "授权给十堰智慧停车" in browser.text
    assert faults_of(browser) == []
    browser.tick("查看您的账单")
    browser.press("同意授权")
    assert browser.address.startswith(landing.callback)
    (told,) = landing.came
    assert set(told) == {"code", "state", "iss"}
    assert told["iss"] == site.url
    refused = [said for said in browser.complaints() if "status of 422" not in said]
    assert refused == [], "nothing of ours is against our own policy"


def test_without_javascript(browser: Browser, site: Site, landing: Landing, url: str) -> None:
    browser.switch_scripts(on=False)
    browser.open(url)
    log_in(browser, site, new_number())
    browser.tick("查看您的账单")
    browser.press("同意授权")
    assert "code" in landing.came[0]


def test_refusal(browser: Browser, site: Site, landing: Landing, url: str) -> None:
    browser.open(url)
    log_in(browser, site, new_number())
    browser.press("拒绝")
    (told,) = landing.came
    assert told["error"] == "access_denied"
    assert "code" not in told


def test_going_back_after_consent(browser: Browser, site: Site, landing: Landing, url: str) -> None:
    browser.open(url)
    log_in(browser, site, new_number())
    browser.press("同意授权")
    browser.driver.back()
    browser.wait_until_at(site.url)
    browser.driver.refresh()
    browser.wait_for("请回到原来的应用")
    assert faults_of(browser) == []
    assert len(landing.came) == 1


def test_an_old_request_says_what_to_do(browser: Browser, site: Site, url: str) -> None:
    browser.open(url)
    with site.rooms.units.open(actor="test") as uow:
        past = "update interactions set expires_at = created_at where id = :id"
        uow.execute(text(past), {"id": browser.address.rsplit("/", 1)[1]})
    browser.driver.refresh()
    assert "请回到原来的应用" in browser.text
    assert faults_of(browser) == []


def test_the_name_is_verified_when_a_client_needs_it(
    browser: Browser, site: Site, landing: Landing, party: RelyingParty
) -> None:
    browser.open(url_with(site, landing, party, claims=VERIFIED, scope="openid real_name"))
    log_in(browser, site, new_number())
    assert "实名认证" in browser.text
    assert faults_of(browser) == []
    person = make_person(site.world)
    browser.fill("姓名", person["name"])
    browser.fill("身份证号", person["resident_id"])
    browser.press("提交核对")
    browser.tick("真实姓名")
    browser.press("同意授权")
    assert "code" in landing.came[0]


MAKE_PASSKEY = """
const [options, done] = arguments
const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(options)
navigator.credentials.create({ publicKey }).then((made) => done(made.toJSON()), (e) => done(`${e}`))
"""


def make_passkey(browser: Browser, site: Site, number: str) -> None:
    """Let a citizen make a passkey on the device of this browser, as the app does."""
    token = log_in_by_api(site, number)
    bearer = {"Authorization": f"Bearer {token}"}
    asked = site.live.post("/v1/me/passkeys/options", {}, bearer)
    assert asked.status in {200, 201}, asked.body
    made = browser.driver.execute_async_script(MAKE_PASSKEY, asked.json["public_key"])
    assert isinstance(made, dict), made
    wanted = {"name": "我的手机", "passkey": {k: made[k] for k in PASSKEY_MEMBERS if k in made}}
    answer = site.live.post("/v1/me/passkeys", wanted, bearer)
    assert answer.status == 201, answer.body


PASSKEY_MEMBERS = ("id", "rawId", "type", "response", "clientExtensionResults")


def log_in_by_api(site: Site, number: str) -> str:
    opened = site.live.post(
        "/v1/auth/challenges", {"phone": f"+86{number}", "purpose": "login"}, {}
    )
    login = {
        "challenge_id": opened.json["id"],
        "code": site.code_for(number),
        "device": {"name": "我的手机", "platform": "android"},
    }
    return str(site.live.post("/v1/auth/sessions", login, {}).json["access_token"])


def test_a_passkey_logs_in_without_an_sms(
    browser: Browser, site: Site, landing: Landing, url: str
) -> None:
    number = new_number()
    browser.open(url)
    with browser.authenticator():
        make_passkey(browser, site, number)
        browser.press("通行密钥")
        assert faults_of(browser) == []
        browser.press("使用通行密钥")
        assert f"{number[:3]}****{number[-4:]}" in browser.text
        browser.press("同意授权")
    assert "code" in landing.came[0]
    assert browser.complaints() == []


def test_a_device_without_a_passkey_says_so(browser: Browser, url: str) -> None:
    browser.open(url)
    with browser.authenticator():
        browser.press("通行密钥")
        browser.find("#use-passkey").click()
        browser.wait_for("没有完成")
        assert faults_of(browser) == []


def test_passkeys_need_javascript_and_say_so(browser: Browser, url: str) -> None:
    browser.switch_scripts(on=False)
    browser.open(url)
    browser.press("通行密钥")
    assert "通行密钥需要浏览器启用 JavaScript" in browser.text
    browser.press("短信验证码")
    assert "获取验证码" in browser.text


def test_a_password_logs_in(browser: Browser, site: Site, landing: Landing, url: str) -> None:
    number = new_number()
    bearer = {"Authorization": f"Bearer {log_in_by_api(site, number)}"}
    body = json.dumps({"password": "hebei-lu 27, the red gate"}).encode()
    kind = {"Content-Type": "application/json"}
    answer = site.live.call("PUT", "/v1/me/password", body=body, headers={**bearer, **kind})
    assert answer.status == 204, answer.body
    browser.open(url)
    browser.press("密码")
    assert faults_of(browser) == []
    browser.fill("手机号", number)
    browser.fill("密码", "hebei-lu 27, the red gate")
    browser.press("登录")
    browser.press("同意授权")
    assert "code" in landing.came[0]


def test_languages(browser: Browser, url: str) -> None:
    browser.speak("en-GB")
    browser.open(url)
    assert browser.language == "en"
    assert "Shiyan Smart Parking" in browser.text
    assert faults_of(browser) == []
    browser.press("中文")
    assert browser.language == "zh-CN"
    browser.press("English")
    assert browser.language == "en"


def test_another_site_cannot_press_a_button_for_the_citizen(
    browser: Browser, site: Site, landing: Landing, url: str
) -> None:
    """The citizen is logged in and asked; a page elsewhere posts what the button would."""
    browser.open(url)
    log_in(browser, site, new_number())
    place = browser.address
    landing.pages["/evil"] = f"""<!doctype html><form method="post" action="{place}">
        <input name="csrf" value="{"0" * 64}"><input name="step" value="consent">
        <input name="decision" value="allow"><button>Win a prize</button></form>"""
    browser.open(f"{landing.home}/evil")
    browser.press("Win a prize")
    assert "form-not-ours" in browser.text
    assert landing.came == []
    browser.open(place)
    assert "同意授权" in browser.text, "and nothing was decided"


def test_another_site_cannot_frame_the_question(
    browser: Browser, site: Site, landing: Landing, url: str
) -> None:
    browser.open(url)
    log_in(browser, site, new_number())
    landing.pages["/frame"] = f'<!doctype html><iframe src="{browser.address}"></iframe>'
    browser.complaints()
    browser.open(f"{landing.home}/frame")
    browser.driver.switch_to.frame(0)
    assert not browser.has("form")
    browser.driver.switch_to.default_content()
    browser.wait_for_complaint("frame-ancestors")


def test_keyboard_alone_is_enough(browser: Browser, site: Site, landing: Landing, url: str) -> None:
    """From the first Tab on: past the header, through the field, with Enter for the button."""
    browser.open(url)
    browser.type_keys("\ue004")
    assert "跳到正文" in browser.focused().text
    browser.type_keys("\ue007", "\ue004")
    assert browser.focused().get_attribute("name") == "phone"
    number = new_number()
    browser.submit_keys(number, "\ue007")
    assert "短信验证码" in browser.text
