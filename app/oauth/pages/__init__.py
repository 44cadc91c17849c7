"""What citizens see of OAuth: log-in, consent, refusal, devices and log-out, in plain HTML."""

from app.oauth.pages.page import answer_browser
from app.oauth.pages.views import blueprint

__all__ = ["answer_browser", "blueprint"]
