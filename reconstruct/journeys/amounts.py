"""What an object is worth: amounts and currencies in its entries.

Shops say it twice: ``total=121.73 GBP`` in a message, ``"amount":12173`` in the gateway's JSON. A whole number that is a
hundred times a decimal one of the same object is in minor units; a whole number alone is believed only where nothing
says otherwise (see ``choose_value``).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple

from reconstruct.journeys.models import Models
from reconstruct.journeys.rows import Row

MESSAGE_CAP = 1_000
"""Characters of a message looked at for an amount."""
RECORD_CAP = 4_000
"""Characters of a message in which an amount is looked for by its name: the total stands at the end of an order that is quoted whole."""
AMOUNT_CAP = Decimal(10) ** 12
"""Larger numbers are identifiers."""
ENOUGH = 20
"""Whole numbers without a decimal among them, after which they are no coincidence: of prices, most end in .99 or .50."""
CODE_LENGTH = 3
"""Letters of a currency's code (ISO 4217)."""
KEYS_KEPT = 10_000
"""Keys of attributes whose meaning is remembered."""
MINOR = 100
"""Minor units in a major one, for all but a few currencies."""
WHOLE_CURRENCIES = frozenset(
    [
        "JPY",
        "KRW",
        "VND",
        "CLP",
        "ISK",
        "HUF",
        "XAF",
        "XOF",
        "PYG",
        "UGX",
        "RWF",
        "KMF",
        "GNF",
        "DJF",
        "BIF",
        "VUV",
        "XPF",
    ]
)
"""Currencies without minor units in use (ISO 4217; HUF is written without them)."""
SIGNS = {
    "€": "EUR", "£": "GBP", "$": "USD", "¥": "JPY", "₹": "INR", "zł": "PLN", "₺": "TRY", "₩": "KRW", "₽": "RUB", "₴": "UAH", "₦": "NGN",
    "₫": "VND", "₱": "PHP", "₪": "ILS", "฿": "THB", "₸": "KZT", "元": "CNY", "円": "JPY", "원": "KRW", "сум": "UZS", "руб": "RUB",
}  # fmt: skip

_NUMBER = r"\d{1,3}(?:,\d{3})++(?:\.\d{1,2})?|\d{1,12}(?:\.\d{1,4})?"
_CODE = (
    "EUR|USD|GBP|CHF|SEK|NOK|DKK|PLN|CZK|HUF|RON|BGN|TRY|RUB|UAH|JPY|CNY|HKD|SGD|KRW|INR|AUD|NZD|CAD|MXN|BRL|ARS|CLP|"
    "COP|ZAR|AED|SAR|ILS|EGP|NGN|KES|THB|MYR|IDR|PHP|VND|TWD|ISK|"
    "XAF|XOF|TZS|UGX|RWF|GHS|ETB|MAD|TND|DZD|PKR|BDT|LKR|NPR|KZT|UZS|GEL|RSD|QAR|KWD|BHD|OMR|JOD|PEN|UYU|BOB|DOP|CRC|GTQ"
)
_BEFORE = "".join(sorted(sign for sign in SIGNS if not sign.isalpha()))
_BEHIND = "|".join(sorted(SIGNS, key=lambda sign: (-len(sign), sign))).replace("$", r"\$")
_SAID = re.compile(
    rf"(?<![\w.])(?:({_CODE}|[{_BEFORE}])\s?)?({_NUMBER})(?:(?![\w]|\.\d)|(?=[元円원]))(?:\s?({_CODE}|{_BEHIND})(?!\w))?"
)
_NAMED = re.compile(
    r"(?i:\b((?:[a-z]{1,20}_?)?(?:total|amount|price)(?:_?[a-z]{1,20})?)[\"'\]]?\s?(?:=>|[:=])\s?[\"']?)"
    rf"({_NUMBER})(?![\w%]|[.,]\d|\s?(?:ms|s|items?)\b)"
)
"""``Amount: 29695.98`` in a message: a number under the name of an attribute of money."""
_CURRENCY = re.compile(r"(?i:\bcurrency(?:_?code)?)[\"'\]]?\s?(?:=>|[:=])\s?[\"']?([A-Za-z]{3})(?![A-Za-z])")
"""``currency=EUR`` beside it."""
_SMALL_CODE = re.compile(
    r"(?<![\w.])(\d{1,12}\.\d{2})\s(eur|usd|gbp|chf|sek|nok|dkk|pln|czk|huf|jpy|cny|inr|aud|nzd|cad|mxn|brl|zar)(?!\w)"
)
"""Codes as payment providers write them; of those that are no words, behind a number with cents only."""


