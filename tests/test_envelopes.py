"""What container runtimes and shippers wrap around a line."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from reconstruct.events.pods import service_of_path
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


def docker(text: str, stream: str = "stdout", at: str = "2026-09-17T10:00:02.126Z", **more: object) -> str:
    return orjson.dumps({"log": text, "stream": stream, **more, "time": at}).decode()


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


def hours_of(told: list[tuple[str, str]]) -> list[str]:
    """When lines were written that say the first of each pair inside of a container's log, which says the second."""
    events = read(
        *(docker(f"2026-09-17 {own},125 INFO [shop.orders] Order placed\n", at=f"2026-09-1{put}Z") for own, put in told)
    )
    return [str(event["time"])[8:19] for event in events]


def test_what_was_put_into_an_envelope_long_after_was_written_when_it_says() -> None:
    loaded = [(f"{hour:02}:{7 * hour:02}:00", f"9T08:00:{hour:02}.000") for hour in range(8)]
    assert hours_of(loaded) == [f"17T{own}" for own, _ in loaded]


def test_what_a_buffer_held_back_was_written_in_the_zone_of_the_others() -> None:
    told = [(f"12:00:{second:02}", f"7T10:00:{second:02}.300") for second in range(8)]
    held = [("12:01:10", "7T10:05:00.300"), ("12:02:10", "7T10:05:00.300")]
    assert hours_of([*told, *held]) == [*(f"17T10:00:{second:02}" for second in range(8)), "17T10:01:10", "17T10:02:10"]


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


@pytest.mark.parametrize("line", ["2026-09-17|10:00:02|shop|late", "17-Sep-2026|10:00:02|shop|late"])
def test_a_day_before_a_bar_is_no_service(line: str) -> None:
    (event,) = read(line)
    assert (event["time"], event["message"], event.get("service")) == ("2026-09-17T10:00:02.000000Z", "shop|late", None)


@pytest.mark.parametrize(
    "prefix", ["shop_web.1.k2x9c8v7b6n5m4l3k2j1h0g9f@node-1    | ", "12:00:02 web.1     | ", "2026-09-17T10:00:02.126Z web[48ed12] ams [info]"]
)  # fmt: skip
def test_other_runners_name_the_service(prefix: str) -> None:
    events = read(prefix + ACCESS, prefix.replace("web", "worker") + PYTHON, prefix + ACCESS)
    assert [str(event["service"]).removeprefix("shop_") for event in events] == ["web", "worker", "web"]
    assert [event.get("path") for event in events] == ["/cart", None, "/cart"]


def test_compose_with_stamps() -> None:
    events = read(*[f"web-1  | 2026-09-17T10:00:0{n}.123456789Z {ACCESS}" for n in range(3)])
    assert {event["format"] for event in events} == {"compose/stamped/" + str(events[0]["format"]).rpartition("/")[2]}


def test_what_grep_gives_of_several_files_is_read_as_each_of_them() -> None:
    events = read(
        "nginx/access.log:" + ACCESS,
        "nginx/access.log.1:7:" + ACCESS,
        "nginx/access.log.1-8-" + ACCESS,
        "shop.log-20260917:" + PYTHON,
        "shop.log-20260917:  indented",
    )
    assert [event.get("path") for event in events[:3]] == ["/cart"] * 3
    assert [event.get("service") for event in events] == [*["nginx/access.log"] * 3, "shop.log"]
    assert [event["attributes"]["file"] for event in events] == [
        "nginx/access.log", "nginx/access.log.1", "nginx/access.log.1", "shop.log-20260917",
    ]  # fmt: skip
    assert events[3]["lines"] == 2


def test_a_host_and_its_port_are_no_file() -> None:
    (event,) = read("www.log.example.com:443 " + ACCESS)
    assert event["vhost"] == "www.log.example.com"


@pytest.mark.parametrize("indent", [" ", "  ", "   ", "    ", "        ", "\t", "      ", "> "])
def test_lines_moved_to_the_right_are_read_as_they_were(indent: str) -> None:
    lines = [PYTHON, "  indented", PYTHON, ACCESS, ""]
    bare, moved = read(*lines), read(*(indent + line if line else "" for line in lines))
    assert len(bare) == 3
    for one, other in zip(bare, moved, strict=True):
        assert {**other, "format": one["format"]} == one


