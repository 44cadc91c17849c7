"""What can be done about credentials: set, check, use up, take away; for citizens and staff."""

from app.credentials.service.brake import (
    braked_until,
    count_failure,
    count_in_city,
    seconds_until,
)
from app.credentials.service.deps import CredentialsDeps
from app.credentials.service.janitor import forget_expired
from app.credentials.service.owners import factors_of, forget_owner
from app.credentials.service.passkeys import (
    begin_passkey_assertion,
    begin_passkey_registration,
    finish_passkey_assertion,
    finish_passkey_registration,
    list_passkeys,
    remove_passkey,
)
from app.credentials.service.passwords import (
    check_password,
    prepare_password,
    put_password,
    remove_password,
    set_password,
)
from app.credentials.service.peppers import PepperUse, count_peppers, lay_pepper_batch
from app.credentials.service.recovery import make_recovery_codes, use_recovery_code
from app.credentials.service.totp import begin_totp, check_totp, confirm_totp, remove_totp

__all__ = [
    "CredentialsDeps",
    "PepperUse",
    "begin_passkey_assertion",
    "begin_passkey_registration",
    "begin_totp",
    "braked_until",
    "check_password",
    "check_totp",
    "confirm_totp",
    "count_failure",
    "count_in_city",
    "count_peppers",
    "factors_of",
    "finish_passkey_assertion",
    "finish_passkey_registration",
    "forget_expired",
    "forget_owner",
    "lay_pepper_batch",
    "list_passkeys",
    "make_recovery_codes",
    "prepare_password",
    "put_password",
    "remove_passkey",
    "remove_password",
    "remove_totp",
    "seconds_until",
    "set_password",
    "use_recovery_code",
]
