"""Access logs whose layout nobody wrote down beside them: it is told from their lines."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from pathlib import Path

import pytest
from command import reconstruct
from hypothesis import given, settings
from hypothesis import strategies as st

from reconstruct.cli import main
from reconstruct.layouts.importing import import_told
from reconstruct.layouts.telling import tell_layout

USUAL = '{proxy} - - [{local}] "{method} {target} HTTP/1.1" {status} {bytes} "{referrer}" "{agent}"'
TOLD = (
    '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent"'
)
AGENTS = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0 Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15",
    "curl/8.1.2",
)
COUNT = 60


def requests(seed: str) -> list[dict[str, str]]:
    """What is known of some requests that come through two proxies."""
    dice = random.Random(seed)
    found = []
    for number in range(COUNT):
        second = f"10:{number // 2:02}:{number % 60:02}"
        whole = dice.lognormvariate(-3, 1.5)
        found.append(
            {
                "proxy": f"10.0.0.{dice.randrange(1, 3)}",
                "visitor": f"203.0.113.{dice.randrange(1, 250)}",
                "visitor6": f"2001:db8::{dice.randrange(1, 9999):x}",
                "local": f"18/Sep/2026:{second} +0100",
                "iso": f"2026-09-18T{second}+01:00",
                "plain": f"2026-09-18 {second}",
                "epoch": f"1789722{number:03}.{dice.randrange(1000):03}",
                "method": dice.choice(("GET", "GET", "POST")),
                "target": dice.choice(("/", "/cart", f"/item/{number}?x=1", f"/api/orders/{number}")),
                "status": dice.choice(("200", "200", "304", "404", "302")),
                "bytes": dice.choice(("0", "532", "10233", "99")),
                "referrer": dice.choice(("-", "https://www.shop.example/cart")),
                "agent": dice.choice(AGENTS),
                "seconds": f"{whole:.3f}",
                "behind": f"{whole * 0.9:.3f}",
                "usec": str(int(whole * 1_000_000)),
                "request": f"{dice.getrandbits(128):032x}",
                "cookie": f"sid={dice.getrandbits(64):x}; lang=en",
                "site": "www.shop.example",
                "server": "10.0.7.1:8080",
                "cache": dice.choice(("HIT", "MISS")),
            }
        )
    return found


def lines_of(layout: str, seed: str = "shop") -> list[str]:
    return [layout.format(**each) for each in requests(seed)]


TAILS = {
    '"{visitor}" "{site}" sn="www" rt={seconds} ua="{server}" us="{status}"': '"$http_x_forwarded_for" "$host" $pairs',
    'rt={seconds} rid={request} "{visitor}, 10.1.1.1"': '$pairs "$http_x_forwarded_for"',
    '"-" "{visitor6}" {seconds} {behind}': '"$text_10" "$http_x_forwarded_for" $request_time $upstream_response_time',
    '{behind} {seconds} "{visitor}"': '$upstream_response_time $request_time "$http_x_forwarded_for"',
    '{seconds} "{server}" "{behind}" "{status}"': '$request_time "$upstream_addr" "$upstream_response_time" "$upstream_status"',
    "{site} {seconds} {server}, {server} {behind}, {behind} {status} {request}": (
        "$host $request_time $upstream_addr $upstream_response_time $upstream_status $request_id"
    ),
    '{usec} 0 "{visitor}"': '$request_time_usec $column_11 "$http_x_forwarded_for"',
    "TLSv1.3 TLS_AES_128_GCM_SHA256 {seconds} {cache}": "$ssl_protocol $ssl_cipher $request_time $upstream_cache_status",
    "{seconds} {visitor}, 10.1.1.1": "$request_time $http_x_forwarded_for",
    "[{seconds}] [{visitor}]": "[$request_time] [$http_x_forwarded_for]",
    "time:{seconds} from:{visitor}": "time:$request_time from:$http_x_forwarded_for",
    '"{visitor}" "{cookie}" {usec}': '"$http_x_forwarded_for" "$http_cookie" $request_time_usec',
}


@pytest.mark.parametrize("tail", TAILS)
def test_what_is_appended_to_a_usual_line_is_told_by_its_values(tail: str) -> None:
    assert tell_layout(lines_of(f"{USUAL} {tail}"), beyond_usual=True) == f"{TOLD} {TAILS[tail]}"


WHOLE = {
    '{iso} {visitor} "{method} {target} HTTP/1.1" {status} {seconds} "{agent}"': (
        '$time_iso8601 $remote_addr "$request" $status $request_time "$http_user_agent"'
    ),
    "{proxy}|{iso}|{method} {target} HTTP/1.1|{status}|{bytes}|{seconds}|{referrer}|{agent}|{visitor}|{request}": (
        "$remote_addr|$time_iso8601|$request|$status|$body_bytes_sent|$request_time|$http_referer|$http_user_agent"
        "|$http_x_forwarded_for|$request_id"
    ),
    "{visitor} | {iso} | {method} {target} HTTP/1.1 | {status} | {bytes} | {seconds}": (
        "$remote_addr | $time_iso8601 | $request | $status | $body_bytes_sent | $request_time"
    ),
    "{local}\t{visitor}\t{method}\t{target}\tHTTP/1.1\t{status}\t{bytes}": (
        "$time_local\t$remote_addr\t$request_method\t$request_uri\t$server_protocol\t$status\t$body_bytes_sent"
    ),
    '"{visitor}","{local}","{method} {target} HTTP/1.1","{status}","{bytes}","{agent}"': (
        '"$remote_addr","$time_local","$request","$status","$body_bytes_sent","$http_user_agent"'
    ),
    '{iso};{visitor};{method};{target};{status};{bytes};"{agent}"': (
        '$time_iso8601;$remote_addr;$request_method;$request_uri;$status;$body_bytes_sent;"$http_user_agent"'
    ),
    "{epoch} {visitor} {method} {target} {status} {bytes} {seconds}": (
        "$msec $remote_addr $request_method $request_uri $status $body_bytes_sent $request_time"
    ),
    "{plain} {visitor} {method} {target} {status} {bytes}": (
        "$time_iso8601 $remote_addr $request_method $request_uri $status $body_bytes_sent"
    ),
    "[{local}] [{visitor}] [{method}] [{target}] [{status}] [{seconds}]": (
        "[$time_local] [$remote_addr] [$request_method] [$request_uri] [$status] [$request_time]"
    ),
    "{local} | {visitor} | {method} | {target} | {status} | {seconds}s | {agent}": (
        "$time_local | $remote_addr | $request_method | $request_uri | $status | ${request_time}s | $http_user_agent"
    ),
    'time:{iso} ip:{visitor} req:"{method} {target} HTTP/1.1" status:{status}': (
        'time:$time_iso8601 ip:$remote_addr req:"$request" status:$status'
    ),
}


@pytest.mark.parametrize("layout", WHOLE)
def test_a_layout_of_ones_own_is_told_by_its_values(layout: str) -> None:
    assert tell_layout(lines_of(layout)) == WHOLE[layout]


@pytest.mark.parametrize(
    "layout",
    [
        "{plain} INFO shop.orders order {bytes} placed",
        "{plain} INFO GET {target} took {seconds}",
        "{visitor} connected at {iso}",
        "{seconds}",
        "",
    ],
)
def test_lines_that_are_no_requests_tell_nothing(layout: str) -> None:
    assert tell_layout(lines_of(layout)) == ""


def test_what_says_no_more_than_usual_is_left_as_it_is() -> None:
    assert tell_layout(lines_of(f"{USUAL} x y"), beyond_usual=True) == ""
    assert tell_layout([], beyond_usual=True) == ""


def test_lines_that_agree_on_nothing_tell_nothing() -> None:
    dice = random.Random(1)
    lines = [f"{line} {' '.join(['1.250'] * dice.randrange(1, 30))}" for line in lines_of(USUAL)]
    assert tell_layout(lines, beyond_usual=True) == ""


PIECES = st.sampled_from(
    [
        '"',
        "[",
        "]",
        "|",
        ",",
        " ",
        "-",
        "=",
        ":",
        "$",
        "{",
        "\\",
        "\t",
        "é",
        "1.5",
        "7",
        "10.0.0.1",
        "k=v",
        '"x y"',
        "/a/b",
        "::1",
        "%s",
    ]
)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.lists(PIECES, max_size=14).map("".join), min_size=1, max_size=4), st.booleans())
def test_any_tail_is_harmless(tails: list[str], is_usual: bool) -> None:
    """What a layout is told for becomes a format, or nothing."""
    lines = [f"{line} {tails[at % len(tails)]}" for at, line in enumerate(lines_of(USUAL)[:12])]
    definition = import_told(lines, ["combined_tail"] if is_usual else [])
    if definition is not None:
        assert (
            definition.id.startswith("told_") and "X_FORWARDED_FOR" in definition.text
        ) or "CLIENT_IP" in definition.text


@pytest.mark.parametrize("column", ["{seconds}", "{usec}", "{behind}, {behind}", "{site}", "{request}"])
@pytest.mark.parametrize("odd", ["n/a", "²", "1.2.3", "'"])
def test_a_column_may_say_something_else_now_and_then(column: str, odd: str) -> None:
    """A fifth of its values need not look like the others."""
    lines = [
        line.replace("{}", odd if number % 8 == 0 else each)
        for number, (line, each) in enumerate(
            zip(lines_of(f'{USUAL} {{{{}}}} "{{visitor}}"'), lines_of(column), strict=True)
        )
    ]
    assert '"$http_x_forwarded_for"' in tell_layout(lines, beyond_usual=True)


def test_a_browser_in_front_has_no_column_before_it() -> None:
    layout = '"{agent}" {visitor} [{local}] "{method} {target} HTTP/1.1" {status} {seconds} -'
    told = '"$http_user_agent" $remote_addr [$time_local] "$request" $status $request_time $column_7'
    assert tell_layout(lines_of(layout)) == told


def test_the_servers_own_address_is_no_visitors() -> None:
    """Of two addresses the one that changes more is the visitor's, wherever it stands."""
    assert tell_layout(lines_of(f"{USUAL.replace('proxy', 'visitor')} 10.0.9.9 {{seconds}}"), beyond_usual=True) == (
        f"{TOLD} $column_10 $request_time"
    )


