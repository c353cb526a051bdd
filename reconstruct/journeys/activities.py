"""What a request is, in plain words: (method, route, query) → Act, by the rules of ``vocabulary/activities.toml``.

A route is judged once: rules are slow (a hundred of them, in order), look-ups are not. Nothing here sees status or time.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple
from urllib.parse import unquote_plus

from reconstruct.journeys.models import STAGES, Models

QUERY_CACHE = 50_000
"""Distinct query strings kept; tracking parameters make them endless, so the cache is emptied when full."""
QUERY_CAP = 2_000
"""Characters of a query looked at: beyond lies no parameter a person typed."""
TERM_CAP = 80
"""Characters of search words shown in an activity."""
ID_CAP = 24
"""Longer variable segments are tokens and slugs: they name nothing to a person, and may be secrets."""
SHORT_KEY = 2
"""Search keys this short (``s``, ``k``, ``st``) mean other things elsewhere: believed only where searching is likely."""
API = "api"
"""Name of the group of words that tell an interface's route."""
READ_VERBS = ("get", "list", "fetch", "query", "search", "load", "find", "read", "view", "show")
"""How names of operations begin that only read, though they are sent by POST."""

_WORDS = re.compile(r"\{\}|[A-Z]?[^\W\d_A-Z]+|[A-Z]+(?![a-z])|\d+")
_MARKS = re.compile("[:;,~]")
_EXTENSION = re.compile(r"\.(?:php\d?|html?|xhtml|aspx?|jspx?|do|action|cgi|cfm|json|xml)$", re.IGNORECASE)
_METHOD_CLASS = {
    "GET": "read", "HEAD": "read", "QUERY": "read", "PROPFIND": "read",
    "POST": "write", "PUT": "write", "PATCH": "write", "DELETE": "delete",
}  # fmt: skip


class Act(NamedTuple):
    """What a request means; shared by all requests of its kind."""

    kind: str
    """name of the rule; ``""`` when no rule knows the request"""
    text: str
    """activity; may hold ``{id}`` or ``{q}``"""
    failed: str
    """activity when it did not succeed; ``""``: the common words for the status"""
    stage: int
    """index into STAGES"""
    milestone: bool
    background: bool
    api: bool
    opaque: bool
    """the route does not say what is done: look for the name of an operation in the entry"""
    write: bool
    filled: bool
    """the text has something to fill in"""


class Query(NamedTuple):
    """What a query string says to the rules."""

    router: str
    """words of router parameters, as a route has them"""
    keys: frozenset[str]
    """keys some rule asks for"""
    term: str
    """search words; ``""`` when none"""
    sure: bool
    """the key of the search words means nothing else"""


_NO_QUERY = Query("", frozenset(), "", False)


class _Seen(NamedTuple):
    """All that rules ask of a request: requests that are equal in this get the same rule."""

    groups: frozenset[str]
    """groups of words that stand in the route"""
    last: frozenset[str]
    """those in its last fixed segment"""
    method: str
    keys: frozenset[str]
    item: bool
    root: bool
    api: bool


class _Rule:
    __slots__ = ("act", "all", "api", "item", "last", "methods", "none", "query", "root")

    def __init__(self, table: Mapping[str, Any], stage: str, text: str) -> None:
        self.all = frozenset(table.get("all", ()))
        self.none = frozenset(table.get("none", ()))
        self.last = frozenset(table.get("last", ()))
        self.methods = frozenset(table.get("methods", ()))
        self.query = frozenset(table.get("query", ()))
        self.item: bool | None = table.get("item")
        self.api: bool | None = table.get("api")
        self.root = bool(table.get("root", False))
        self.act = Act(
            table["kind"], text, table.get("failed", ""), STAGES.index(stage), bool(table.get("milestone", False)),
            bool(table.get("background", False)), False, False, False, "{" in text,
        )  # fmt: skip

    def holds(self, seen: _Seen) -> bool:
        return (
            self.all <= seen.groups
            and (not self.methods or seen.method in self.methods)
            and (not self.last or not self.last.isdisjoint(seen.last))
            and self.none.isdisjoint(seen.groups)
            and (not self.query or not self.query.isdisjoint(seen.keys))
            and (self.item is None or self.item == seen.item)
            and (self.api is None or self.api == seen.api)
            and (not self.root or seen.root)
        )


