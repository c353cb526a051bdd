"""The query language: what matches is what the documents say, what is wrong is said with its place, nothing else happens."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.lark import from_lark
from lark import Lark

from reconstruct.errors import QueryError
from reconstruct.options import Options
from reconstruct.pipeline import open_paths
from reconstruct.query.fields import load_words
from reconstruct.query.parsing import parse_query
from reconstruct.query.syntax import (
    MAX_CONDITIONS,
    MAX_LENGTH,
    And,
    Condition,
    Group,
    Node,
    Not,
    Or,
    Range,
    Single,
    Text,
    is_plain_value,
    is_plain_word,
    render,
)
from reconstruct.resources import grammars_directory
from reconstruct.results import Reconstruction

ROOT = Path(__file__).parent.parent
SHOP = ROOT / "samples" / "shop" / "logs"
WORDS = load_words()

Document = dict[str, Any]


@pytest.fixture(scope="module")
def documents(shop: Reconstruction) -> list[Document]:
    return [json.loads(line) for line in shop.documents()]


def ids(results: Reconstruction, query: str) -> list[str]:
    return [json.loads(line)["id"] for line in results.select(query).documents()]


# --- what matches: each query beside the same question to the documents


def touchpoints(document: Document) -> list[Document]:
    found: list[Document] = document["customer_journey"]["touchpoints"]
    return found


def business(document: Document) -> list[Document]:
    found: list[Document] = document["business_journeys"]
    return found


def steps(document: Document) -> list[Document]:
    return [step for journey in business(document) for step in journey["steps"]]


STAGES = ("awareness", "interest", "consideration", "purchase", "after-sales")


def stage(document: Document) -> int:
    return STAGES.index(document["customer_journey"]["stage_reached"])


def outcome(document: Document) -> str:
    return str(document["customer_journey"]["outcome"])


QUESTIONS: dict[str, Callable[[Document], bool]] = {
    "outcome:abandoned": lambda d: outcome(d) == "abandoned",
    "OUTCOME:Abandoned,failed": lambda d: outcome(d) in ("abandoned", "failed"),
    "outcome!=abandoned": lambda d: outcome(d) != "abandoned",
    "-outcome:abandoned": lambda d: outcome(d) != "abandoned",
    "not outcome:a*": lambda d: not outcome(d).startswith("a"),
    "stage>=checkout": lambda d: stage(d) >= 3,
    "stage<purchase": lambda d: stage(d) < 3,
    "stage:interest..consideration": lambda d: stage(d) in (1, 2),
    "duration>5m": lambda d: d["duration_ms"] > 300_000,
    "duration:1m..5m30s": lambda d: 60_000 <= d["duration_ms"] <= 330_000,
    "score<=90 or agent:bot": lambda d: d["experience"]["score"] <= 90 or d["session"]["agent_kind"] == "bot",
    "user:*": lambda d: d["customer"] is not None,
    "-user:*": lambda d: d["customer"] is None,
    "ip:203.0.113.77": lambda d: "203.0.113.77" in d["session"]["client_ip"],
    "ip:203.0.113.*": lambda d: any(ip.startswith("203.0.113.") for ip in d["session"]["client_ip"]),
    "device:mobile": lambda d: "mobile" in d["session"]["device"].lower(),
    "campaign:utm_source": lambda d: "utm_source" in d["customer_journey"]["intent"].get("campaign", {}),
    "source:campaign": lambda d: d["customer_journey"]["intent"].get("source") == "campaign",
    "entry:*": lambda d: d["customer_journey"]["intent"].get("entry") is not None,
    "previous:*": lambda d: d["customer_journey"]["intent"].get("previous") is not None,
    "goal:*": lambda d: d["customer_journey"]["goal"] is not None,
    "touchpoints:2..4": lambda d: 2 <= len(touchpoints(d)) <= 4,
    "started:2026-09-15": lambda d: d["started_at"].startswith("2026-09-15"),
    "started>2026-09-14": lambda d: d["started_at"] >= "2026-09-15",
    "since:2026-09-14T12 until:2026-09-15": lambda d: "2026-09-14T12" <= d["started_at"] < "2026-09-16",
    "started:2026-09-14T11..2026-09-14T12": lambda d: d["started_at"][:13] in ("2026-09-14T11", "2026-09-14T12"),
    "status:404": lambda d: any(t["status"] == 404 for t in touchpoints(d)),
    "status:4xx,500": lambda d: any(t["status"] and (t["status"] // 100 == 4 or t["status"] == 500) for t in touchpoints(d)),
    "-status:404 status>=400": lambda d: any((t["status"] or 0) >= 400 for t in touchpoints(d))
    and not any(t["status"] == 404 for t in touchpoints(d)),
    "status!=404": lambda d: all(t["status"] != 404 for t in touchpoints(d)),
    "method:POST status:404": lambda d: any(t["method"] == "POST" for t in touchpoints(d))
    and any(t["status"] == 404 for t in touchpoints(d)),
    "touchpoint(method:POST status:200)": lambda d: any(t["method"] == "POST" and t["status"] == 200 for t in touchpoints(d)),
    "touchpoint(method:POST -status:302)": lambda d: any(t["method"] == "POST" and t["status"] != 302 for t in touchpoints(d)),
    "latency>200ms": lambda d: any((t["latency_ms"] or 0) > 200 for t in touchpoints(d)),
    "dwell>=10m": lambda d: any((t.get("dwell_ms") or 0) >= 600_000 for t in touchpoints(d)),
    "touchpoint(ok:no friction:*)": lambda d: any(
        not touchpoints(d)[s["touchpoint"]]["ok"] for s in d["experience"]["signals"]
    ),
    "friction:payment_failed": lambda d: any(s["kind"] == "payment_failed" for s in d["experience"]["signals"]),
    "friction(weight>=10 kind:not_found)": lambda d: any(
        s["kind"] == "not_found" and s["weight"] >= 10 for s in d["experience"]["signals"]
    ),
    "order:*": lambda d: any(b["object"]["type"] == "order" for b in business(d)),
    "value>100": lambda d: any(b["value"] and float(b["value"]["amount"]) > 100 for b in business(d)),
    "business.outcome:fulfilled": lambda d: any(b["outcome"] == "fulfilled" for b in business(d)),
    "order(outcome:in_progress value>20)": lambda d: any(
        b["outcome"] == "in_progress" and b["value"] and float(b["value"]["amount"]) > 20 for b in business(d)
    ),
    "payment:*": lambda d: any(o["type"] == "payment" for b in business(d) for o in b["objects"]),
    "service:paygate": lambda d: any(s["service"] == "paygate" for s in steps(d)),
    "step(service:paygate status:failed)": lambda d: any(
        s["service"] == "paygate" and s["status"] == "failed" for s in steps(d)
    ),
    "order(step(status:failed) -step(service:celery))": lambda d: any(
        any(s["status"] == "failed" for s in b["steps"]) and all(s["service"] != "celery" for s in b["steps"])
        for b in business(d)
    ),
    "exception:technical": lambda d: any(s.get("exception") == "technical" for s in steps(d)),
    "wait>1d": lambda d: any((s["wait_ms"] or 0) > 86_400_000 for s in steps(d)),
    "attempts>1": lambda d: any(s["attempts"] > 1 for s in steps(d)),
    "deviation:late": lambda d: any(v["kind"] == "late" for b in business(d) for v in b["deviations"]),
    "deviation(repeated)": lambda d: any(v["kind"] == "repeated" for b in business(d) for v in b["deviations"]),
    'activity:"order 1002"': lambda d: any("order 1002" in t["activity"].lower() for t in touchpoints(d)),
    "touchpoint(placed order)": lambda d: any(
        all(word in f"{t['activity']} {t['target']}".lower() for word in ("placed", "order")) for t in touchpoints(d)
    ),
    "(outcome:failed or outcome:abandoned) (score<80 or status:5xx)": lambda d: outcome(d) in ("failed", "abandoned")
    and (d["experience"]["score"] < 80 or any((t["status"] or 0) // 100 == 5 for t in touchpoints(d))),
}  # fmt: skip


@pytest.mark.parametrize("query", QUESTIONS)
def test_what_matches_is_what_the_documents_say(query: str, shop: Reconstruction, documents: list[Document]) -> None:
    wanted = [document["id"] for document in documents if QUESTIONS[query](document)]
    assert ids(shop, query) == wanted


def test_the_questions_tell_journeys_apart(documents: list[Document]) -> None:
    """A query that matches nothing, or everything, would prove little."""
    told = [sum(map(ask, documents)) for ask in QUESTIONS.values()]
    assert sum(0 < n < len(documents) for n in told) >= 0.85 * len(told)


def test_words_are_found_wherever_a_journey_has_them(shop: Reconstruction, documents: list[Document]) -> None:
    def has(document: Document, word: str) -> bool:
        journey, session = document["customer_journey"], document["session"]
        said = [
            document["id"], document["customer"], session, document["channel"], journey["outcome"], journey["goal"],
            journey["stage_reached"], journey["intent"].get("campaign"),
            [(t["activity"], t["target"]) for t in touchpoints(document)],
            [(b["id"], b["object"], b["objects"], b["outcome"]) for b in business(document)],
            [(s["activity"], s["service"]) for s in steps(document)],
        ]  # fmt: skip
        return word in json.dumps(said, ensure_ascii=False).lower()

    for word in ("declined", "order", "203.0.113.77", "paygate", "mobile", "abandoned", "/checkout"):
        wanted = [document["id"] for document in documents if has(document, word)]
        assert wanted and ids(shop, word) == wanted, word
    assert ids(shop, "payment declined") == ids(shop, "declined payment") != []
    assert ids(shop, '"declined payment"') == []
    assert ids(shop, "pay*declined") == ids(shop, '"payment declined"')


def test_names_of_types_are_fields(shop: Reconstruction, documents: list[Document]) -> None:
    one = next(d for d in documents if any(b["objects"] for b in business(d)))
    order = business(one)[0]
    part = order["objects"][0]
    assert one["id"] in ids(shop, f"{order['object']['type']}:{order['object']['id']}")
    assert one["id"] in ids(shop, f'{part["type"]}:"{part["id"]}"')
    assert one["id"] in ids(shop, f"{order['object']['type']}({order['object']['id']} step(status:ok))")


def test_moments_are_read_in_the_zone_given() -> None:
    east = open_paths([SHOP], Options(cache=False, workers=1, timezone_s=2 * 3600))
    stamp = "2026-09-15T00:00:00"
    try:
        here = {json.loads(line)["id"] for line in east.select(f"started>={stamp}").documents()}
        assert here == {json.loads(line)["id"] for line in east.select("started>=2026-09-14T22:00Z").documents()}
        assert here == {json.loads(line)["id"] for line in east.select("started>=2026-09-15T00:00+02:00").documents()}
        assert here > {json.loads(line)["id"] for line in east.select("started>=2026-09-15T00:00Z").documents()}
    finally:
        east.close()


def test_relative_moments_count_back_from_the_end_of_the_logs(shop: Reconstruction) -> None:
    end = max(source["last_at"] for source in shop.sources())
    assert end.startswith("2026-09-16T07:59:54")
    assert ids(shop, "since:24h") == ids(shop, f"started>={end.replace('-16T', '-15T')}") != []
    assert ids(shop, "started:today") == ids(shop, "started:2026-09-16")
    assert ids(shop, "started:yesterday") == ids(shop, "started:2026-09-15")


# --- the facts themselves


def test_facts_are_the_documents_as_columns(shop: Reconstruction, documents: list[Document]) -> None:
    at = "strftime(\"at\", '%Y-%m-%dT%H:%M:%S.%fZ')"
    rows = shop.store.rows(
        f"SELECT {at}, activity, stage, milestone, method, route, target, status, ok, latency_ms, dwell_ms"
        " FROM touchpoints ORDER BY journey, position"
    )
    keys = ("at", "activity", "stage", "milestone", "method", "route", "target", "status", "ok", "latency_ms")
    told = [(*(t[key] for key in keys), t.get("dwell_ms")) for document in documents for t in touchpoints(document)]
    assert rows == told
    signals = shop.store.rows(f"SELECT kind, {at}, touchpoint, weight FROM signals ORDER BY journey, position")
    assert signals == [
        (s["kind"], s["at"], s["touchpoint"], s["weight"]) for d in documents for s in d["experience"]["signals"]
    ]
    found = shop.store.rows(
        f"SELECT b.id, {at}, s.activity, service, status, exception, wait_ms, s.duration_ms, attempts"
        " FROM steps s JOIN business b ON b.number = s.business ORDER BY s.business, position"
    )
    keys = ("at", "activity", "service", "status", "wait_ms", "duration_ms", "attempts")
    assert found == [
        (b["id"], s["at"], s["activity"], s["service"], s["status"], s.get("exception"), s["wait_ms"], s["duration_ms"], s["attempts"])
        for d in documents for b in business(d) for s in b["steps"]
    ]  # fmt: skip
    intents = shop.store.rows("SELECT id, entry, source, referrer, apdex, outcome_at FROM journeys ORDER BY seq")
    assert intents == [
        (d["id"], *(d["customer_journey"]["intent"].get(key) for key in ("entry", "source", "referrer")),
         d["experience"]["apdex"], d["customer_journey"]["outcome_at"])
        for d in documents
    ]  # fmt: skip
    triggers = shop.store.rows("SELECT id, object, trigger FROM business ORDER BY number")
    assert triggers == [
        (b["id"], b["object"]["id"], b["trigger"] and b["trigger"]["touchpoint"])
        for d in documents
        for b in business(d)
    ]


# --- every word of the vocabulary


@pytest.mark.parametrize("field", WORDS.fields, ids=lambda field: f"{field.entity}.{field.name}")
def test_every_field_stands_in_its_table(field: Any, shop: Reconstruction) -> None:
    table = WORDS.entities[field.entity].table
    shop.store.rows(f"SELECT {field.column} FROM {table} WHERE {field.where or 'true'} LIMIT 1")
    assert parse_query(field.example) is not None
    assert shop.count_journeys(field.example) >= 0
    for name in field.names:
        if WORDS.find(name, "journey") is field:
            assert shop.count_journeys(f"{name}:*") >= 0
    assert field.help


@pytest.mark.parametrize("entity", WORDS.entities.values(), ids=lambda entity: entity.name)
def test_every_entity_has_its_text(entity: Any, shop: Reconstruction) -> None:
    shop.store.rows(f"SELECT {', '.join(entity.text)} FROM {entity.table} LIMIT 1")
    for outer, (theirs, own) in entity.within.items():
        shop.store.rows(f"SELECT {theirs} FROM {WORDS.entities[outer].table} LIMIT 1")
        shop.store.rows(f"SELECT {own} FROM {entity.table} LIMIT 1")


def test_a_name_means_one_thing() -> None:
    for scope in WORDS.entities:
        names = [name for name, _ in WORDS.visible(scope)]
        assert len(names) == len(set(names))
    own = [(field.entity, field.name) for field in WORDS.fields]
    assert len(own) == len(set(own))


# --- what is wrong

WRONG = {
    "outcom:failed": (1, "no field is called outcom", "did you mean outcome?"),
    "a outcome:abandonned": (11, "outcome:abandonned", "did you mean abandoned?"),
    "outcome:stuck": (9, "outcome:stuck", "business.outcome:stuck"),
    "outcome:": (9, "ends too early", "expected a value"),
    "(a or b": (8, "ends too early", '")"'),
    "a)": (2, "closes", "quote"),
    "()": (2, ") is not expected", "expected"),
    'a "b c': (3, "never closed", "close it"),
    "duration>5": (10, "duration>5", "with its unit"),
    "score<many": (7, "score<many", "a number"),
    "status:9": (8, "status:9", "404 or 5xx"),
    "ok:perhaps": (4, "ok:perhaps", "yes or no"),
    "value:12bananas": (7, "value:12bananas", "99.50EUR"),
    "value:1EUR..2USD": (7, "value:1EUR..2USD", "one currency"),
    "started:2026-02-30": (9, "2026-02-30", "a moment"),
    "started:9999-12-31": (9, "9999-12-31", "a moment"),
    "since:999999999w": (7, "999999999w", "a moment"),
    "started:2d": (9, "started:2d", "started>=2d"),
    "customer>a": (1, "no order", "customer:"),
    "score<1,2": (1, "takes one value", "score:1..5"),
    "outcome<failed": (1, "no order", "outcome="),
    "channel:a..b": (9, "channel:a..b", "list"),
    "step(channel:web)": (6, "step(…) has no field channel", "outside of step(…)"),
    "stepp(status:ok)": (1, "no group is called stepp", "did you mean step(…)?"),
    "touchpoint(step(status:ok))": (12, "cannot stand in touchpoint(…)", "beside touchpoint(…)"),
    "identity(x)": (1, "no group is called identity", "groups:"),
    "x\ud800": (2, "no character", "UTF-8"),
    "x\0": (2, "no character", "NUL"),
    "a ..b": (3, ". is not expected", "quotes"),
}  # fmt: skip


@pytest.mark.parametrize("query", WRONG, ids=ascii)
def test_errors_say_where_and_what_would_be_right(query: str, shop: Reconstruction) -> None:
    column, reason, hint = WRONG[query]
    with pytest.raises(QueryError) as raised:
        shop.count_journeys(query)
    error = raised.value
    assert (error.column, error.exit_code) == (column, 2)
    assert reason in error.reason and hint in error.hint, (error.reason, error.hint)
    shown, caret = error.message.split("\n")[-2:]
    assert caret.index("^") == 2 + column - 1
    assert shown[2:] == "".join(char if char.isprintable() else " " for char in query)


def test_hostile_queries_are_bounded(shop: Reconstruction) -> None:
    for query in (
        "(" * 2000 + "a" + ")" * 2000, "-" * 3000 + "a", "not " * 900 + "a", "step(" * 500 + "a" + ")" * 500, "x" * (MAX_LENGTH + 1),
        " ".join("w" for _ in range(MAX_CONDITIONS + 1)), "(a or " * 500 + "b" + ")" * 500,
    ):  # fmt: skip
        try:
            shop.count_journeys(query)
        except QueryError as error:
            assert error.hint and len(error.message) < 400
        else:
            assert query.startswith("(("), "parentheses alone say nothing"
    assert shop.count_journeys("*" * 2000 + "a" + "*a" * 900) >= 0
    assert shop.count_journeys("order:" + ",".join(map(str, range(900)))) >= 0
    assert shop.count_journeys(" ".join("w" for _ in range(MAX_CONDITIONS))) >= 0


@pytest.mark.parametrize(
    "value", ["'; DROP TABLE journeys; --", "%", "_", "\\", "a\\", '"', "' OR 1=1 --", "(?i)[", "ß", "İ"]
)
def test_values_are_never_part_of_the_question(value: str, shop: Reconstruction) -> None:
    total = shop.count_journeys()
    for query in (
        Text(value),
        Condition("customer", ":", (Single(value),)),
        Condition("service", "=", (Single(value),)),
    ):
        assert 0 <= shop.count_journeys(render(query)) < total
    assert shop.count_journeys() == total


# --- properties

PLAIN = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)


def singles() -> st.SearchStrategy[Single]:
    told = ["5m", "2d", "404", "5xx", "10", "99.5EUR", "yes", "2026-09-14", "today", "failed", "purchase", "*", "a*b"]
    return st.builds(
        lambda text, literal: Single(text, "*" in text and (literal or not is_plain_value(text))),
        st.sampled_from(told) | PLAIN,
        st.booleans(),
    )


def trees() -> st.SearchStrategy[Node]:
    names = st.sampled_from([*(f.name for f in WORDS.fields), "business.outcome", "step.status", "nonsense", "order"])
    values = singles() | st.builds(Range, singles(), singles()) | st.builds(Range, singles(), st.none())
    conditions = st.builds(
        Condition, names, st.sampled_from([":", "=", "!=", "<", "<=", ">", ">="]), st.lists(values, min_size=1, max_size=3).map(tuple)
    )  # fmt: skip
    texts = st.builds(
        lambda text, literal: Text(text, "*" in text and (literal or not is_plain_word(text))), PLAIN, st.booleans()
    )
    groups = st.sampled_from(["touchpoint", "step", "business", "order", "deviation", "signal", "nonsense"])

    def deeper(inside: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
        parts = st.lists(inside, min_size=2, max_size=3).map(tuple)
        return st.builds(Not, inside) | st.builds(And, parts) | st.builds(Or, parts) | st.builds(Group, groups, inside)

    return st.recursive(texts | conditions, deeper, max_leaves=8)


@given(tree=trees())
@settings(max_examples=400, deadline=None)
@example(tree=And((Text("foo"), Text("=5"))))
@example(tree=Condition("a", "<", (Single("=5"), Range(Single("x."), Single("..y")))))
@example(tree=And((Condition("a", ":", (Single("1"),)), Text("..5"))))
def test_printing_and_reading_again_is_the_same(tree: Node) -> None:
    assert parse_query(render(tree)) == tree


@given(tree=trees())
@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_query_runs_or_says_what_is_wrong(tree: Node, shop: Reconstruction) -> None:
    text = render(tree)
    try:
        n = shop.count_journeys(text)
        rest = shop.count_journeys(render(Not(tree)))
    except QueryError as error:
        assert error.hint and 1 <= error.column <= len(text) + 1
        return
    assert n + rest == shop.count_journeys(), "a journey matches a query or its negation"


@given(text=st.text(st.sampled_from('ab:=<>!()"\\-,.* ort\n§'), max_size=30) | st.text(max_size=40))
@settings(max_examples=400, deadline=None)
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        tree = parse_query(text)
    except QueryError as error:
        assert error.hint and 1 <= error.column <= len(text) + 1
        return
    assert parse_query(render(tree)) == tree


GRAMMAR = Lark((grammars_directory() / "query.lark").read_text(encoding="utf-8"), parser="lalr", lexer="contextual")


@given(text=from_lark(GRAMMAR, alphabet=st.characters(codec="ascii", exclude_characters="\0")))
@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
def test_what_the_grammar_makes_is_read(text: str) -> None:
    try:
        tree = parse_query(text)
    except QueryError:
        return  # terminals look ahead, which what is made of them does not know
    assert parse_query(render(tree)) == tree


# --- completions

COMPLETED = {
    "outc": ["outcome:"],
    "outcome:a": ["achieved", "abandoned"],
    "-agent:bot,m": ["monitor"],
    "step(status:": ["ok", "failed"],
    "step(service:pay": ["paygate"],
    "ok:": ["yes", "no"],
    "stage>=pu": ["purchase"],
    "device": ["device:"],
    'x "outcome:': [],
    "nonsense:": [],
    "duration>": [],
    "business.out": ["business.outcome:"],
}


@pytest.mark.parametrize("text", COMPLETED)
def test_completions(text: str, shop: Reconstruction) -> None:
    found = shop.completions(text)
    assert [each.text for each in found] == COMPLETED[text]
    for each in found:
        whole = text[: each.start] + each.text + text[each.end :]
        parse_query(whole + ("*" if each.kind == "field" else "") + ")" * whole.count("("))


def test_completions_in_the_middle_and_of_values_seen(shop: Reconstruction) -> None:
    text = "outcome:f score>5"
    assert [(each.text, each.start, each.end) for each in shop.completions(text, 9)] == [("failed", 8, 9)]
    assert "order(" in [each.text for each in shop.completions("ord")]
    values = [each.text for each in shop.completions("activity:placed")]
    assert values and all(shop.count_journeys(f"activity:{value}") for value in values)
    assert len(shop.completions("")) > 30
