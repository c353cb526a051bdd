"""What container runtimes and shippers wrap around a line."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from reconstruct.events.envelopes import service_of_path
from reconstruct.events.render import event_lines
from reconstruct.events.scan import scan_chunk
from reconstruct.events.source_profile import profile_source
from reconstruct.sources.model import Chunk, Source

PYTHON = "2026-09-17 11:00:02,125 INFO [shop.orders] Order 1001 placed"
ACCESS = '192.0.2.7 - - [17/Sep/2026:10:00:01 +0100] "GET /cart?id=5 HTTP/1.1" 200 512 "-" "Mozilla/5.0"'


def read(*lines: str, path: str = "all.log") -> list[dict[str, object]]:
    """The lines as ``events`` output; no line may stay unparsed."""
    data = ("\n".join(lines) + "\n").encode()
    source = Source(0, path, Path("all.log"), 1, None, "utf-8", path, 0, 1_789_000_000 * 10**9, "f")
    found = scan_chunk(Chunk(0, 0, 0, data, b"", True), profile_source(data, source))
    assert found.account.unparsed == 0
    return [orjson.loads(line) for line in event_lines(found.events, [path])]


def docker(text: str, stream: str = "stdout", **more: object) -> str:
    return orjson.dumps({"log": text, "stream": stream, **more, "time": "2026-09-17T10:00:02.126Z"}).decode()


def test_docker_knows_the_zone_that_the_inside_does_not() -> None:
    (event,) = read(docker(PYTHON + "\n"))
    assert str(event["format"]).startswith("docker/")
    assert event["time"] == "2026-09-17T10:00:02.126000Z"
    assert event["attributes"] == {"stream": "stdout", "inner_time": "2026-09-17T11:00:02.125000"}
    assert (event["logger"], event["message"]) == ("shop.orders", "Order 1001 placed")


def test_a_stamp_with_a_zone_inside_wins() -> None:
    (event,) = read(docker(ACCESS + "\n"))
    assert event["time"] == "2026-09-17T09:00:01.000000Z"
    assert event["attributes"] == {"stream": "stdout"}


def test_docker_joins_what_it_cut() -> None:
    whole = '{"time":"2026-09-17T09:00:00Z","msg":"long","order_id":"1001"}\n'
    (event,) = read(docker(whole[:30]), docker(whole[30:50]), docker(whole[50:]))
    assert (event["format"], event["lines"], event["message"]) == ("docker/json", 3, "long")
    assert event["attributes"] == {"stream": "stdout", "order_id": "1001"}


def test_docker_joins_cut_text_without_a_line_end() -> None:
    (event,) = read(docker(PYTHON), docker(" by alice\n"))
    assert event["message"] == "Order 1001 placed by alice"


def test_traces_inside_docker_are_folded_by_stream() -> None:
    events = read(
        docker(PYTHON + "\n"),
        docker("Traceback (most recent call last):\n"),
        docker("ValueError: x\n"),
        docker("other\n", "stderr"),
        docker(PYTHON + "\n"),
    )
    assert [(event["lines"], event["message"]) for event in events] == [
        (3, "Order 1001 placed\nTraceback (most recent call last):\nValueError: x"),
        (1, "other"),
        (1, "Order 1001 placed"),
    ]


def test_json_over_several_lines_in_docker() -> None:
    good, bad = ["{\n", '  "msg": "paid",\n', '  "order_id": 1001\n', "}\n"], ["{\n", "  broken\n", "}\n"]
    first, second = read(*map(docker, good + bad))
    assert (first["format"], first["message"], first["lines"]) == ("docker/json", "paid", 4)
    assert (second["format"], second["message"], second["lines"]) == ("docker", "{\n  broken\n}", 3)


def test_docker_labels_say_the_service() -> None:
    (event,) = read(docker("ready\n", attrs={"com.docker.compose.service": "web", "env": "test"}))
    assert event["service"] == "web"
    assert event["attributes"] == {"com.docker.compose.service": "web", "env": "test", "stream": "stdout"}


def test_forwarded_container_logs() -> None:
    pod = {"pod_name": "cart-7f8d7d756d-k7b9j", "container_name": "cart"}
    more = {"stream": "stdout", "kubernetes": pod, "@timestamp": "2026-09-17T10:00:02.126Z"}
    texts = [PYTHON, "Traceback (most recent call last):\n", "ValueError: x"]
    (event,) = read(*[orjson.dumps({"log": text, **more}).decode() for text in texts])
    assert event["message"] == "Order 1001 placed\nTraceback (most recent call last):\nValueError: x"
    assert (event["time"], event["service"]) == ("2026-09-17T10:00:02.126000Z", "cart")


def test_cri() -> None:
    events = read(
        "2026-09-17T10:00:00.5+00:00 stdout P " + PYTHON,
        "2026-09-17T10:00:00.6+00:00 stdout F  by alice",
        "2026-09-17T10:00:01.5+00:00 stderr F plain words",
    )
    assert [event["message"] for event in events] == ["Order 1001 placed by alice", "plain words"]
    assert events[1]["format"] == "cri"
    assert events[1]["time"] == "2026-09-17T10:00:01.500000Z"


def test_compose_names_the_service() -> None:
    events = read(
        "\x1b[36mweb-1      | \x1b[0m" + ACCESS,
        "worker_2   | " + PYTHON,
        "worker_2   |   indented",
        "\x1b[33mdb-1       |\x1b[0m ready to accept connections",
    )
    assert [(event["service"], event["lines"]) for event in events] == [("web", 1), ("worker", 2), ("db", 1)]
    assert events[0]["path"] == "/cart"
    assert events[2]["format"] == "compose"


def test_compose_with_stamps() -> None:
    events = read(*[f"web-1  | 2026-09-17T10:00:0{n}.123456789Z {ACCESS}" for n in range(3)])
    assert {event["format"] for event in events} == {"compose/stamped/" + str(events[0]["format"]).rpartition("/")[2]}


def test_a_level_before_a_bar_is_no_service() -> None:
    events = read("INFO  | 2026-09-17 10:00:00 | started", "ERROR | 2026-09-17 10:00:01 | stopped")
    assert not any("service" in event for event in events)


def test_kubectl_prefix() -> None:
    (event,) = read("[pod/cart-7f8d7d756d-k7b9j/app] " + ACCESS)
    assert event["service"] == "cart"
    assert event["attributes"] == {"pod": "cart-7f8d7d756d-k7b9j", "container": "app"}


def test_a_text_format_with_nanoseconds_is_no_envelope() -> None:
    events = read("2026-09-17T10:00:00.123456789Z INFO shop: ready", "2026-09-17T10:00:01.123456789Z WARN shop: busy")
    assert [event["level"] for event in events] == ["info", "warn"]
    assert not any("stamped" in str(event["format"]) for event in events)


def test_json_in_json() -> None:
    inner = {"time": "2026-09-17T09:00:03Z", "msg": "paid", "order_id": 1001}
    outer = {"time": "2026-09-17T09:00:04Z", "host": "web7", "message": orjson.dumps(inner).decode()}
    (event,) = read(orjson.dumps(outer).decode())
    assert (event["format"], event["message"], event["host"]) == ("json/json", "paid", "web7")
    assert event["time"] == "2026-09-17T09:00:03.000000Z"
    assert event["attributes"] == {"order_id": 1001}


def test_a_text_format_in_json() -> None:
    (event,) = read(orjson.dumps({"time": "2026-09-17T09:00:04Z", "message": ACCESS}).decode())
    assert event["path"] == "/cart" and "message" not in event


def test_what_shippers_folded_stays_in_the_message() -> None:
    outer = {"time": "2026-09-17T09:00:04Z", "message": PYTHON + "\nTraceback (most recent call last):\nValueError: x"}
    (event,) = read(orjson.dumps(outer).decode())
    assert event["message"] == "Order 1001 placed\nTraceback (most recent call last):\nValueError: x"


def test_docker_in_syslog() -> None:
    (event,) = read("<30>Sep 17 10:00:02 host7 docker/web[77]: " + '{"time":"2026-09-17T09:00:03Z","msg":"paid"}')
    assert (event["host"], event["message"]) == ("host7", "paid")
    assert str(event["format"]).endswith("/json")


@pytest.mark.parametrize(
    ("path", "service"),
    [
        ("logs/ts-order-service-5b67c48447-mv5hb_default_server.log", "ts-order-service"),
        ("pods/shop_payments-5bcd4f8d9c-x2x4z_0b1c/app/0.log", "payments"),
        ("containers/redis-0_shop_redis-0123abcd.log", "redis"),
        ("cart-7f8d7d756d-k7b9j", "cart"),
        ("nginx/access.log", None),
        ("shop-2026-01-01.log", None),
        ("access-20260101.log", None),
        ("app/my-feature-log.txt", None),
    ],
)
def test_service_of_a_path(path: str, service: str | None) -> None:
    assert service_of_path(path) == service


def test_the_file_name_fills_what_the_log_does_not_say() -> None:
    (event,) = read(PYTHON, path="cart-7f8d7d756d-k7b9j_shop_app.log")
    assert event["service"] == "cart"