class Classifier:
    """Judges requests; keeps what it has judged."""

    def __init__(self, models: Models) -> None:
        vocabulary = models.vocabulary
        self._phrases: dict[str, list[tuple[str, str]]] = {}  # first word → (phrase, group)
        for group, phrases in (*vocabulary["words"].items(), (API, vocabulary["api_words"])):
            for phrase in map(words_of, phrases):
                self._phrases.setdefault(phrase.split()[0], []).append((f" {phrase} ", group))
        model = models.model
        self._rules = []
        for table in (*model.rules, *vocabulary["touchpoint"]):
            kind = table["kind"]
            stage = model.stages.get(kind, table["stage"])
            self._rules.append(_Rule(table, stage, model.activities.get(kind, table["activity"])))
        self._router = frozenset(key.lower() for key in vocabulary["router_keys"])
        self._search = {key: len(key) > SHORT_KEY or key == "q" for key in vocabulary["search_keys"]}
        self._asked = frozenset(key for rule in self._rules for key in rule.query)
        self._fallback: Mapping[str, str] = vocabulary["fallback"]
        self._searching = next((rule.act for rule in self._rules if rule.act.kind == "search"), None)
        self._acts: dict[tuple[str, str | None], Act] = {}
        self._found: dict[_Seen, Act | None] = {}
        self._queried: dict[tuple[str, str | None, str, frozenset[str], bool, bool], Act] = {}
        self._queries: dict[str, Query] = {}

    def classify(self, method: str, route: str | None, query: str | None, operation: str = "") -> Act:
        """What a request is. ``operation``: the name of a remote call, when the entry tells it."""
        if query is None and not operation:
            key = (method, route)
            act = self._acts.get(key)
            if act is None:
                if len(self._acts) > QUERY_CACHE:
                    self._acts.clear()
                act = self._acts[key] = self._judge(method, route, _NO_QUERY)
            return act
        asked = self.read_query(query) if query else _NO_QUERY
        if operation:
            asked = asked._replace(router=f"{asked.router} / {words_of(operation)}")
        long_key = (method, route, asked.router, asked.keys, bool(asked.term), asked.sure)
        act = self._queried.get(long_key)
        if act is None:
            if len(self._queried) > QUERY_CACHE:
                self._queried.clear()
            act = self._queried[long_key] = self._judge(method, route, asked)
        return act

    def read_query(self, query: str) -> Query:
        """What the rules need of a query string."""
        found = self._queries.get(query)
        if found is None:
            if len(self._queries) > QUERY_CACHE:
                self._queries.clear()
            found = self._queries[query] = self._read_query(query)
        return found

    def _read_query(self, query: str) -> Query:
        router, keys, term, sure = "", set(), "", False
        for part in query[:QUERY_CAP].split("&"):
            key, _, value = part.partition("=")
            key = key.lower()
            if key in self._asked:
                keys.add(key)
            if key in self._router and value and len(value) < TERM_CAP:
                router += " / " + words_of(unquote_plus(value))
            if value and not sure and key in self._search:
                text = " ".join(unquote_plus(value).split())[:TERM_CAP]
                if text and text.isprintable():
                    term, sure = text, self._search[key]
        return Query(router, frozenset(keys), term, sure)

    def _judge(self, method: str, route: str | None, query: Query) -> Act:
        kind = _METHOD_CLASS.get(method, "other")
        spelled, last, item, root = _spell(route or "/")
        if query.router:
            spelled = f"{spelled}{query.router} "
            last, item, root = f" {query.router.rpartition('/')[2].strip()} ", False, False
        groups = self._groups(spelled)
        api = API in groups
        if api and kind == "write" and query.router.lstrip(" /").startswith(READ_VERBS):
            kind = "read"
        opaque = not query.router and (" graphql " in spelled or " gql " in spelled or " rpc " in spelled)
        seen = _Seen(groups, self._groups(last), kind, query.keys, item, root, api)
        act = self._match(seen, query)
        if act is None:
            text = self._fallback.get(kind, self._fallback["other"])
            shown = (route or "/") + (query.router.replace(" / ", " ").rstrip() if query.router else "")
            text = text.replace("{route}", _braces(shown)).replace("{method}", method)
            act = Act("", text, "", 0, False, False, api, opaque, kind != "read", False)
        if kind == "other":
            act = act._replace(background=method in ("OPTIONS", "CONNECT", "TRACE"))
        elif method == "HEAD":
            act = act._replace(background=True)
        return act._replace(api=api, opaque=opaque, write=kind in ("write", "delete"))

    def _groups(self, words: str) -> frozenset[str]:
        """The groups of words that stand in a row of words."""
        return frozenset(
            group
            for word in set(words.split())
            if word in self._phrases
            for phrase, group in self._phrases[word]
            if phrase in words
        )

    def _match(self, seen: _Seen, query: Query) -> Act | None:
        if seen not in self._found:
            if len(self._found) > QUERY_CACHE:
                self._found.clear()
            self._found[seen] = next((rule.act for rule in self._rules if rule.holds(seen)), None)
        found = self._found[seen]
        if query.term and seen.method == "read" and self._searching is not None:
            likely = found is None or found.kind in ("search", "home", "view_products", "view_category")
            if likely and (query.sure or (found is not None and found.kind != "view_category")):
                return self._searching
        return found