class Amount(NamedTuple):
    """One amount as an entry tells it."""

    value: Decimal
    currency: str
    """ISO code; ``""`` when not said"""
    weight: int
    """how telling its name is; lower is better"""
    whole: bool
    """written without decimals"""
    minor: bool
    """its name says minor units"""
    key: str
    """attribute it stood in; ``""``: the message"""


class AmountReader:
    """Reads amounts; keeps the names that attributes of money have."""

    def __init__(self, models: Models) -> None:
        keys = models.vocabulary["keys"]
        self._ranks = {
            kind: {_bare(key): rank for rank, key in reversed(list(enumerate(keys[kind])))}
            for kind in ("currency", "amount", "minor")
        }
        self._known: dict[str, tuple[str, int] | None] = {}

    def read(self, row: Row, attributes: Mapping[str, Any]) -> list[Amount]:
        """Amounts a row tells, in attributes and message."""
        found = self._read_attributes(attributes) if attributes else []
        message = row.message
        if not message:
            return found
        if ":" in message or "=" in message:
            said = message[:RECORD_CAP]
            lowered = said.lower()
            if "amount" in lowered or "total" in lowered or "price" in lowered:
                found += self._read_named(said)
        said = message[:MESSAGE_CAP]
        if _may_tell(message):
            for match in _SAID.finditer(said):
                sign = match[1] or match[3]
                number = _number(match[2].replace(",", "")) if sign else None
                if number is not None:
                    found.append(
                        Amount(number, SIGNS.get(sign, sign), _weigh(said, match), "." not in match[2], False, "")
                    )
        if "." in said:
            for match in _SMALL_CODE.finditer(said):
                found.append(Amount(Decimal(match[1]), match[2].upper(), _weigh(said, match), False, False, ""))
        return found

    def _read_named(self, message: str) -> list[Amount]:
        """Numbers that a message names as attributes of money are named."""
        found: list[Amount] = []
        told = _CURRENCY.search(message)
        currency = told[1].upper() if told else ""
        for match in _NAMED.finditer(message):
            kind, rank = (self._known[match[1]] if match[1] in self._known else self._look_up(match[1])) or ("", 0)
            number = _number(match[2].replace(",", "")) if kind in ("amount", "minor") else None
            if number is not None:
                minor = kind == "minor"
                found.append(
                    Amount(number, currency, 0 if minor else rank, minor or "." not in match[2], minor, match[1])
                )
        return found

    def _read_attributes(self, attributes: Mapping[str, Any]) -> list[Amount]:
        told: list[tuple[str, int, str]] = []
        for key in attributes:
            meaning = self._known[key] if key in self._known else self._look_up(key)
            if meaning is not None:
                told.append((*meaning, key))
        if not told:
            return []
        currency = ""
        found: list[Amount] = []
        for kind, rank, key in sorted(told):  # amounts, then the currency, then minor units
            value = attributes[key]
            if kind == "currency":
                if not currency and isinstance(value, str) and len(value) == CODE_LENGTH and value.isalpha():
                    currency = value.upper()
                continue
            number = _number(value)
            if number is not None:
                minor = kind == "minor"
                whole = minor or _is_whole(value)
                found.append(Amount(number, "", 0 if minor else rank, whole, minor, key))
        return [amount._replace(currency=currency) for amount in found]

    def _look_up(self, key: str) -> tuple[str, int] | None:
        """What a key holds, and how telling its name is; None for what is not about money."""
        bare = _bare(key)
        meaning = next(((kind, ranks[bare]) for kind, ranks in self._ranks.items() if bare in ranks), None)
        if len(self._known) < KEYS_KEPT:
            self._known[key] = meaning
        return meaning