def test_one_visitor_behind_a_proxy_is_the_public_address() -> None:
    lines = [line for line in lines_of(f'{USUAL} "198.51.100.7" x') if line.startswith("10.0.0.1 ")]
    assert len({line.split()[0] for line in lines}) == 1
    assert tell_layout(lines, beyond_usual=True) == f'{TOLD} "$http_x_forwarded_for" $column_11'


# --- through the command --------------------------------------------------------------------------------------------------


def read(directory: Path, lines: list[str]) -> list[dict[str, object]]:
    (directory / "logs").mkdir(exist_ok=True)
    (directory / "logs" / "access.log").write_text("".join(f"{line}\n" for line in lines))
    out = directory / "events.jsonl"
    assert main(["events", "--no-cache", str(directory / "logs"), "-o", str(out)]) == 0
    return [json.loads(line) for line in out.read_text().splitlines()]


PARTS: Mapping[str, tuple[str, str, object]] = {
    "visitor": ('"{visitor}"', "client_ip", lambda each: each["visitor"]),
    "seconds": ("{seconds}", "duration_ms", lambda each: float(each["seconds"]) * 1000),
    "request": ("{request}", "request_id", lambda each: each["request"]),
    "site": ("{site}", "vhost", lambda each: each["site"]),
    "server": ("{server}", "upstream", lambda each: each["server"]),
    "status": ('"{status}"', "upstream_status", lambda each: int(each["status"])),
}


