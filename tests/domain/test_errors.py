"""Every error has a code of its own."""

from chatroom.domain import errors
from chatroom.domain.errors import ChatError, CloseCode

ERRORS = [
    found
    for found in vars(errors).values()
    if isinstance(found, type) and issubclass(found, ChatError) and found is not ChatError
]


def test_codes_are_words_and_each_is_one_errors():
    codes = [error.code for error in ERRORS]
    assert len(codes) == len(set(codes)) > 10
    assert all(code.replace("_", "").isalpha() and code.islower() for code in codes)


def test_only_what_time_mends_says_try_again():
    assert {error.code for error in ERRORS if error.again} == {"rate_limited", "unavailable"}


def test_an_error_says_its_message_and_when_to_try_again():
    error = errors.Unavailable("not now", 2.5)
    assert (str(error), error.message, error.retry_after) == ("not now", "not now", 2.5)


def test_close_codes_are_in_the_range_for_come_back_or_the_range_for_do_not():
    assert all(4000 <= code <= 4099 or 4400 <= code <= 4499 for code in CloseCode)
    assert {CloseCode.RESTARTING, CloseCode.SLOW} == {code for code in CloseCode if code < 4400}
