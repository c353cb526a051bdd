"""What a request is, in plain words: (method, route, query) → Act, by the rules of ``vocabulary/activities.toml``.

A route is judged once: rules are slow (a hundred of them, in order), look-ups are not. Nothing here sees status or time.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import unquote, unquote_plus

from reconstruct.events.shapes import looks_random
from reconstruct.journeys.models import STAGES, Models

QUERY_CACHE = 50_000
"""Distinct query strings kept; tracking parameters make them endless, so the cache is emptied when full."""
QUERY_CAP = 2_000
"""Characters of a query looked at: beyond lies no parameter a person typed."""
TERM_CAP = 80
"""Characters of search words shown in an activity."""
ID_CAP = 24
"""Longer variable segments are tokens and slugs: they name nothing to a person, and may be secrets."""
NAME_CAP = 60
"""Characters of a name shown: product slugs can be whole sentences."""
CODE_CAP = 16
"""A name without a word in it longer than this is a token; article numbers and the like are shorter."""
NAMES_KEPT = 20_000
"""Distinct paths whose names are remembered."""
SEGMENTS_SAID = 3
"""Segments of a route no rule knows that are said, from its end."""
SHORT_KEY = 2
"""Search keys this short (``s``, ``k``, ``st``) mean other things elsewhere: believed only where searching is likely."""
API = "api"
"""Name of the group of words that tell an interface's route."""
_CALLED = frozenset(("webhook", API))
"""Groups of words that say that a route is for callbacks, not whose."""
COUNTRY = 2
"""Letters of a country's code (ISO 3166)."""
READ_VERBS = ("get", "list", "fetch", "query", "search", "load", "find", "read", "view", "show")
"""How names of operations begin that only read, though they are sent by POST."""

FETCHES = ("get ", "fetch ", "load ", "list ")
"""How routes begin that only read, though they are sent by POST and no rule knows them."""

_WORDS = re.compile(r"\{\}|[A-Z]?[^\W\d_A-Z]+|[A-Z]+(?![a-z])|\d+")
_MARKS = re.compile("[:;,~]")
_HEX = re.compile("(?=[0-9]*[a-fA-F])[0-9a-fA-F]{16,}")
_VERSION = re.compile(r"v\d+(?:\.\d+)*")
_BY = re.compile(r" by [a-z ]+$")
"""``order by token``: how it is looked up is not what it is about."""
_EXTENSION = re.compile(r"\.(?:php\d?|html?|xhtml|aspx?|jspx?|do|action|cgi|cfm|json|xml|pdf)$", re.IGNORECASE)
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
    named: str = ""
    """activity when the path or the query names the thing; holds ``{name}``"""
    step: str = ""
    """what was done to the thing that the route names, as a message would say it"""


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
    name: str = ""
    """what a parameter such as ``product_id`` names"""


NO_QUERY = Query("", frozenset(), "", False)


class _Seen(NamedTuple):
    """All that rules ask of a request: requests that are equal in this get the same rule."""

    groups: frozenset[str]
    """groups of words that stand in the route"""
    last: frozenset[str]
    """those in its last fixed segment"""
    method: str
    keys: frozenset[str]
    item: bool
    within: bool
    root: bool
    api: bool


class _Rule:
    __slots__ = ("act", "all", "api", "item", "last", "methods", "none", "query", "root", "within")

    def __init__(self, table: Mapping[str, Any], stage: str, text: str) -> None:
        self.all = frozenset(table.get("all", ()))
        self.none = frozenset(table.get("none", ()))
        self.last = frozenset(table.get("last", ()))
        self.methods = frozenset(table.get("methods", ()))
        self.query = frozenset(table.get("query", ()))
        self.item: bool | None = table.get("item")
        self.within: bool | None = table.get("within")
        self.api: bool | None = table.get("api")
        self.root = bool(table.get("root", False))
        self.act = Act(
            table["kind"], text, table.get("failed", ""), STAGES.index(stage), bool(table.get("milestone", False)),
            bool(table.get("background", False)), False, False, False, "{" in text or "named" in table,
            table.get("named", ""), table.get("step", ""),
        )  # fmt: skip

    def holds(self, seen: _Seen) -> bool:
        return (
            self.all <= seen.groups
            and (not self.methods or seen.method in self.methods)
            and (not self.last or not self.last.isdisjoint(seen.last))
            and self.none.isdisjoint(seen.groups)
            and (not self.query or not self.query.isdisjoint(seen.keys))
            and (self.item is None or self.item == seen.item)
            and (self.within is None or self.within == seen.within)
            and (self.api is None or self.api == seen.api)
            and (not self.root or seen.root)
        )


