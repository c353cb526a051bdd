"""What kind of thing a value is, judged by its characters alone.

Takes the text of a value, gives its shape or its normal form. Shape decides what can never identify (a price, a
duration, a date, an address of a machine, prose) and how surprising it is that two places share a value: a shared UUID
is a link, a shared 7 is not. All expressions are linear: no repetition inside a repetition over the same characters.
"""

from __future__ import annotations

import base64
import binascii
import math
import re
from dataclasses import dataclass
from functools import cache

from reconstruct.events.nouns import lexicon

VALUE_CAP = 128
"""Longest identifier, in characters: twice a SHA-256 in hexadecimal. Longer values are content."""

HIGH_ENTROPY_BITS = 40.0
"""Above this, a chance match between a million values has a probability below 1e-6: the value links without a name."""

TOKEN_CAP = 8_192
"""Longest JSON web token looked into, in characters: the header limit of common web servers."""

BITS_PER_DIGIT = math.log2(10)
BITS_PER_LETTER = math.log2(26)
BITS_PER_WORD_CHARACTER = 2.0
"""Words and names: English text carries 1 to 2 bits a character (Shannon 1951, with long context; short names more)."""

PREFIX_LETTERS = 3
"""Letters of a code that count as surprising: the rest of a prefix (``SHIPMENT-``) is the same for all its values."""


@dataclass(frozen=True, slots=True)
class Shape:
    """The kind of a value."""

    kind: str
    """uuid, hex, integer, code, token, prefixed, word, email, mac identify; the other kinds never do"""
    bits: float
    """entropy a random value of this shape would carry; 0 when it does not identify"""
    identifies: bool

    @property
    def high_entropy(self) -> bool:
        """Whether two places that share such a value are related whatever they are called."""
        return self.bits >= HIGH_ENTROPY_BITS


_AROUND = " \t\r\n\"'`[](){}<>,;|"
_TAIL = ".:!?" + _AROUND
_HEAD = "#=:@$" + _AROUND

_KIND = re.compile(
    r"(?P<integer>[0-9]+)"
    r"|(?P<uuid>[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12})"
    r"|(?P<hex>(?=[a-fA-F]*[0-9])(?:[0-9a-f]{8,}|[0-9A-F]{16,}))"  # short and in capitals: a code
    r"|(?P<decimal>[-+]?[0-9]+(?:\.[0-9]+|,[0-9]{1,3})?(?:[eE][-+]?[0-9]+)?|[-+]?[0-9]{1,3},[0-9]+|[-+]?[.,][0-9]+|[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)?)"
    r"|(?P<date>[0-9]{4}[-/.][0-9]{1,2}[-/.][0-9]{1,2}(?:[T_ ].*)?"
    r"|[0-9]{1,2}[-/.](?:[0-9]{1,2}|[A-Za-z]{3})[-/.][0-9]{2,4}(?:[T:_ ].*)?|[0-9]{8}T[0-9]{4,6}(?:\.[0-9]+)?Z?)"
    r"|(?P<time>[0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]+)?)?(?:Z|[-+][0-9:]+)?)"
    r"|(?P<mac>[0-9a-fA-F]{2}(?::[0-9a-fA-F]{2}){5})"
    r"|(?P<ip>[0-9]{1,3}(?:\.[0-9]{1,3}){3}(?:[:/][0-9]+)?|(?=[^:]*:[^:]*:)[0-9a-fA-F:.]++(?:[%/].*)?)"
    r"|(?P<version>[vV]?[0-9]+(?:\.[0-9]+)+(?:[-+.~_a-z][0-9A-Za-z.+~_-]*)?|[vV][0-9]{1,3})"
    r"|(?P<traceparent>[0-9a-fA-F]{2}-[0-9a-fA-F]{32}-[0-9a-fA-F]{16}-[0-9a-fA-F]{2})"
    r"|(?P<b3>(?:[0-9a-fA-F]{16}|[0-9a-fA-F]{32})-[0-9a-fA-F]{16}(?:-[01d])?(?:-[0-9a-fA-F]{16})?)"
    r"|(?P<sleuth>(?:[\w.-]++,(?:[0-9a-fA-F]{16}|[0-9a-fA-F]{32})|[0-9a-fA-F]{32}),[0-9a-fA-F]{16}(?:,(?:true|false))?)"
    r"|(?P<jwt>eyJ[0-9A-Za-z_-]++\.eyJ[0-9A-Za-z_-]++\.[0-9A-Za-z_-]*)"
    r"|(?P<amazon>(?:Root|Self|Parent)=.*)"
    r"|(?P<instance>(?:[A-Za-z_$][\w$]*+\.)*+[A-Z][\w$]*+@[0-9a-f]{1,8})"  # shop.Order@1f3c9a: where Java keeps an object
    r"|(?P<email>[^@\s:/<>()\[\],;]+@[^@\s.:/<>()\[\],;]+(?:\.[^@\s.:/<>()\[\],;]+)+)"
    r"|(?P<constant>[A-Z]+(?:_[A-Z]+)+)"
    r"|(?P<prefixed>[A-Za-z]{2,10}(?:_[a-z]{2,8})?_[0-9A-Za-z]{8,}"
    r"|[A-Za-z]{2,20}[-_:.][0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12})"  # order-1b90b7f0-57b5-…
    r"|(?P<code>[A-Za-z]*+[0-9A-Z]*+(?:[-_.:#/][0-9A-Z]++)*+)"
    r"|(?P<opaque>[\w.+~@:=|$!*%-]++)"
    r"|(?P<base64>[0-9A-Za-z+/]{20,}+={0,2})"
)
"""Alternatives are tried in order at the start of the value and must reach its end; each is linear, and so is the whole."""