@pytest.mark.parametrize("number", ["{}:", "{}: ", "{:6}\t", "{:>6} │ "])
def test_numbered_lines_are_read_as_they_were(number: str) -> None:
    lines = [PYTHON, "\tat here", PYTHON, ACCESS]
    numbered = [number.format(n) + line for n, line in enumerate(lines, 98)]
    for one, other in zip(read(*lines), read(*numbered), strict=True):
        assert {**other, "format": one["format"]} == one


def test_the_head_of_an_address_is_no_number() -> None:
    events = read(*(f"2001:db8::{n}{ACCESS.removeprefix('192.0.2.7')}" for n in (7, 8, 9)))
    assert [event["client_ip"] for event in events] == ["2001:db8::7", "2001:db8::8", "2001:db8::9"]


def test_a_table_of_one_column_is_read_as_its_lines() -> None:
    lines = [PYTHON, ACCESS, PYTHON]
    quoted = ['"' + line.replace('"', '""') + '"' for line in lines]
    for one, other in zip(read(*lines), read(*quoted), strict=True):
        assert {**other, "format": one["format"]} == one


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


JSON = '{"time":"2026-09-17T09:00:02Z","level":"info","msg":"order placed","order_id":"1001"}'


def test_cri_joins_what_it_cut() -> None:
    first, rest = PYTHON[:48], PYTHON[48:]
    (event,) = read(f"2026-09-17T10:00:02.1Z stdout P {first}", f"2026-09-17T10:00:02.1Z stdout F {rest}")
    assert (event["format"], event["lines"], event["message"]) == ("cri/python_logging", 2, "Order 1001 placed")
    whole = [f"2026-09-17T10:00:02.1Z stdout P {JSON[:30]}", f"2026-09-17T10:00:02.1Z stdout P {JSON[30:60]}"]
    (event,) = read(*whole, f"2026-09-17T10:00:02.1Z stdout F {JSON[60:]}")
    assert (event["format"], event["lines"], event["message"]) == ("cri/json", 3, "order placed")


@pytest.mark.parametrize(
    ("head", "kind", "service", "attributes"),
    [
        ("shop-7f8d7d756d-k7b9j web ", "stern", "shop", {"pod": "shop-7f8d7d756d-k7b9j", "container": "web"}),
        ("prod shop-7f8d7d756d-k7b9j web ", "stern", "shop", {"pod": "shop-7f8d7d756d-k7b9j", "container": "web"}),
        ("2026-09-17T09:00:02.126000+00:00 web/1 ", "cloudwatch", None, {"log_stream": "web/1"}),
        ('2026-09-17T09:00:02Z {app="shop", pod="p"} ', "logcli", "shop", {"app": "shop", "pod": "p"}),
    ],
)
def test_prefixes_of_viewers(head: str, kind: str, service: str | None, attributes: dict[str, str]) -> None:
    access, order = read(head + ACCESS, head + JSON)
    assert (access["format"], access["client_ip"], access.get("service")) == (f"{kind}/combined", "192.0.2.7", service)
    assert access["attributes"] == attributes
    assert (order["format"], order["message"]) == (f"{kind}/json", "order placed")
    assert order["attributes"] == {**attributes, "order_id": "1001"}


def test_stern_with_stamps() -> None:
    (event,) = read(f"shop-7f8d7d756d-k7b9j web 2026-09-17T10:00:02.123456789Z {PYTHON}")
    assert (event["format"], event["time"]) == ("stern/stamped/python_logging", "2026-09-17T10:00:02.123456Z")


def test_an_access_line_is_not_taken_for_the_prefix_of_stern() -> None:
    (event,) = read(ACCESS.replace("192.0.2.7", "shop-db-1"))
    assert (event["format"], event["client_ip"]) == ("combined", "shop-db-1")


