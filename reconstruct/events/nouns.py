"""Names: the noun of a slot, and whether a key can hold an identifier at all.

Everything here is a prior. A wrong noun costs two slots their head start when the correlator compares their values;
it never joins anything by itself. The words are data: ``vocabulary/identifiers.toml``.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache, lru_cache

from reconstruct.errors import ModelError
from reconstruct.resources import vocabulary_directory

NAME_CAP = 96
"""Characters of a key, parameter or path that may name a slot; longer names are data, not names."""

CACHED_NAMES = 65_536
"""Distinct names remembered. Real logs have hundreds; hostile ones must not fill the memory."""

_WORDS = re.compile(r"[A-Z]{2,}s(?![a-z])|[A-Z]+(?![a-z])|[A-Z]?[^\W\d_A-Z]+")
"""Words of a name: ``orderID`` → order, ID; ``HTTPStatus`` → HTTP, Status. Digits separate."""

_UNSPACED = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]")
"""Kana and Chinese characters."""


@dataclass(frozen=True, slots=True)
class Lexicon:
    """``identifiers.toml``, ready to ask."""

    nulls: frozenset[str]
    booleans: frozenset[str]
    units: frozenset[str]
    counted: frozenset[str]
    """nouns that follow a number when it counts something"""
    currencies: frozenset[str]
    """what stands behind an amount"""
    files: frozenset[str]
    told: frozenset[str]
    """endings of file names"""
    hard_qualifiers: frozenset[str]
    qualifiers: frozenset[str]
    """hard and soft ones"""
    named: frozenset[str]
    containers: frozenset[str]
    transparent: frozenset[str]
    stopwords: frozenset[str]
    secrets: frozenset[str]
    """names of credentials, as their words in a row: ``accesstoken``"""
    never: frozenset[str]
    """measures, times and labels: words that end the name of a key that holds no identifier"""
    measure_prefixes: frozenset[str]
    label_prefixes: tuple[str, ...]
    precursors: frozenset[str]
    """nouns of what another object comes of"""
    canonical: dict[str, str]
    """spelling → word"""
    unspaced: tuple[str, ...]
    """the words of scripts that leave no blanks between words, the longest first"""
    roles: dict[str, tuple[str, ...]]
    """word → roles it may play"""


@cache
def lexicon() -> Lexicon:
    """Load the identifier vocabulary, once."""
    path = vocabulary_directory() / "identifiers.toml"
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    try:
        roles: dict[str, list[str]] = {}
        for role, words in table["roles"].items():
            for word in words:
                roles.setdefault(word, []).append(role)
        never = frozenset(table["measures"] + table["times"] + table["labels"] + table["units"] + table["currencies"])
        canonical = {spelling: word for word, spellings in table["synonyms"].items() for spelling in spellings}
        return Lexicon(
            nulls=frozenset(table["nulls"]),
            booleans=frozenset(table["booleans"]),
            units=frozenset(table["units"]),
            counted=frozenset(table["counted"]),
            currencies=frozenset(table["currencies"]),
            files=frozenset(table["files"]),
            told=frozenset(table["told"]),
            hard_qualifiers=frozenset(table["hard_qualifiers"]),
            qualifiers=frozenset(table["hard_qualifiers"] + table["soft_qualifiers"]),
            named=frozenset(table["named"]),
            containers=frozenset(each for word in table["containers"] for each in (word, singular(word))),
            transparent=frozenset(table["transparent"]),
            stopwords=frozenset(table["stopwords"]),
            secrets=frozenset(table["secrets"]),
            never=never,
            measure_prefixes=frozenset(table["measure_prefixes"]),
            label_prefixes=tuple(table["label_prefixes"]),
            canonical=canonical,
            unspaced=tuple(
                sorted(
                    (word for word in {*never, *canonical, *table["soft_qualifiers"]} if _UNSPACED.match(word)),
                    key=lambda word: (-len(word), word),
                )
            ),
            precursors=frozenset(table["precursors"]),
            roles={word: tuple(found) for word, found in sorted(roles.items())},
        )
    except KeyError as error:
        raise ModelError(f"the identifier vocabulary lacks {error}", path=path, key=str(error.args[0])) from error


def words_of(name: str) -> list[str]:
    """Words of a name in lower case.

    >>> words_of("X-OrderID"), words_of("order_line2_ref")
    (['x', 'order', 'id'], ['order', 'line', 'ref'])
    >>> words_of("订单号"), words_of("支付单号")
    (['订单', '号'], ['支付', '单号'])
    """
    words = [word.lower() for word in _WORDS.findall(name)]
    return words if name.isascii() else [part for word in words for part in _split_unspaced(word)]


def _split_unspaced(word: str) -> list[str]:
    """A word of Chinese or Japanese and the known word that it ends in, its head: ``订单号`` is the number of an order."""
    if not _UNSPACED.match(word):
        return [word]
    lex = lexicon()
    heads = [known for known in lex.unspaced if len(known) < len(word) and word.endswith(known)]
    if word in lex.unspaced or not heads:
        return [word]
    head = next((known for known in heads if word.removesuffix(known) in lex.unspaced), heads[0])
    return [*_split_unspaced(word.removesuffix(head)), head]


def singular(word: str) -> str:
    """The singular of an English plural; other words stay.

    >>> [singular(w) for w in ("orders", "categories", "addresses", "boxes", "status", "address", "purchases")]
    ['order', 'category', 'address', 'box', 'status', 'address', 'purchase']
    """
    if len(word) < 4 or not word.endswith("s") or word.endswith(("ss", "us", "is", "ous")):
        return word
    if word.endswith("ies"):
        return word[:-3] + "y"
    if word.endswith(("sses", "shes", "ches", "xes", "zes")):
        return word[:-2]
    return word[:-1]


def _canonical(word: str) -> str:
    """One word for its spellings: ``sessid`` → session, ``orderno`` → order."""
    lex = lexicon()
    for candidate in (word, singular(word)):
        if candidate in lex.canonical:
            return lex.canonical[candidate]
    word = singular(word)
    if word not in lex.roles:
        # run-together names: "basketid", "trainnumber"
        for qualifier in ("number", "id", "no", "ref"):
            stem = word.removesuffix(qualifier)
            if stem != word and stem in lex.roles:
                return stem
    return word


def _head(name: str) -> str:
    """Head noun of one name: the last word that is not a qualifier (English compounds end in their head)."""
    lex = lexicon()
    whole = name.lower().strip("_-$ ")
    if whole in lex.canonical:
        return lex.canonical[whole]
    words = words_of(name)
    while words and words[-1] in lex.qualifiers:
        words.pop()
    return _canonical(words[-1]) if words else ""


@lru_cache(maxsize=CACHED_NAMES)
def noun_of(slot: str) -> str:
    """The noun a slot is about, singular and in lower case; empty when its place says nothing.

    >>> [noun_of(s) for s in ("key:orderId", "key:order.id", "query:order-no", "path:/orders/{}/cancel", "text:order_id")]
    ['order', 'order', 'order', 'order', 'order']
    >>> noun_of("key:Parameters.id"), noun_of("key:parameters.order_id")
    ('', 'order')
    >>> noun_of("cookie:JSESSIONID"), noun_of("path:/orders/{}/items/{}#2"), noun_of("path:/order-status/{}"), noun_of("path:/{}")
    ('session', 'item', 'order', '')
    """
    kind, _, place = slot.partition(":")
    if kind == "path":
        return _path_noun(place)
    whole = place.lower()
    if whole in lexicon().canonical:
        return lexicon().canonical[whole]
    for part in reversed(place.split(".")):
        head = _head(part)
        if head and head not in lexicon().containers:
            return head
    return ""


def _path_noun(route: str) -> str:
    """The static segment left of the slot's variable segment, over words such as "cancel" and other variables."""
    route, _, ordinal = route.partition("#")
    wanted = int(ordinal) if ordinal.isdigit() and len(ordinal) < 4 else 1
    segments = route.split("/")
    at = -1
    for index, segment in enumerate(segments):
        if "{}" in segment:
            wanted -= 1
            at = index
            if wanted == 0:
                break
    if at < 0:
        return ""
    lex = lexicon()
    skipped = ""
    for segment in reversed(segments[:at]):
        if not segment or "{}" in segment:
            continue
        words = words_of(segment)
        while words and words[-1] in lex.transparent:
            words.pop()
        if words:
            return _head(" ".join(words))
        skipped = skipped or segment
    return _head(skipped)