def words_of(name: str) -> str:
    """The words of a name, lower case, one space between.

    >>> words_of("AddToCart"), words_of("thank-you"), words_of("checkout/cart_items")
    ('add to cart', 'thank you', 'checkout / cart items')
    """
    parts = (" ".join(word.lower() for word in _WORDS.findall(part)) for part in name[:QUERY_CAP].split("/"))
    return " / ".join(part for part in parts if part)


def _spell(route: str) -> tuple[str, str, bool, bool]:
    """Words of a route padded with spaces, those of its last fixed segment, ends in a variable?, is the front page?"""
    parts = [part for part in _EXTENSION.sub("", route[:QUERY_CAP]).split("/") if part]
    spelled = [" ".join(word.lower() for word in _WORDS.findall(part)) or "{}" for part in parts]
    spelled = ["{}" if "{}" in words or words.isdigit() else words for words in spelled]
    fixed = [words for words in spelled if words != "{}"]
    item = bool(spelled) and spelled[-1] == "{}"
    return f" {' / '.join(spelled)} ", f" {fixed[-1]} " if fixed else " ", item, not spelled


def _braces(text: str) -> str:
    """A route may hold ``{}``; an activity's braces are places to fill in. Show the variable as ``…``."""
    return text.replace("{}", "…").replace("{", "(").replace("}", ")")


def fill(act: Act, route: str | None, path: str | None, term: str) -> str:
    """The activity's words for one request: ``{id}`` from the path, ``{q}`` from the search words.

    A place without a value is taken out together with its quotation marks: ``Searched ‘{q}’`` becomes ``Searched``.
    """
    text = act.text
    if "{q}" in text:
        text = text.replace("{q}", term) if term else text.replace(" ‘{q}’", "").replace("{q}", "")
    if "{id}" in text:
        text = put_id(text, variable_of(route, path))
    return text


def put_id(text: str, value: str) -> str:
    """Fill ``{id}`` in, or take it out with the space or the brackets around it."""
    if value:
        return text.replace("{id}", value)
    return " ".join(text.replace("({id})", "").replace("{id}", "").split())


def variable_of(route: str | None, path: str | None) -> str:
    """The last variable segment of a path, by its route; ``""`` when there is none.

    >>> variable_of("/orders/{}/lines", "/orders/100167/lines")
    '100167'
    """
    if not route or not path or "{}" not in route:
        return ""
    for template, value in zip(
        reversed(route.strip("/").split("/")), reversed(path.strip("/").split("/")), strict=False
    ):
        if template == "{}":
            value = _MARKS.split(value, 1)[0]  # 100167:signature
            return value if len(value) <= ID_CAP and value.isprintable() else ""
    return ""


def plain(activity: str) -> str:
    """An activity without the values in it, so that journeys of the same course compare equal.

    >>> plain("Searched ‘wool throw’"), plain("Placed order 100003")
    ('Searched', 'Placed order')
    """
    return " ".join(word for word in _QUOTED.sub("", activity).split() if not any(c.isdigit() for c in word))


_QUOTED = re.compile(r"‘[^’]*+’")


def operation_of(attributes: Mapping[str, Any], keys: Iterable[str]) -> str:
    """The name of the remote call an entry tells, by the keys of the vocabulary."""
    for key in keys:
        value = attributes.get(key)
        if isinstance(value, str) and value:
            return value[:TERM_CAP]
    return ""
