"""What can be done about clients: register them, let them ask citizens, give and take tokens."""

from app.oauth.service.authorize import begin_authorization
from app.oauth.service.browsers import (
    end_browser_session,
    open_browser_session,
    read_browser_session,
    refresh_browser_session,
)
from app.oauth.service.client_auth import named_client
from app.oauth.service.clients import (
    change_client,
    create_client,
    list_clients,
    read_client,
    renew_secret,
)
from app.oauth.service.deps import Acting, MandateOf, OAuthDeps
from app.oauth.service.device import start_device
from app.oauth.service.directory import ClientDirectory
from app.oauth.service.discovery import describe_provider
from app.oauth.service.entries import follow_entry, leave_entry, open_entry, visitor_of
from app.oauth.service.grants import end_grants_of_client, end_grants_of_session, end_withdrawn
from app.oauth.service.inspection import introspect, revoke
from app.oauth.service.interactions import (
    decide_interaction,
    open_device_interaction,
    read_interaction,
)
from app.oauth.service.janitor import forget_expired
from app.oauth.service.logout import begin_logout, send_logout
from app.oauth.service.pushed import push_request
from app.oauth.service.reading import read_grant, read_integrator
from app.oauth.service.request_log import RequestLog, list_requests
from app.oauth.service.sandbox import make_sandbox_client
from app.oauth.service.token import issue_token
from app.oauth.service.userinfo import describe_subject

__all__ = [
    "Acting",
    "ClientDirectory",
    "MandateOf",
    "OAuthDeps",
    "RequestLog",
    "begin_authorization",
    "begin_logout",
    "change_client",
    "create_client",
    "decide_interaction",
    "describe_provider",
    "describe_subject",
    "end_browser_session",
    "end_grants_of_client",
    "end_grants_of_session",
    "end_withdrawn",
    "follow_entry",
    "forget_expired",
    "introspect",
    "issue_token",
    "leave_entry",
    "list_clients",
    "list_requests",
    "make_sandbox_client",
    "named_client",
    "open_browser_session",
    "open_device_interaction",
    "open_entry",
    "push_request",
    "read_browser_session",
    "read_client",
    "read_grant",
    "read_integrator",
    "read_interaction",
    "refresh_browser_session",
    "renew_secret",
    "revoke",
    "send_logout",
    "start_device",
    "visitor_of",
]