@settings(max_examples=12, deadline=None)
@given(st.permutations(sorted(PARTS)), st.integers(2, len(PARTS)), st.integers(0, 10_000))
def test_whatever_the_order_each_value_becomes_its_field(
    tmp_path_factory: pytest.TempPathFactory, order: list[str], kept: int, seed: int
) -> None:
    chosen = [PARTS[name] for name in order[:kept]]
    layout = " ".join((USUAL, *(part for part, _, _ in chosen)))
    events = read(tmp_path_factory.mktemp("told"), lines_of(layout, str(seed)))
    assert len(events) == COUNT
    for event, each in zip(events, requests(str(seed)), strict=True):
        for _, field, value in chosen:
            assert event[field] == pytest.approx(value(each)), (layout, field)  # type: ignore[operator]
        assert (event["target"], event["user_agent"]) == (each["target"], each["agent"])


def test_lines_in_an_envelope_are_told_too(tmp_path: Path) -> None:
    lines = [
        json.dumps({"log": f"{line}\n", "stream": "stdout", "time": f"{each['plain'].replace(' ', 'T')}.123Z"})
        for line, each in zip(lines_of(f'{USUAL} {{site}} "{{visitor}}"'), requests("shop"), strict=True)
    ]
    events = read(tmp_path, lines)
    assert {str(event["format"]).partition("/told_")[0] for event in events} == {"docker"}
    assert [event["client_ip"] for event in events] == [each["visitor"] for each in requests("shop")]


def test_a_line_unlike_the_others_is_read_as_before(tmp_path: Path) -> None:
    odd = '203.0.113.9 - - [18/Sep/2026:11:00:00 +0100] "GET /odd HTTP/1.1" 200 5 "-" "curl/8.1.2" what is this'
    *events, last = read(tmp_path, [*lines_of(f'{USUAL} {{seconds}} {{site}} "{{visitor}}"'), odd])
    assert {str(event["format"])[:5] for event in events} == {"told_"}
    assert (last["format"], last["client_ip"], last["path"]) == ("combined_tail", "203.0.113.9", "/odd")


def test_the_layout_is_shown(tmp_path: Path) -> None:
    read(tmp_path, lines_of(f'{USUAL} {{site}} "{{visitor}}"'))
    log = tmp_path / "logs" / "access.log"
    said = f'told from its lines: {TOLD} $host "$http_x_forwarded_for"'
    assert said in reconstruct("explain", str(log)).stdout
    line = reconstruct("explain", f"{log}:3", "--no-links").stdout
    assert said in line and "x_forwarded_for" in line
