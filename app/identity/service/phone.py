"""Mobile numbers: which we serve, and how they are written."""

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberFormat, PhoneNumberType

from app.identity.errors import PhoneNotSupported

_MAINLAND = 86


def prefix_of(phone: str) -> str:
    """Return the block of ten thousand numbers that a canonical number is from."""
    return phone[:-4]


def canonical_phone(text: str) -> str:
    """Return a mainland mobile number in E.164, or raise `PhoneNotSupported`."""
    try:
        number = phonenumbers.parse(text, "CN")
    except NumberParseException as error:
        raise PhoneNotSupported from error
    is_mobile = phonenumbers.number_type(number) == PhoneNumberType.MOBILE
    if number.country_code != _MAINLAND or not is_mobile:
        raise PhoneNotSupported
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)
