"""What can be done about identity: log in, stay in, prove a name."""

from app.identity.service.authentication import read_citizen
from app.identity.service.challenges import open_challenge, send_code
from app.identity.service.citizens import attributes_of, describe_me, phone_of
from app.identity.service.deps import IdentityDeps
from app.identity.service.janitor import forget_expired
from app.identity.service.log_in import start_session
from app.identity.service.refresh import refresh_session
from app.identity.service.sessions import end_other_sessions, end_session, list_sessions
from app.identity.service.verification import verify_citizen

__all__ = [
    "IdentityDeps",
    "attributes_of",
    "describe_me",
    "end_other_sessions",
    "end_session",
    "forget_expired",
    "list_sessions",
    "open_challenge",
    "phone_of",
    "read_citizen",
    "refresh_session",
    "send_code",
    "start_session",
    "verify_citizen",
]