class Classifier:
    """Judges requests; keeps what it has judged."""

    def __init__(self, models: Models) -> None:
        vocabulary = models.vocabulary
        self._phrases: dict[str, list[tuple[str, str]]] = {}  # first word → (phrase, group)
        model = models.model
        for group, phrases in (*vocabulary["words"].items(), *model.words.items(), (API, vocabulary["api_words"])):
            for phrase in map(words_of, phrases):
                self._phrases.setdefault(phrase.split()[0], []).append((f" {phrase} ", group))
        self._rules = []
        for table in (*model.rules, *vocabulary["touchpoint"]):
            kind = table["kind"]
            stage = model.stages.get(kind, table["stage"])
            renamed = model.activities.get(kind)
            if renamed is not None:
                table = {key: value for key, value in table.items() if key != "named"}
            self._rules.append(_Rule(table, stage, renamed or table["activity"]))
        self._named = frozenset(vocabulary["name_keys"])
        self._router = frozenset(key.lower() for key in vocabulary["router_keys"])
        self._search = {key: len(key) > SHORT_KEY or key == "q" for key in vocabulary["search_keys"]}
        self._asked = frozenset(key for rule in self._rules for key in rule.query)
        self._fallback: Mapping[str, str] = vocabulary["fallback"]
        self._searching = next((rule.act for rule in self._rules if rule.act.kind == "search"), None)
        self._acts: dict[tuple[str, str | None], Act] = {}
        self._found: dict[_Seen, Act | None] = {}
        self._queried: dict[tuple[str, str | None, str, frozenset[str], bool, bool], Act] = {}
        self._queries: dict[str, Query] = {}
        self._asked_for: dict[str, frozenset[str]] = {}
        self._languages = frozenset(vocabulary["languages"])
        self._changing = frozenset(vocabulary["operation_verbs"])
        self._skipped = frozenset(f" {words_of(word)} " for word in vocabulary["api_words"])

    def classify(self, method: str, route: str | None, query: str | None, operation: str = "") -> Act:
        """What a request is. ``operation``: the name of a remote call, when the entry tells it."""
        if query is None and not operation:
            key = (method, route)
            act = self._acts.get(key)
            if act is None:
                if len(self._acts) > QUERY_CACHE:
                    self._acts.clear()
                act = self._acts[key] = self._judge(method, route, NO_QUERY)
            return act
        asked = self.read_query(query) if query else NO_QUERY
        if operation:
            told = _BY.sub("", words_of(operation))
            asked = asked._replace(router=f"{asked.router} / {told}")
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
        router, keys, term, sure, name = "", set(), "", False, ""
        for part in query[:QUERY_CAP].split("&"):
            key, _, value = part.partition("=")
            key = key.lower()
            if key in self._asked:
                keys.add(key)
            if value and not name and key in self._named:
                name = say_name(value)
            if key in self._router and value and len(value) < TERM_CAP and not value.isdigit():  # page=4 turns a page
                router += " / " + words_of(unquote_plus(value))
            if value and not sure and key in self._search:
                text = " ".join(unquote_plus(value).split())[:TERM_CAP]
                if text and text.isprintable():
                    term, sure = text, self._search[key]
        return Query(router, frozenset(keys), term, sure, name)

    def _judge(self, method: str, route: str | None, query: Query) -> Act:
        kind = _METHOD_CLASS.get(method, "other")
        route = self._without_language(route or "/")
        spelled, last, item, root = _spell(route)
        if query.router:
            spelled = f"{spelled}{query.router} "
            last, item, root = f" {query.router.rpartition('/')[2].strip()} ", False, False
        groups = self._groups(spelled)
        api = API in groups
        asks = " graphql " in spelled or " gql " in spelled
        if query.router.lstrip(" /").startswith(READ_VERBS) or (asks and self._only_asks(query.router)):
            item = not query.router.endswith("s") or query.router.endswith(
                " details"
            )  # GetProduct asks for one, GetProducts for several
            kind = "read" if api and kind == "write" else kind
        opaque = not query.router and (asks or " rpc " in spelled)
        within = "{}" in spelled
        seen = _Seen(groups, self._groups(last), kind, query.keys, item, within, root, api)
        act = self._match(seen, query)
        if act is None:
            fetches = kind == "write" and last.lstrip().startswith(FETCHES)  # asks for something, and changes nothing
            kind = "read" if fetches else kind
            act = self._unknown(method, kind, route, query, api or fetches, opaque)
        elif act.named or "{words}" in act.text:
            act = self._say_thing(act, route, query)
        if kind == "other":
            act = act._replace(background=method in ("OPTIONS", "CONNECT", "TRACE"))
        elif method == "HEAD":
            act = act._replace(background=True)
        return act._replace(api=api, opaque=opaque, write=kind in ("write", "delete"))

    def _without_language(self, route: str) -> str:
        """The route without the segment that says the language: ``/de_AT/cart`` is the basket, ``/de/`` the front page."""
        first, slash, rest = route[1:].partition("/")
        language, mark, country = first.replace("-", "_").partition("_")
        if language not in self._languages or (mark and not (len(country) == COUNTRY and country.isalpha())):
            return route
        return slash + rest or "/"

    def _only_asks(self, router: str) -> bool:
        """Whether the name of an operation says of nothing that it changes it: ``product details``."""
        return bool(router) and self._changing.isdisjoint(router.split())

    def _unknown(self, method: str, kind: str, route: str | None, query: Query, api: bool, opaque: bool) -> Act:
        """A request no rule knows: the words of its operation, else of its route."""
        operation = query.router or _remote_call(route)
        parts = [part for part in (operation or _spell(route or "/")[0]).split("/") if part.strip(" {}")]
        said = [part.strip() for part in parts if operation or f" {part.strip()} " not in self._skipped]
        words = " ".join((said or [part.strip() for part in parts])[-SEGMENTS_SAID:])
        if operation:
            return Act("", words.capitalize(), "", 0, False, False, api, opaque, kind != "read", False)
        key = "call" if api and kind == "read" else kind
        text = self._fallback.get(key, self._fallback["other"]).replace("{method}", method)
        item = "{}" in (route or "")
        bare = text.replace("{words}", words or self._fallback["page"])
        named = text.replace("{words}", f"{words} {{name}}".strip()) if item else ""
        return Act("", bare, "", 0, False, False, api, opaque, kind != "read", item, named)

    def _say_thing(self, act: Act, route: str | None, query: Query) -> Act:
        """Put the words of the route in where it names the thing itself: ``/c/garden`` is the category ‘garden’."""
        parts = [part for part in _EXTENSION.sub("", (route or "/")[:QUERY_CAP]).split("/") if part]
        fixed = [part for part in parts if part != "{}"]
        last = words_of(fixed[-1]) if fixed else ""
        if "{caller}" in act.named:
            caller = next((words_of(part) for part in fixed if not self._is_word_of(words_of(part), _CALLED)), "")
            return act._replace(
                text=act.named.replace("{caller}", caller) if caller else act.text, named="", filled=False
            )
        if "{words}" in act.text and query.router:
            return act._replace(text=query.router.rpartition("/")[2].strip().capitalize(), filled=False)
        if "{words}" in act.text:
            return act._replace(text=act.text.replace("{words}", last or self._fallback["page"]), filled=False)
        if act.named and parts and parts[-1] != "{}" and "{}" not in parts and not query.keys and len(parts) > 1:
            name = say_name(fixed[-1])
            if name and not self._is_word_of(last, self._naming(act.kind)):
                return act._replace(text=act.named.replace("{name}", name), named="", filled=False)
        return act

    def _naming(self, kind: str) -> frozenset[str]:
        """Groups whose words tell what a route is for, not which of them: those the rules of this kind ask for."""
        found = self._asked_for.get(kind)
        if found is None:
            groups = (rule.all | rule.last for rule in self._rules if rule.act.kind == kind)
            found = self._asked_for[kind] = frozenset().union(*groups)
        return found

    def _is_word_of(self, words: str, groups: frozenset[str]) -> bool:
        """The words are one of these groups' phrases and nothing more."""
        known = self._phrases.get(words.partition(" ")[0], ())
        return any(phrase == f" {words} " and group in groups for phrase, group in known)

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


