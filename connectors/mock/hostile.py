"""Documents that a door must refuse without harm: entities, depths, lies about the encoding, sheer size."""

from __future__ import annotations

from collections.abc import Mapping

# Nothing listens there; a parser that fetches it is found out.
ELSEWHERE = "http://127.0.0.1:9"
LAUGHS = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10))

HOSTILE: Mapping[str, bytes] = {
    name: body.encode()
    for name, body in {
        "external-entity": f'<!DOCTYPE x [<!ENTITY e SYSTEM "{ELSEWHERE}/">]><xml><Content>&e;</Content></xml>',
        "file-entity": '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><xml><Content>&e;</Content></xml>',
        "parameter-entity": f'<!DOCTYPE x [<!ENTITY % p SYSTEM "{ELSEWHERE}/d"> %p;]><xml/>',
        "billion-laughs": f'<!DOCTYPE x [<!ENTITY a0 "ha">{LAUGHS}]><xml><Content>&a9;</Content></xml>',
        "quadratic": f'<!DOCTYPE x [<!ENTITY a "{"A" * 20_000}">]><xml>{"&a;" * 5_000}</xml>',
        "doctype": "<!doctype xml><xml/>",
        "hidden-doctype": '<!-- <![CDATA[ --><!DOCTYPE x [<!ENTITY e "1">]><xml>&e;<!-- ]]> --></xml>',
        "nested": "<a>" * 6_000 + "</a>" * 6_000,
        "utf-7": '<?xml version="1.0" encoding="utf-7"?><xml/>',
        "unknown-entity": "<xml>&nothing;</xml>",
        "not-closed": "<xml><Content>",
        "empty": "",
        "no-fields": "<xml/>",
        "json": '{"ToUserName": "gh_city"}',
    }.items()
}
LARGE: Mapping[str, bytes] = {
    "one-byte-over": b"<xml>" + b"A" * (64 * 1024 - 10) + b"</xml>",
    "a-mebibyte": b"<xml>" + b"A" * 1024 * 1024 + b"</xml>",
}