_KINDS_OF_RANDOM = re.compile(r"[a-z]+|[A-Z]+|[0-9]+")
_JWT = re.compile(r"eyJ[0-9A-Za-z_-]+\.eyJ[0-9A-Za-z_-]+\.[0-9A-Za-z_-]*")
_DIGIT = re.compile(r"[0-9]")
_WORDLIKE = re.compile(r"[^\W_]")
_SAME = re.compile(r"(?:0[0-]*|[fF][fF-]{6,}|(?:\*{2,}|[xX]{3,}).*|-+|\*+)")

RANDOM_RUNS = 4
"""Runs of lower case, upper case and digits from which a string of letters and digits looks drawn at random:
``kipe3tblyjmmkuk0nw2a`` has 6; ``moss-notebook_69`` and ``iPhone15`` are kept apart by it (see `looks_random`)."""

RANDOM_LENGTH = 10
"""Shortest such string: YouTube ids have 11, nanoid 21, ULID 26."""


def clean(value: str) -> str:
    """The value without the quotes, brackets and punctuation around it."""
    text = value.strip(_AROUND)
    return text if text[:2] == "::" else text.rstrip(_TAIL).lstrip(_HEAD)  # "::1" is an address


def looks_random(text: str) -> bool:
    """Whether letters and digits alternate as in a generated token (base64url, ULID, KSUID, nanoid).

    >>> [looks_random(t) for t in ("kipe3tblyjmmkuk0nw2ayi1wua2vjqc4", "iphone-15-pro-max-256gb", "spring2024")]
    [True, False, False]
    """
    if len(text) < RANDOM_LENGTH:
        return False
    # a slug alternates only between its words: count runs inside the longest part
    part = max(re.split(r"[-_.]", text), key=len)
    return len(part) >= RANDOM_LENGTH and len(_KINDS_OF_RANDOM.findall(part)) >= RANDOM_RUNS


@cache
def _unit_pattern() -> re.Pattern[str]:
    units = sorted(lexicon().units, key=lambda unit: (-len(unit), unit))
    return re.compile(r"[-+~<>≈]*[0-9]+(?:[.,][0-9]+)?\s?(?:" + "|".join(map(re.escape, units)) + ")", re.IGNORECASE)


def _random_bits(text: str) -> float:
    """Bits of a random string over the classes of characters it uses."""
    size = 0
    if any("0" <= c <= "9" for c in text):
        size += 10
    if any("a" <= c <= "z" for c in text):
        size += 26
    if any("A" <= c <= "Z" for c in text):
        size += 26
    return len(text) * math.log2(size or 2)


CARRIERS = frozenset({"traceparent", "b3", "sleuth", "jwt", "amazon"})
"""Kinds that identify nothing themselves and carry what does."""
_NEVER = frozenset({"decimal", "date", "time", "ip", "version", "constant", "instance", "prose", "other"}) | CARRIERS
_LOWERED = frozenset({"uuid", "hex", "email", "mac"})
_IDENTIFYING = frozenset({"uuid", "hex", "integer", "code", "token", "prefixed", "word", "email", "mac"})


def _kind_of(text: str) -> str:
    """Kind of a cleaned value."""
    if len(text) > VALUE_CAP:
        return "jwt" if text.startswith("eyJ") and len(text) <= TOKEN_CAP and _JWT.fullmatch(text) else "long"
    match = _KIND.fullmatch(text)
    if match is None:
        return "prose" if " " in text or not text else "other"
    kind = match.lastgroup or "other"
    if _SAME.fullmatch(text):
        return "null"
    if kind in _NEVER or kind in ("integer", "uuid", "hex", "email", "mac"):
        return kind
    lex = lexicon()
    lowered = text.lower()
    if lowered in lex.nulls:
        return "null"
    if lowered in lex.booleans:
        return "boolean"
    if _unit_pattern().fullmatch(text):
        return "measure"
    if "://" in text:
        return "url"
    if "." in text and lowered.rpartition(".")[2] in lex.files:
        return "file"
    return _named_kind(kind, text)


def _named_kind(kind: str, text: str) -> str:
    """Tell tokens, codes and words apart: what is left once everything that never identifies is gone."""
    digits = _DIGIT.search(text) is not None
    if kind == "base64":
        mixed = digits and text != text.lower() and text != text.upper()
        return "token" if mixed and text.count("/") * 8 <= len(text) else "path"
    if "/" in text:
        return "path"
    if kind == "prefixed" and _DIGIT.search(text, max(0, text.rfind("_"))):
        return kind
    if looks_random(text):
        return "token"
    if kind == "code" and digits:
        return kind
    return "word" if len(text) > 1 and _WORDLIKE.search(text) else "other"