def kind_of_object(type_name: str, models: Models) -> str:
    """The ``[object.*]`` table for a type of business objects, by its words; ``other`` where there is none."""
    words = set(words_of(type_name).split())
    table: Mapping[str, Any] = models.vocabulary["object"]
    return next((name for name, entry in table.items() if not words.isdisjoint(entry["words"])), "other")


def _spell(route: str) -> tuple[str, str, bool, bool]:
    """Words of a route padded with spaces, those of its last fixed segment, ends in a variable?, is the front page?"""
    parts = [part for part in _EXTENSION.sub("", route[:QUERY_CAP]).split("/") if part]
    parts = ["v1" if _VERSION.fullmatch(part) else part for part in parts]
    spelled = [" ".join(word.lower() for word in _WORDS.findall(part)) or "{}" for part in parts]
    spelled = ["{}" if "{}" in words or words.isdigit() else words for words in spelled]
    fixed = [words for words in spelled if words != "{}"]
    item = bool(spelled) and spelled[-1] == "{}"
    return f" {' / '.join(spelled)} ", f" {fixed[-1]} " if fixed else " ", item, not spelled


def _remote_call(route: str | None) -> str:
    """The method of a remote call's path (gRPC: ``/shop.v1.Stock/ReserveItem``); ``""`` when it is none."""
    service, slash, method = (route or "").removeprefix("/").rpartition("/")
    return words_of(method) if slash and "." in service and "/" not in service and method[:1].isupper() else ""


