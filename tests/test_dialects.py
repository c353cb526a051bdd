"""Programs whose JSON and logfmt keys mean something of their own: what a line of each one says, whole."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from reconstruct.events import json_lines, logfmt
from reconstruct.events.decoded import ATTRIBUTE_VALUES, Decoded
from reconstruct.events.formats import NO_HEADERS, Formats
from reconstruct.grammar.plans import Scan, load_plans
from reconstruct.grammar.timestamps import TimeAnchor, format_times

SAMPLES = Path(__file__).parent.parent / "samples"

REQUEST = {
    "client_ip": "192.0.2.9",
    "method": "GET",
    "path": "/cart",
    "query": "id=5",
    "status": 200,
    "bytes_sent": 512,
}
"""What every line below says."""

AZURE = {
    "clientIP": "192.0.2.9",
    "clientPort": 4711,
    "httpMethod": "GET",
    "requestUri": "/cart",
    "requestQuery": "id=5",
}

LINES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "akamai_datastream": (
        {
            "version": 1, "cp": "1", "reqId": "r1", "reqTimeSec": "1789380721.123", "bytes": "512", "cliIP": "192.0.2.9", "statusCode": "200",
            "proto": "HTTPS", "reqHost": "www.example.com", "reqMethod": "GET", "reqPath": "/cart", "queryStr": "id=5",
            "UA": "Mozilla%2F5.0%20(X11)", "referer": "https%3A%2F%2Fwww.example.com%2F", "transferTimeMSec": "125", "reqPort": "443",
        },
        {
            "time": "2026-09-14T10:12:01.123000Z", "duration_ms": 125.0, "vhost": "www.example.com", "request_id": "r1",
            "user_agent": "Mozilla/5.0 (X11)", "referrer": "https://www.example.com/",
        },
    ),
    "azure_app_gateway_v2": (
        {
            "timeStamp": "2026-09-14T10:12:01+00:00",
            "properties": AZURE | {
                "originalRequestUriWithArgs": "/cart?id=5", "httpStatus": 200, "sentBytes": 512, "timeTaken": 0.034,
                "serverRouted": "10.0.0.8:80", "serverStatus": "200", "originalHost": "www.example.com", "host": "10.0.0.1", "transactionId": "t1",
            },
        },
        {
            "time": "2026-09-14T10:12:01.000000Z", "duration_ms": 34.0, "vhost": "www.example.com", "upstream": "10.0.0.8:80",
            "upstream_status": 200, "request_id": "t1", "client_port": 4711,
        },
    ),
    "azure_app_gateway": (
        {"time": "2026-09-14T10:12:01Z", "properties": AZURE | {"httpStatus": 200, "sentBytes": 512, "timeTaken": 34, "host": "www.example.com"}},
        {"duration_ms": 34.0, "vhost": "www.example.com"},
    ),
    "azure_front_door": (
        {
            "time": "2026-09-14T10:12:01.1234567Z",
            "properties": {
                "trackingReference": "t1", "httpMethod": "GET", "httpVersion": "2.0.0.0", "requestUri": "https://www.example.com:443/cart?id=5",
                "responseBytes": "512", "clientIp": "192.0.2.9", "timeTaken": "0.034", "httpStatusCode": "200", "hostName": "www.example.com:443",
                "domain": "www.example.com:443", "originIp": "10.0.0.8:443", "originStatusCode": "200",
            },
        },
        {
            "duration_ms": 34.0, "vhost": "www.example.com", "protocol": "HTTP/2.0", "request_id": "t1", "upstream": "10.0.0.8:443",
            "upstream_status": 200, "host": None,
        },
    ),
    "kong": (
        {
            "started_at": 1789380721123, "latencies": {"request": 34, "kong": 2, "proxy": 30}, "client_ip": "192.0.2.9",
            "service": {"name": "orders", "host": "orders.internal", "protocol": "http"},
            "request": {"uri": "/cart?id=5", "url": "http://x:8000/cart?id=5", "method": "GET", "headers": {"host": "www.example.com:8000"}},
            "response": {"status": 200, "size": 512}, "consumer": {"username": "alice"},
        },
        {"time": "2026-09-14T10:12:01.123000Z", "duration_ms": 34.0, "user": "alice", "vhost": "www.example.com:8000", "service": None},
    ),
    "aws_waf": (
        {
            "timestamp": 1789380721123, "webaclId": "a", "responseCodeSent": 200, "bytes": 512,
            "httpRequest": {
                "clientIp": "192.0.2.9", "uri": "/cart", "args": "id=5", "httpVersion": "HTTP/2.0", "httpMethod": "GET", "requestId": "r1",
                "headers": [{"name": "Host", "value": "www.example.com"}, {"name": "User-Agent", "value": "curl/8.9.1"}],
            },
        },
        {"user_agent": "curl/8.9.1", "vhost": "www.example.com", "request_id": "r1", "protocol": "HTTP/2.0"},
    ),
    "app_engine": (
        {
            "timestamp": "2026-09-14T10:12:01.1Z", "httpRequest": {"status": 500},
            "protoPayload": {
                "ip": "192.0.2.9", "method": "GET", "resource": "/cart?id=5", "status": 200, "responseSize": "512", "latency": "0.034s",
                "host": "shop.example.com", "requestId": "r1",
            },
        },
        {"duration_ms": 34.0, "vhost": "shop.example.com", "request_id": "r1"},
    ),
    "linkerd": (
        {
            "client.addr": "192.0.2.9:51234", "host": "web.shop", "method": "GET", "processing_ns": "57500", "response_bytes": "512", "status": 200,
            "timestamp": "2026-09-14T10:12:01.123Z", "total_ns": "34000000", "uri": "http://web.shop/cart?id=5", "version": "HTTP/2.0",
        },
        {"duration_ms": 34.0, "vhost": "web.shop", "protocol": "HTTP/2.0", "client_port": 51234},
    ),
    "echo": (
        {
            "time": "2026-09-14T10:12:01.123456Z", "id": "r1", "remote_ip": "192.0.2.9", "host": "www.example.com", "method": "GET",
            "uri": "/cart?id=5", "status": 200, "latency": 34000000, "latency_human": "34ms", "bytes_in": 0, "bytes_out": 512,
        },
        {"duration_ms": 34.0, "request_id": "r1", "vhost": "www.example.com"},
    ),
    "cloudfront_v2": (
        {
            "date": "2026-09-14", "time": "10:12:01", "timestamp(ms)": "1789380721123", "x-edge-location": "FRA56-C1", "sc-bytes": "512",
            "c-ip": "192.0.2.9", "cs-method": "GET", "cs(Host)": "d1.cloudfront.net", "cs-uri-stem": "/cart", "cs-uri-query": "id=5",
            "sc-status": "200", "x-edge-result-type": "Hit", "x-host-header": "www.example.com", "time-taken": "0.034",
        },
        {"time": "2026-09-14T10:12:01.123000Z", "duration_ms": 34.0, "vhost": "www.example.com"},
    ),
    "vpc_lattice": (
        {
            "eventTimestamp": "2026-09-14T10:12:01.123Z", "sourceIpPort": "192.0.2.9:41234", "hostHeader": "www.example.com", "requestMethod": "GET",
            "requestPath": "/cart?id=5", "responseCode": 200, "bytesSent": 512, "duration": 34, "targetIpPort": "10.0.0.8:80",
        },
        {"duration_ms": 34.0, "vhost": "www.example.com", "upstream": "10.0.0.8:80", "client_port": 41234},
    ),
    "cloud_storage": (
        {
            "time_micros": "1789380721123456", "c_ip": "192.0.2.9", "cs_method": "GET", "cs_uri": "/cart?id=5", "sc_status": "200", "sc_bytes": "512",
            "time_taken_micros": "34000", "cs_host": "storage.googleapis.com", "s_request_id": "r1",
        },
        {"time": "2026-09-14T10:12:01.123456Z", "duration_ms": 34.0, "request_id": "r1"},
    ),
    "fluentd_nginx": (
        {"remote": "192.0.2.9", "host": "-", "user": "alice", "method": "GET", "path": "/cart?id=5", "code": "200", "size": "512", "agent": "curl"},
        {"user": "alice", "user_agent": "curl", "vhost": None},
    ),
    "fluentd_apache": (
        {"host": "192.0.2.9", "user": "-", "method": "GET", "path": "/cart?id=5", "code": 200, "size": 512},
        {"user": None},
    ),
    "fastly": (
        {
            "time_start": "2026-09-14T10:12:01Z", "time_end": "2026-09-14T10:12:02Z", "time_elapsed": 34000, "client_ip": "192.0.2.9",
            "request": "GET", "url": "/cart?id=5", "protocol": "HTTP/2", "host": "www.example.com", "status": "200", "resp_body_size": 512,
            "req_user_agent": "curl",
        },
        {"time": "2026-09-14T10:12:01.000000Z", "duration_ms": 34.0, "vhost": "www.example.com", "user_agent": "curl"},
    ),
    "zscaler_web": (
        {
            "sourcetype": "zscalernss-web",
            "event": {
                "time": "Mon Sep 14 10:12:01 2026", "eurl": "www.example.com/cart?id=5", "host": "www.example.com", "reqmethod": "GET",
                "cip": "192.0.2.9", "login": "alice@example.com", "respcode": "200", "respsize": "512", "ereferer": "www.example.com/",
                "location": "Headquarters", "appname": "Example Shop",
            },
        },
        {
            "time": "2026-09-14T10:12:01.000000Z", "target": "www.example.com/cart?id=5", "vhost": "www.example.com", "user": "alice@example.com",
            "referrer": "www.example.com/", "service": None,
        },
    ),
    "f5_telemetry": (
        {
            "telemetryEventCategory": "ASM", "hostname": "bigip.example.com", "date_time": "2026-09-14 10:12:01", "ip_client": "192.0.2.9",
            "src_port": "54321", "method": "GET", "uri": "/cart?id=5", "response_code": "200", "bytes": "512", "severity": "Error",
        },
        {"time": "2026-09-14T10:12:01.000000Z", "client_port": 54321, "host": "bigip.example.com", "level": "error"},
    ),
    "zap_development": (
        {
            "L": "INFO", "T": "2026-09-14T10:12:01.123Z", "M": "[47] Request served", "path": "/cart?id=5", "clientIP": "192.0.2.9", "method": "GET",
            "statusCode": 200, "latency": "38.75ms", "size": 512, "reqID": "r1",
        },
        {"time": "2026-09-14T10:12:01.123000Z", "level": "info", "message": "[47] Request served", "duration_ms": 38.75, "request_id": "r1"},
    ),
    "datadog_http": (
        {
            "http": {"method": "GET", "status_code": 200, "url": "/cart?id=5", "useragent": "curl"},
            "network": {"client": {"ip": "192.0.2.9"}, "bytes_written": 512}, "duration": 34000000, "date": 1789380721123,
        },
        {"time": "2026-09-14T10:12:01.123000Z", "duration_ms": 34.0, "user_agent": "curl"},
    ),
    "forgerock": (
        {
            "payload": {
                "eventName": "AM-ACCESS-OUTCOME", "timestamp": "2026-09-14T10:12:01.248Z", "transactionId": "t1", "client": {"ip": "192.0.2.9"},
                "http": {"request": {"method": "GET", "path": "https://am.example.com/cart?id=5"}},
                "response": {"elapsedTime": 34, "statusCode": "200", "size": 512},
            },
            "timestamp": "2026-09-14T10:12:01.249Z",
        },
        {"time": "2026-09-14T10:12:01.248000Z", "duration_ms": 34.0, "request_id": "t1", "vhost": "am.example.com"},
    ),
}  # fmt: skip


def row_of(decoded: Any) -> dict[str, Any]:
    columns = dict(decoded.columns)
    if "time_ns" in columns:
        columns["time"] = format_times(columns["time_ns"])
    return {name: column[0].as_py() for name, column in columns.items()}


@pytest.mark.parametrize("name", LINES)
def test_json(name: str) -> None:
    line, expected = LINES[name]
    row = row_of(json_lines.decode_block([orjson.dumps(line).decode()], TimeAnchor(0)))
    wanted = REQUEST | expected
    assert {key: row.get(key) for key in wanted} == wanted


def test_the_severity_of_f5_counts_as_syslog_does() -> None:
    line = '{"telemetryEventCategory":"AVR","hostname":"bigip.example.com","severity":"8","client_ip":"192.0.2.9"}'
    assert "level" not in row_of(json_lines.decode_block([line], TimeAnchor(0)))


def test_grafana_logfmt() -> None:
    line = (
        'logger=context userId=1 orgId=1 uname=admin t=2026-09-14T10:12:01.123456789Z level=info msg="Request Completed" method=GET'
        " path=/api/live/ws status=200 remote_addr=192.0.2.9 time_ms=17 duration=17.1ms size=5 referer= handler=/api/live/ws"
    )
    row = row_of(logfmt.decode_block([line], TimeAnchor(0)))
    assert (row["time"], row["user"], row["duration_ms"]) == ("2026-09-14T10:12:01.123456Z", "admin", 17.1)


@pytest.mark.parametrize(
    ("values", "attributes"),
    [
        (
            [{"key": "id", "value": "5"}, {"key": "tag", "value": ["a", "b"]}],
            {"params.id": "5", "params.tag": ["a", "b"]},
        ),
        ([{"name": "id", "value": {"a": 1}}], {"params.id.a": 1}),
        ([{"key": "id", "value": 5}, {"key": "id", "value": 6}], {"params.key": ["id", "id"], "params.value": [5, 6]}),
        ([{"name": "x", "size": 5}], {"params.name": ["x"], "params.size": [5]}),
        ([{"name": "", "value": 5}], {"params.name": [""], "params.value": [5]}),
        ([{"value": 5, "unit": "s"}], {"params.unit": ["s"], "params.value": [5]}),
    ],
)
def test_lists_of_names_and_values(values: list[Any], attributes: dict[str, Any]) -> None:
    row = row_of(json_lines.decode_block([orjson.dumps({"params": values}).decode()], TimeAnchor(0)))
    assert orjson.loads(row["attributes"]) == attributes


def slot_fields(scan: Scan) -> set[str]:
    """The fields of a pattern, those of its repetitions too."""
    return {slot.field for slot in scan.slots} | {
        name for slot in scan.slots if slot.scan for name in slot_fields(slot.scan)
    }


FORMATS = Formats(load_plans())
WITH_PAIRS = [name for name, plan in load_plans().items() if "key" in slot_fields(plan.scan) and not plan.below]


@pytest.mark.parametrize("name", WITH_PAIRS)
def test_a_line_means_the_same_whatever_stands_beside_it(name: str) -> None:
    """The pairs of the lines around it are not its own: a file that gathers several products has the dialect of each."""
    lines = [line for line in (SAMPLES / name / f"{name}.log").read_text(encoding="utf-8").split("\n") if line]
    together = rows_of(FORMATS.decode(name, lines, NO_HEADERS, TimeAnchor(0)))
    alone = [rows_of(FORMATS.decode(name, [line], NO_HEADERS, TimeAnchor(0))) for line in lines]
    assert together == [row for rows in alone for row in rows]


def rows_of(decoded: Decoded) -> list[dict[str, Any]]:
    """The fields of each line. Of two keys of a line that say one field the second stays an attribute as well, so those are left out."""
    columns = {
        name: column.to_pylist()
        for name, column in decoded.columns.items()
        if name not in (ATTRIBUTE_VALUES, "attributes")
    }
    count = len(next(iter(columns.values()), ()))
    return [
        {name: texts[at] for name, texts in columns.items() if texts[at] not in (None, False)} for at in range(count)
    ]


PRODUCTS = (
    "CEF:0|Citrix|NetScaler|NS14.1|APPFW|APPFW_STARTURL|6|src=192.0.2.7 spt=47606 method=GET request=http://www.example.com/a?id=1 "
    "msg=Disallow Illegal URL. cs4=ALERT cs5=2021 act=blocked",
    "CEF:0|Incapsula|SIEMintegration|1|1|Normal|0|sourceServiceName=www.example.com siteid=15 cn1=200 in=54 start=1789380721123 "
    "request=www.example.com/a?id=1 requestmethod=GET spt=80 cpt=40123 src=192.0.2.7",
    "CEF:0|Example|Scanner|1|1|scan done|3|cs5=2021 cn1=200 start=1789380721123 in=54 spt=4711 src=192.0.2.8 path=/srv code=3",
)


def test_products_in_one_file_have_their_own_dialects() -> None:
    netscaler, imperva, scanner = rows_of(FORMATS.decode("cef", PRODUCTS, NO_HEADERS, TimeAnchor(0)))
    assert netscaler["client_port"] == 47606
    assert (imperva["client_port"], imperva["status"], imperva["bytes_sent"]) == (40123, 200, 54)
    assert scanner["client_port"] == 4711
    assert "status" not in scanner
    assert "path" not in scanner, "a path of files: the line has no method, those beside it do"