def _weigh(message: str, match: re.Match[str]) -> int:
    """How telling what stands before an amount is: a total more than any other."""
    return 0 if "total" in message[max(0, match.start() - 12) : match.start()].lower() else 5


def _bare(key: str) -> str:
    return key.lower().replace("_", "")


def _may_tell(message: str) -> bool:
    """Cheap look before the expression: a currency sign, or the code of a currency."""
    if "$" in message or (not message.isascii() and any(sign in message for sign in SIGNS)):
        return True
    return _CODES.search(message[:MESSAGE_CAP]) is not None


_CODES = re.compile(rf"(?:{_CODE})(?![A-Za-z])(?<![A-Za-z]...)", re.DOTALL)
"""The letter before is looked at last: an expression that begins with a look back is tried at every character, one that begins with
letters only where one of them stands."""


def _is_whole(value: object) -> bool:
    return isinstance(value, int) or (isinstance(value, str) and "." not in value)


def _number(value: object) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = Decimal(str(value)) if not isinstance(value, str) else Decimal(value.strip()[:30])
    except InvalidOperation:
        return None
    return number if number.is_finite() and 0 < number < AMOUNT_CAP else None


def choose_value(amounts: Iterable[Amount], minor_keys: Mapping[str, bool]) -> dict[str, str] | None:
    """The object's value: of the best-named amounts the largest; None when none is told or its unit is unknown.

    A whole number in an attribute is in minor units when its name says so, when a hundredth of it is told elsewhere for
    the same object, or when the whole data shows it of its key.

    Args:
        minor_keys: Key → its whole numbers are minor units, from ``learn_minor_keys``.
    """
    told = list(amounts)
    sure = {amount.value for amount in told if not amount.minor and (not amount.whole or not amount.key)}
    currency = next((amount.currency for amount in told if amount.currency), "")
    best: tuple[int, Decimal, str] | None = None
    for amount in told:
        code = amount.currency or currency
        value: Decimal | None = amount.value
        if code not in WHOLE_CURRENCIES and amount.whole and amount.key:
            value = _in_major_units(amount, sure, minor_keys)
        if value is not None:
            rank = (-amount.weight, value, code)
            if best is None or rank > best:
                best = rank
    if best is None:
        return None
    text = f"{best[1]:.0f}" if best[2] in WHOLE_CURRENCIES else f"{best[1]:.2f}"
    return {"amount": text, "currency": best[2]} if best[2] else {"amount": text}


def _in_major_units(amount: Amount, sure: AbstractSet[Decimal], minor_keys: Mapping[str, bool]) -> Decimal | None:
    """A whole number of an attribute in major units; None when nothing tells which it is."""
    minor = amount.value / MINOR
    if amount.minor or minor in sure:
        return minor
    if amount.value in sure:
        return amount.value
    known = minor_keys.get(amount.key)
    return None if known is None else minor if known else amount.value


def learn_minor_keys(objects: Iterable[Iterable[Amount]]) -> dict[str, bool]:
    """Which keys hold minor units: judged over many objects.

    A key that ever holds decimals does not; one whose values are a hundred times what the same object's messages say
    does; and so does one of ENOUGH whole numbers where no amount of the data has decimals: prices in major units have.

    Args:
        objects: The amounts of each object.
    """
    decimals: set[str] = set()
    votes: dict[str, int] = {}
    counts: dict[str, int] = {}
    any_decimals = False
    for amounts in objects:
        told = list(amounts)
        sure = {amount.value for amount in told if not amount.minor and (not amount.whole or not amount.key)}
        any_decimals |= any(not amount.whole for amount in told)
        for amount in told:
            if amount.key and not amount.minor:
                if not amount.whole:
                    decimals.add(amount.key)
                    continue
                counts[amount.key] = counts.get(amount.key, 0) + 1
                vote = (amount.value / MINOR in sure) - (amount.value in sure)
                votes[amount.key] = votes.get(amount.key, 0) + vote
    learned = dict.fromkeys(decimals, False)
    for key, count in counts.items():
        if key in decimals:
            continue
        if votes[key]:
            learned[key] = votes[key] > 0
        elif not any_decimals and count >= ENOUGH:
            learned[key] = True
    return dict(sorted(learned.items()))