def test_loki_lines() -> None:
    line = orjson.dumps({"labels": {"app": "web", "pod": "w"}, "line": ACCESS, "timestamp": "2026-09-17T09:00:02.1Z"})
    (event,) = read(line.decode())
    assert (event["format"], event["service"], event["status"]) == ("loki/combined", "web", 200)


def test_fluentd_files() -> None:
    access, order = read(
        '2026-09-17T09:00:02+00:00\tnginx\t{"remote":"192.0.2.7","host":"-","user":"-","method":"GET","path":"/a?b=1","code":"200","size":"5"}',
        "2026-09-17T09:00:02+00:00\torders\t" + orjson.dumps({"log": PYTHON}).decode(),
    )
    assert (access["client_ip"], access["target"], access["time"]) == (
        "192.0.2.7",
        "/a?b=1",
        "2026-09-17T09:00:02.000000Z",
    )
    assert (order["format"], order["message"]) == ("fluentd/json/python_logging", "Order 1001 placed")


def test_fluent_bit_files() -> None:
    record = orjson.dumps({"log": ACCESS}).decode()
    events = read(
        f"nginx: [1789635602.126000000, {record}]",
        '[0] app: [1789635602.126000000, {"log"=>"order placed", "order_id"=>"1001"}]',
        '[1] app: [[1789635602.126000000, {}], {"log"=>"order paid"}]',
    )
    assert [event["format"] for event in events] == ["fluentbit/json/combined", "fluentbit/json", "fluentbit/json"]
    assert [event.get("message") for event in events] == [None, "order placed", "order paid"]
    assert events[1]["time"] == "2026-09-17T09:00:02.126000Z"


@pytest.mark.parametrize(
    "line",
    [
        {"version": "1.1", "host": "h", "short_message": ACCESS, "timestamp": 1789635602.126, "level": 6},
        {"__REALTIME_TIMESTAMP": "1789635602126000", "MESSAGE": ACCESS, "PRIORITY": "6"},
        {"_index": "a", "_id": "b", "_source": {"@timestamp": "2026-09-17T09:00:02.126Z", "message": ACCESS}},
        {"preview": False, "result": {"_raw": ACCESS, "_time": "2026-09-17T09:00:02.126+00:00", "host": "h"}},
        {"time": 1789635602.126, "host": "h", "sourcetype": "a", "event": ACCESS},
        {"insertId": "1", "textPayload": ACCESS + "\n", "timestamp": "2026-09-17T09:00:02.126Z", "severity": "INFO"},
        {"date": 1789635602.126, "log": ACCESS},
        {"@timestamp": "2026-09-17T09:00:02.126Z", "message": ACCESS, "agent": {"type": "filebeat"}},
        {"timestamp": 1789635602126, "message": ACCESS, "logStreamName": "web/1"},
        {"message": ACCESS, "podName": "shop-7f8d7d756d-k7b9j", "containerName": "web"},
    ],
    ids=lambda line: next(iter(line)) if isinstance(line, dict) else "",
)
def test_access_lines_in_json(line: dict[str, object]) -> None:
    (event,) = read(orjson.dumps(line).decode())
    assert event["format"] == "json/combined"
    assert (event["client_ip"], event["status"], event["time"]) == ("192.0.2.7", 200, "2026-09-17T09:00:01.000000Z")
    assert "message" not in event


def test_a_message_of_bytes() -> None:
    (event,) = read('{"__REALTIME_TIMESTAMP":"1789635602126000","MESSAGE":[195,169],"PRIORITY":"3"}')
    assert (event["message"], event["level"]) == ("é", "error")


def test_csv_with_the_raw_line() -> None:
    quoted = ACCESS.replace('"', '""')
    (event,) = read("_time,_raw,host", f'2026-09-17T09:00:02.126+0000,"{quoted}",h')
    assert (event["format"], event["status"], event["host"]) == ("delimited/combined", 200, "h")


def test_pretty_objects_hold_lines() -> None:
    pretty = orjson.dumps([{"insertId": "1", "textPayload": ACCESS}], option=orjson.OPT_INDENT_2).decode()
    (event,) = read(*pretty.splitlines())
    assert (event["format"], event["line"], event["lines"], event["status"]) == ("json/combined", 2, 5, 200)