def fill(act: Act, route: str | None, path: str | None, query: Query = NO_QUERY) -> str:
    """The activity's words for one request: ``{id}`` and ``{name}`` from the path, ``{q}`` from the search words.

    A place without a value is taken out together with its quotation marks: ``Searched ‘{q}’`` becomes ``Searched``.
    """
    text = act.text
    if act.named:
        name = name_of(route, path) or query.name
        return act.named.replace("{name}", name) if name else put_id(text, variable_of(route, path))
    if "{q}" in text:
        term = query.term or name_of(route, path).strip("‘’")
        text = text.replace("{q}", term) if term else text.replace(" ‘{q}’", "").replace("{q}", "")
    if "{id}" in text:
        text = put_id(text, variable_of(route, path))
    return text


def put_id(text: str, value: str, *, is_object: bool = False) -> str:
    """Fill ``{id}`` in where a person can read it, or take it out with the space or the brackets around it.

    ``is_object``: it is known to name a business object, so that what looks drawn at random is no secret but its number.

    >>> put_id("Placed order {id}", "R000010544"), put_id("Subscribed ({id})", "sub_ujRTB7VWgztU4fO2UNSVlYeK")
    ('Placed order R000010544', 'Subscribed')
    >>> put_id("Placed order {id}", "ord_Y4YN3BP7WNVN"), put_id("Placed order {id}", "ord_Y4YN3BP7WNVN", is_object=True)
    ('Placed order', 'Placed order ord_Y4YN3BP7WNVN')
    """
    if value and len(value) <= ID_CAP and (is_object or not looks_random(value)) and _HEX.fullmatch(value) is None:
        return text.replace("{id}", value)
    return " ".join(text.replace("({id})", "").replace("{id}", "").split())


@lru_cache(NAMES_KEPT)
def name_of(route: str | None, path: str | None) -> str:
    """What the last variable segment of a path names; ``""`` when nothing a person could read.

    >>> name_of("/catalogue/{}/", "/catalogue/wool-throw_123/"), name_of("/p/{}", "/p/FH-57-3179"), name_of("/p", "/p")
    ('‘wool throw’', 'FH-57-3179', '')
    """
    if not route or not path or "{}" not in route:
        return ""
    segments = zip(reversed(route.strip("/").split("/")), reversed(path.strip("/").split("/")), strict=False)
    return next((say_name(value) for template, value in segments if template == "{}"), "")


def say_name(value: str) -> str:
    """A path segment or parameter as a name: its words quoted, or a short number or code as it is; ``""`` for tokens.

    >>> say_name("oak%20bench.html"), say_name("417"), say_name("d41d8cd98f00b204e9800998ecf8427e"), say_name("a@b.example")
    ('‘oak bench’', '417', '', '')
    """
    text = _EXTENSION.sub("", unquote(value[: 4 * NAME_CAP]))
    if not text.isprintable() or "@" in text or "�" in text or "{" in text:
        return ""
    words = _BETWEEN.sub(" ", text).split()
    while len(words) > 1 and (_NUMBERED.fullmatch(words[-1]) or len(words[-1]) > CODE_CAP):
        words.pop()  # what the shop's database calls it
    while len(words) > 1 and words[0].isdigit() and len(words[0]) > 2:
        words.pop(0)
    if any(_READABLE.fullmatch(word) for word in words):
        name = " ".join(words)
        return f"‘{name[:NAME_CAP].rstrip()}…’" if len(name) > NAME_CAP else f"‘{name}’"
    return text if 0 < len(text) <= CODE_CAP and any(map(str.isalnum, text)) else ""


_BETWEEN = re.compile(r"[-_+\s‘’]+")
_NUMBERED = re.compile(r"[a-z]{0,2}\d+", re.IGNORECASE)
_READABLE = re.compile(r"[^\W\d_]{3,30}")
"""A word: letters only, no longer than words are."""


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

    Codes of letters alone are told by their capitals; the word an activity begins with is none:

    >>> plain("Booked RCHCKDPY"), plain("Placed order ord_FBPDWKDJWVJ"), plain("OPTIONS basket")
    ('Booked', 'Placed order', 'OPTIONS basket')
    """
    words = _QUOTED.sub("", activity).split()
    return " ".join(
        word
        for place, word in enumerate(words)
        if not any(c.isdigit() for c in word) and not (place and _CODE.match(word))
    )


_QUOTED = re.compile(r"‘[^’]*+’")
_CODE = re.compile(r"(?=\S{5})\S[^A-Z]*[A-Z]")
"""A word of five letters or more with a capital after its first."""


def operation_of(attributes: Mapping[str, Any], keys: Iterable[str]) -> str:
    """The name of the remote call an entry tells, by the keys of the vocabulary."""
    for key in keys:
        value = attributes.get(key)
        if isinstance(value, str) and value:
            return value[:TERM_CAP]
    return ""