def _bits_of(kind: str, text: str) -> float:
    """Entropy of a random value of this kind and length."""
    if kind == "integer":
        return len(text) * BITS_PER_DIGIT
    if kind == "hex":
        return len(text) * 4.0
    if kind == "uuid":
        return 122.0  # RFC 9562, version 4; the time-based ones are as unlikely to meet by chance
    if kind == "mac":
        return 48.0
    if kind == "token":
        return _random_bits(text)
    if kind == "prefixed":
        return _random_bits(text.rpartition("_")[2])
    if kind == "code":
        digits = len(_DIGIT.findall(text))
        return digits * BITS_PER_DIGIT + min(len(text) - digits, PREFIX_LETTERS) * BITS_PER_LETTER
    return len(text) * BITS_PER_WORD_CHARACTER


def classify(value: str) -> Shape:
    """Judge one value; the quotes, brackets and punctuation around it do not count.

    >>> [classify(v).kind for v in ("100175", "ORD-000123", "pay_2d6662e25ad0d538", "12ms", "129.32", "card declined")]
    ['integer', 'code', 'prefixed', 'measure', 'decimal', 'prose']
    """
    text = clean(value)
    kind = _kind_of(text)
    return Shape(kind, _bits_of(kind, text), True) if kind in _IDENTIFYING else Shape(kind, 0.0, False)


def normalise(value: str) -> str | None:
    """The value as it is compared (uuid, hex, e-mail in lower case, quotes off); None when it cannot identify.

    >>> normalise('"3F2504E0-4F89-11D3-9A0C-0305E82C3301",'), normalise("Alice@Example.com"), normalise("null")
    ('3f2504e0-4f89-11d3-9a0c-0305e82c3301', 'alice@example.com', None)
    """
    return identify(value)[0]


def identify(value: str) -> tuple[str | None, str]:
    """The normal form of a value (None when it cannot identify) and its kind."""
    text = clean(value)
    kind = _kind_of(text)
    if kind not in _IDENTIFYING:
        return None, kind
    if kind in _LOWERED:
        text = text.lower()
        if kind == "hex" and len(text) == 32 and text.startswith(_PADDING):
            text = text[16:]
    return text, kind


_PADDING = "0" * 16
"""Before a 64-bit trace id written as 128 bits (B3, Datadog)."""


def trace_parts(value: str) -> list[tuple[str, str]]:
    """Identifiers inside a propagation header, Spring Cloud Sleuth's ``[service,trace,span]`` or a JSON web token, as (name, value); the
    token itself never.

    >>> trace_parts("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
    [('trace_id', '0af7651916cd43dd8448eb211c80319c'), ('span_id', 'b7ad6b7169203331')]
    >>> trace_parts("cart,af7651916cd43dd8,b7ad6b7169203331,true"), trace_parts("af7651916cd43dd8,b7ad6b7169203331")
    ([('trace_id', 'af7651916cd43dd8'), ('span_id', 'b7ad6b7169203331')], [])
    >>> trace_parts(",0af7651916cd43dd8448eb211c80319c,b7ad6b7169203331,")
    [('trace_id', '0af7651916cd43dd8448eb211c80319c'), ('span_id', 'b7ad6b7169203331')]
    """
    text = clean(value)
    kind = classify(text).kind
    if kind == "traceparent":
        _, trace, span, _ = text.split("-")
        return _known([("trace_id", trace), ("span_id", span)])
    if kind == "b3":
        parts = text.split("-")
        return _known([("trace_id", parts[0]), ("span_id", parts[1])])
    if kind == "sleuth":
        trace, span = [part for part in text.split(",") if part not in ("true", "false")][-2:]
        return _known([("trace_id", trace), ("span_id", span)])
    if kind == "amazon":
        fields = dict(part.split("=", 1) for part in text.split(";") if "=" in part)
        return _known([("trace_id", fields.get("Root", "").removeprefix("1-").replace("-", ""))])
    if kind == "jwt":
        return _token_parts(text)
    return []


def _known(pairs: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """The pairs whose value identifies, normalised."""
    found = ((name, normalise(value)) for name, value in pairs)
    return [(name, value) for name, value in found if value is not None]


_CLAIMS = ("sub", "sid", "jti", "user_id", "uid", "id", "email", "preferred_username", "client_id")
"""Claims of a token that identify someone or something (RFC 7519, OpenID Connect)."""


def _token_parts(token: str) -> list[tuple[str, str]]:
    import orjson

    payload = token.split(".")[1]
    try:
        claims = orjson.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (binascii.Error, ValueError):
        return []
    if not isinstance(claims, dict):
        return []
    return _known([(f"jwt.{name}", str(claims[name])) for name in _CLAIMS if isinstance(claims.get(name), str | int)])
