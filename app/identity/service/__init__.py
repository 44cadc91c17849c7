"""What can be done about identity: log in, stay in, prove a name."""

from app.identity.service.authentication import read_citizen
from app.identity.service.challenges import open_challenge, send_code
from app.identity.service.citizens import (
    assurance_of,
    attributes_of,
    citizen_with_identity,
    citizen_with_phone,
    describe_me,
    phone_index_of,
    phone_of,
)
from app.identity.service.counter import confirm_at_counter
from app.identity.service.deps import IdentityDeps
from app.identity.service.evidence import (
    expire_evidence,
    list_evidence,
    lock_citizen,
    record_evidence,
    renew_phone,
    withdraw_all,
    withdraw_evidence,
)
from app.identity.service.faces import finish_face_check, open_face_check
from app.identity.service.factors import (
    add_passkey,
    ask_new_passkey,
    ask_passkey,
    count_passkey,
    describe_factors,
    list_passkeys,
    make_recovery_codes,
    remove_passkey,
    remove_password,
    set_password,
)
from app.identity.service.janitor import forget_expired
from app.identity.service.locking import lock_account, unlock_account
from app.identity.service.log_in import start_session
from app.identity.service.lookups import (
    describe_citizen,
    find_by_phone,
    find_by_resident_id,
)
from app.identity.service.phone import canonical_phone
from app.identity.service.phone_change import change_phone, tell_old_phone
from app.identity.service.refresh import refresh_session
from app.identity.service.resets import reset_password
from app.identity.service.resident_id import born_on, canonical_resident_id
from app.identity.service.sessions import (
    end_every_session,
    end_session,
    list_sessions,
    read_proof,
)
from app.identity.service.step_up import begin_step_up, finish_step_up
from app.identity.service.vault import find_vault
from app.identity.service.verification import prove_holding, verify_citizen

__all__ = [
    "IdentityDeps",
    "add_passkey",
    "ask_new_passkey",
    "ask_passkey",
    "assurance_of",
    "attributes_of",
    "begin_step_up",
    "born_on",
    "canonical_phone",
    "canonical_resident_id",
    "change_phone",
    "citizen_with_identity",
    "citizen_with_phone",
    "confirm_at_counter",
    "count_passkey",
    "describe_citizen",
    "describe_factors",
    "describe_me",
    "end_every_session",
    "end_session",
    "expire_evidence",
    "find_by_phone",
    "find_by_resident_id",
    "find_vault",
    "finish_face_check",
    "finish_step_up",
    "forget_expired",
    "list_evidence",
    "list_passkeys",
    "list_sessions",
    "lock_account",
    "lock_citizen",
    "make_recovery_codes",
    "open_challenge",
    "open_face_check",
    "phone_index_of",
    "phone_of",
    "prove_holding",
    "read_citizen",
    "read_proof",
    "record_evidence",
    "refresh_session",
    "remove_passkey",
    "remove_password",
    "renew_phone",
    "reset_password",
    "send_code",
    "set_password",
    "start_session",
    "tell_old_phone",
    "unlock_account",
    "verify_citizen",
    "withdraw_all",
    "withdraw_evidence",
]
