"""The signature of a gateway's calls: ours is that of Twilio's own client, and of its documentation."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twilio.request_validator import RequestValidator

from connectors.phone.signature import fits, signature

URLS = st.sampled_from(
    ["https://a.example/x?y=1", "https://a.example:8443/x", "wss://a.example:443/phone/relay", "http://a.example/"]
)
FORM = st.dictionaries(st.text(min_size=1, max_size=8), st.text(max_size=12), max_size=5)


@given(url=URLS, form=FORM, token=st.text(min_size=1, max_size=20))
def test_our_signature_is_twilios(url: str, form: dict[str, str], token: str) -> None:
    try:
        theirs = RequestValidator(token).compute_signature(url, form)
    except UnicodeEncodeError:
        return
    ours = signature(url, {name: [value] for name, value in form.items()}, token)
    assert ours == theirs and RequestValidator(token).validate(url, form, ours)
    assert fits(url, {name: [value] for name, value in form.items()}, theirs, token)
    assert not fits(url, {**{name: [value] for name, value in form.items()}, "extra": ["1"]}, theirs, token)


def test_golden_signature() -> None:
    """The example of Twilio's own documentation."""
    form = {
        "CallSid": "CA1234567890ABCDE", "Caller": "+12349013030", "Digits": "1234", "From": "+12349013030",
        "To": "+18005551212",
    }  # fmt: skip
    url = "https://mycompany.com/myapp.php?foo=1&bar=2"
    assert signature(url, {name: [value] for name, value in form.items()}, "12345") == "0/KCTR6DLpKmkAf8muzZqo1nDgQ="