def test_docker_in_json_in_syslog() -> None:
    inner = orjson.dumps({"message": ACCESS, "service": "x"}).decode()
    (event,) = read(docker(f"<134>1 2026-09-17T09:00:02.123Z web1 orders 71 - - {inner}\n"))
    assert (event["format"], event["service"]) == ("docker/syslog_rfc5424/json/combined", "x")


@pytest.mark.parametrize(
    "text",
    [
        'Order placed {"order":{"id":"1001"},"trace_id":"4bf92f3577b34da6a3ce929d0e0e4736"}',
        'payload={"order":{"id":"1001"},"trace_id":"4bf92f3577b34da6a3ce929d0e0e4736"} sent',
        "got %7B%22order%22%3A%7B%22id%22%3A%221001%22%7D%2C%22trace_id%22%3A%224bf92f3577b34da6a3ce929d0e0e4736%22%7D",
    ],
)
def test_objects_in_messages(text: str) -> None:
    (event,) = read(f"2026-09-17 11:00:02,125 INFO [shop.orders] {text}")
    assert event["message"] == text
    assert event["trace_id"] == "4bf92f3577b34da6a3ce929d0e0e4736"
    assert event["attributes"] == {"order.id": "1001", "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736"}


def test_the_status_of_a_payment_is_not_that_of_the_line() -> None:
    (event,) = read('2026-09-17 11:00:02,125 INFO [shop.orders] paid {"status":200,"level":"error","user":"bob"}')
    assert ("status" not in event, event["level"], "user" not in event) == (True, "info", True)


def test_a_request_behind_the_text_is_the_entry_s() -> None:
    request = '{"request": {"remote_ip": "192.0.2.7", "method": "GET", "host": "example.com", "uri": "/a?b=1"}, "duration": 0.25, "status": 404}'
    (event,) = read(f"2026/09/17 11:00:02.125\tINFO\thttp.log.access\thandled request\t{request}")
    assert (event["format"], event["method"], event["path"], event["status"]) == ("zap_console", "GET", "/a", 404)
    assert (event["duration_ms"], event["client_ip"], event["logger"]) == (250.0, "192.0.2.7", "http.log.access")


def test_objects_in_fields() -> None:
    payload = orjson.dumps({"order": {"id": "1001"}}).decode()
    (event,) = read(orjson.dumps({"time": "2026-09-17T09:00:02Z", "msg": "sent", "payload": payload}).decode())
    assert (event["message"], event["attributes"]) == ("sent", {"payload.order.id": "1001"})
    (event,) = read(
        '{"time":"2026-09-17T09:00:02Z","msg":"sent","q":"%7B%22order%22%3A%7B%22id%22%3A%221001%22%7D%7D"}'
    )
    assert event["attributes"] == {"q.order.id": "1001"}


@pytest.mark.parametrize("text", ['{"', 'x {"a":} y', '{"a":1}{"b":2}', "%7B%22", "%7B%22a%22%3A", '{"a":' * 2000])
def test_damaged_objects_stay_text(text: str) -> None:
    (event,) = read(f"2026-09-17 11:00:02,125 INFO [shop.orders] sent {text}")
    assert (event["message"], event.get("attributes")) == (f"sent {text}", None)


def test_the_firewall_behind_syslog() -> None:
    packet = (
        "IN=eth0 OUT= MAC= SRC=203.0.113.51 DST=192.0.2.10 LEN=40 TTL=54 ID=1 PROTO=TCP SPT=4711 DPT=443 SYN URGP=0"
    )
    (event,) = read(f"Sep 14 10:12:01 gw kernel: [1293979.679369] [UFW BLOCK] {packet}")
    assert (event["format"], event["host"], event["client_ip"]) == ("syslog_rfc3164/netfilter", "gw", "203.0.113.51")
    (event,) = read(f"[UFW BLOCK] {packet}")
    assert event["format"] == "netfilter"