def prior_roles(noun: str) -> tuple[str, ...]:
    """Roles the lexicon expects of a noun; empty when it knows none.

    >>> prior_roles("order"), prior_roles("quux")
    (('object',), ())
    """
    return lexicon().roles.get(noun, ())


@lru_cache(maxsize=CACHED_NAMES)
def may_identify(name: str) -> bool:
    """Whether a key of this name can hold an identifier: not a measure, an instant or a label.

    >>> [may_identify(n) for n in ("order_id", "status_id", "status_code", "durationMs", "userName", "totalNum", "x")]
    [True, True, False, False, True, False, False]
    """
    lex = lexicon()
    if name.lower() in lex.canonical:
        return True
    if len(name) > NAME_CAP or name.lower().startswith(lex.label_prefixes):
        return False
    last = name.rpartition(".")[2] or name
    if last.lower() in lex.canonical:
        return True
    words = words_of(last)
    if last.lower() in lex.never or not words:
        return last.lower() not in lex.never
    if words[-1] in lex.hard_qualifiers:
        return True
    if words[-1] in ("name", "names"):
        return len(words) > 1 and words[-2] in lex.named
    if words[0] in lex.measure_prefixes and len(words) > 1:
        return False
    while words and words[-1] in lex.qualifiers:
        words.pop()
    return not words or not {words[-1], singular(words[-1])} & lex.never


@lru_cache(maxsize=CACHED_NAMES)
def is_secret(name: str) -> bool:
    """Whether a key of this name holds a credential, which is never kept as an identifier.

    >>> is_secret("Authorization"), is_secret("http.headers.x-api-key"), is_secret("session_key")
    (True, True, False)
    """
    words = words_of(name.rpartition(".")[2] or name)
    return bool(words) and ("".join(words[-2:]) in lexicon().secrets or words[-1] in lexicon().secrets)
