"""Lines of programs whose JSON keys mean something of their own, made from their documentation: fields in, fields out."""

from __future__ import annotations

import orjson
import pytest

from reconstruct.events.json_lines import decode_block
from reconstruct.grammar.timestamps import TimeAnchor, format_times

STAMP = "2026-01-02T15:04:05.123Z"
TIME = "2026-01-02T15:04:05.123000Z"

LINES = {
    "serilog_compact": (
        {
            "@t": STAMP,
            "@mt": "Order {Id}",
            "Id": 7,
            "@tr": "0af7651916cd43dd8448eb211c80319c",
            "@sp": "b7ad6b7169203331",
        },
        {
            "level": "info",
            "message": "Order {Id}",
            "trace_id": "0af7651916cd43dd8448eb211c80319c",
            "span_id": "b7ad6b7169203331",
        },
    ),
    "loguru": (
        {
            "text": "… | hello\n",
            "record": {
                "elapsed": {"repr": "0:00:00.1", "seconds": 0.1},
                "level": {"name": "INFO", "no": 20},
                "message": "hello",
                "name": "shop",
                "process": {"id": 71, "name": "MainProcess"},
                "thread": {"id": 1, "name": "MainThread"},
                "time": {"repr": "2026-01-02 16:04:05.123000+01:00", "timestamp": 1767366245.123},
            },
        },
        {"level": "info", "message": "hello", "logger": "shop", "pid": 71, "thread": "MainThread", "duration_ms": None},
    ),
    "log4js": (
        {
            "startTime": STAMP,
            "categoryName": "cart",
            "level": {"level": 20000, "levelStr": "INFO", "colour": "green"},
            "data": ["hello"],
            "context": {},
            "pid": 71,
        },
        {"level": "info", "logger": "cart", "message": "hello", "pid": 71},
    ),
    "semantic_logger": (
        {
            "host": "web1",
            "application": "shop",
            "timestamp": STAMP,
            "level": "info",
            "level_index": 2,
            "pid": 71,
            "thread": "puma 001",
            "duration_ms": 12.5,
            "duration": "12.5ms",
            "name": "OrdersController",
            "message": "Completed #show",
            "payload": {"method": "GET", "path": "/orders/7", "status": 200},
        },
        {
            "host": "web1",
            "vhost": None,
            "logger": "OrdersController",
            "path": "/orders/7",
            "duration_ms": 12.5,
            "status": 200,
        },
    ),
    "logback_json": (
        {
            "sequenceNumber": 0,
            "timestamp": 1767366245123,
            "nanoseconds": 123000000,
            "level": "WARN",
            "threadName": "main",
            "loggerName": "com.example.Shop",
            "formattedMessage": "hello",
        },
        {"level": "warn", "thread": "main", "logger": "com.example.Shop", "message": "hello"},
    ),
    "elasticsearch_audit": (
        {
            "timestamp": "2026-01-02T16:04:05,123+0100",
            "node.id": "n",
            "event.type": "rest",
            "event.action": "access_denied",
            "user.name": "alice",
            "origin.type": "rest",
            "origin.address": "192.0.2.7:4711",
            "url.path": "/_search",
            "request.method": "GET",
            "request.id": "WzL_kb6V",
        },
        {
            "client_ip": "192.0.2.7",
            "client_port": 4711,
            "user": "alice",
            "message": "access_denied",
            "request_id": "WzL_kb6V",
        },
    ),
    "mysql_json": (
        {"prio": 2, "err_code": 4207, "subsystem": "Server", "msg": "late", "time": STAMP, "ts": 1, "label": "Warning"},
        {"level": "warn", "logger": "Server", "message": "late"},
    ),
    "vault_audit": (
        {
            "time": STAMP,
            "type": "request",
            "auth": {"display_name": "token-alice"},
            "request": {
                "id": "b8a9",
                "operation": "read",
                "path": "secret/a",
                "remote_address": "192.0.2.7",
                "remote_port": 4711,
            },
        },
        {
            "user": "token-alice",
            "target": "secret/a",
            "client_ip": "192.0.2.7",
            "client_port": 4711,
            "request_id": "b8a9",
        },
    ),
    "kubernetes_audit": (
        {
            "level": "Metadata",
            "auditID": "7d7",
            "stage": "ResponseComplete",
            "requestURI": "/api/v1/pods?limit=5",
            "verb": "list",
            "user": {"username": "alice"},
            "sourceIPs": ["192.0.2.7"],
            "userAgent": "kubectl/1",
            "responseStatus": {"code": 200},
            "requestReceivedTimestamp": STAMP,
        },
        {
            "user": "alice",
            "path": "/api/v1/pods",
            "client_ip": "192.0.2.7",
            "status": 200,
            "level": None,
            "request_id": "7d7",
        },
    ),
    "github_audit": (
        {
            "@timestamp": 1767366245123,
            "action": "repo.create",
            "actor": "alice",
            "actor_ip": "192.0.2.7",
            "user": "bob",
        },
        {"user": "alice", "client_ip": "192.0.2.7", "message": "repo.create"},
    ),
    "mattermost_audit": (
        {
            "timestamp": "2026-01-02 15:04:05.123 Z",
            "event": "patchTeam",
            "status": "success",
            "user_id": "u7",
            "session_id": "s7",
            "ip_address": "192.0.2.7",
            "api_path": "/api/v4/teams",
            "client": "curl/8",
        },
        {"user": "u7", "session_id": "s7", "client_ip": "192.0.2.7", "user_agent": "curl/8", "message": "patchTeam"},
    ),
    "datadog": (
        {
            "timestamp": 1767366245123,
            "status": "error",
            "host": "web1",
            "message": "boom",
            "ddsource": "python",
            "http": {"method": "GET", "status_code": 500, "url": "/a"},
            "duration": 12_000_000,
            "network": {"client": {"ip": "192.0.2.7", "port": 4711}},
        },
        {"level": "error", "status": 500, "host": "web1", "vhost": None, "duration_ms": 12.0, "client_port": 4711},
    ),
    "lograge with Logstash keys": (
        {
            "method": "GET",
            "path": "/jobs/8",
            "controller": "JobsController",
            "action": "show",
            "status": 200,
            "duration": 58.5,
            "@timestamp": STAMP,
            "@version": "1",
        },
        {"path": "/jobs/8", "duration_ms": 58.5, "status": 200},
    ),
    "python-json-logger": (
        {"asctime": "2026-01-02 15:04:05,123", "levelname": "INFO", "name": "shop", "message": "hello", "process": 71},
        {"level": "info", "logger": "shop", "pid": 71, "process": None},
    ),
    "names under unknown keys": (
        {
            "when": STAMP,
            "sev": "warn",
            "where": {"edge": {"client": {"ip": "192.0.2.7", "port": 4711}}},
            "who": {"usr": {"id": "u7"}},
        },
        {"level": "warn", "client_ip": "192.0.2.7", "client_port": 4711, "user": "u7"},
    ),
    "dropwizard": (
        {
            "timestamp": STAMP,
            "method": "GET",
            "uri": "/cart",
            "status": 200,
            "contentLength": 512,
            "requestTime": 34,
            "remoteAddress": "192.0.2.7",
        },
        {"duration_ms": 34.0, "path": "/cart", "status": 200, "bytes_sent": 512, "client_ip": "192.0.2.7"},
    ),
    "tomcat_json": (
        {
            "host": "192.0.2.7",
            "logicalUserName": "-",
            "user": "alice",
            "time": "[02/Jan/2026:15:04:05.123 +0000]",
            "request": "GET /cart HTTP/1.1",
            "statusCode": "200",
            "size": "512",
        },
        {"client_ip": "192.0.2.7", "user": "alice", "path": "/cart", "status": 200, "bytes_sent": 512, "vhost": None},
    ),
    "zipkin": (
        {
            "traceId": "65a1b2c3d4e5f607",
            "id": "1122334455667788",
            "name": "get /cart",
            "timestamp": 1767366245123000,
            "duration": 34000,
            "localEndpoint": {"serviceName": "shop"},
            "remoteEndpoint": {"ipv4": "192.0.2.7"},
            "tags": {"http.method": "GET", "http.path": "/cart"},
        },
        {
            "duration_ms": 34.0,
            "service": "shop",
            "client_ip": "192.0.2.7",
            "span_id": "1122334455667788",
            "method": "GET",
            "path": "/cart",
        },
    ),
    "kubernetes_event": (
        {
            "involvedObject": {"kind": "Pod"},
            "reason": "BackOff",
            "message": "again",
            "source": {"component": "kubelet", "host": "n1"},
            "firstTimestamp": "2026-01-02T15:00:00Z",
            "lastTimestamp": STAMP,
            "type": "Warning",
        },
        {"level": "warn", "message": "again", "logger": "kubelet", "host": "n1"},
    ),
    "express-winston": (
        {
            "timestamp": STAMP,
            "level": "info",
            "message": "HTTP GET /cart",
            "meta": {
                "req": {"method": "GET", "originalUrl": "/cart?id=5"},
                "res": {"statusCode": 200},
                "responseTime": 34,
            },
        },
        {"method": "GET", "path": "/cart", "query": "id=5", "status": 200, "duration_ms": 34.0},
    ),
    "Cloud Logging's stackdriver layout": (
        {
            "timestampSeconds": 1767366245,
            "timestampNanos": 123000000,
            "severity": "INFO",
            "message": "started",
            "logger": "a.B",
        },
        {"level": "info", "message": "started"},
    ),
    "an OpenTelemetry record by itself": (
        {
            "timeUnixNano": "1767366245123000000",
            "severityText": "WARN",
            "body": {"stringValue": "slow"},
            "attributes": [
                {"key": "client.address", "value": {"stringValue": "192.0.2.7"}},
                {"key": "http.response.status_code", "value": {"intValue": "503"}},
            ],
        },
        {"level": "warn", "message": "slow", "client_ip": "192.0.2.7", "status": 503},
    ),
    "PayPal webhook": (
        {"id": "WH-1", "create_time": STAMP, "event_type": "PAYMENT.CAPTURE.COMPLETED", "summary": "Payment completed"},
        {"message": "Payment completed"},
    ),
    "Snowplow": (
        {
            "etl_tstamp": "2026-01-02T15:04:07Z",
            "collector_tstamp": "2026-01-02T15:04:06Z",
            "dvce_created_tstamp": STAMP,
            "user_ipaddress": "192.0.2.7",
        },
        {"client_ip": "192.0.2.7"},
    ),
    "Google Workspace": (
        {
            "id": {"time": STAMP, "applicationName": "login"},
            "actor": {"email": "alice@example.com"},
            "ipAddress": "192.0.2.7",
        },
        {"user": "alice@example.com", "client_ip": "192.0.2.7"},
    ),
    "Atlassian": (
        {
            "attributes": {
                "time": STAMP,
                "actor": {"name": "Alice", "email": "alice@example.com"},
                "location": {"ip": "192.0.2.7"},
            }
        },
        {"user": "alice@example.com", "client_ip": "192.0.2.7"},
    ),
    "Google audit log": (
        {
            "timestamp": STAMP,
            "severity": "NOTICE",
            "protoPayload": {
                "authenticationInfo": {"principalEmail": "alice@example.com"},
                "requestMetadata": {"callerIp": "192.0.2.7"},
            },
        },
        {"user": "alice@example.com", "client_ip": "192.0.2.7", "level": "notice"},
    ),
    "MongoDB audit": (
        {"atype": "authenticate", "ts": {"$date": STAMP}, "remote": {"ip": "192.0.2.7", "port": 4711}, "result": 0},
        {"client_ip": "192.0.2.7", "client_port": 4711},
    ),
    "MinIO": (
        {
            "time": STAMP,
            "api": {"name": "PutObject", "statusCode": 200, "timeToResponse": "12500000ns"},
            "remotehost": "192.0.2.7",
        },
        {"status": 200, "duration_ms": 12.5, "client_ip": "192.0.2.7"},
    ),
    "gRPC interceptors": (
        {"time": STAMP, "level": "info", "msg": "finished call", "grpc.code": "OK", "grpc.time_ms": 12.5},
        {"duration_ms": 12.5},
    ),
    "tyk": (
        {
            "timestamp": STAMP,
            "api_id": "a",
            "method": "GET",
            "path": "/orders",
            "response_code": 200,
            "request_time": 12,
            "ip_address": "192.0.2.7",
        },
        {"duration_ms": 12.0, "status": 200, "path": "/orders", "client_ip": "192.0.2.7"},
    ),
    "salesforce": (
        {
            "EVENT_TYPE": "URI",
            "TIMESTAMP": "20260102150405.123",
            "RUN_TIME": "93",
            "URI": "/home",
            "USER_NAME": "alice",
            "CLIENT_IP": "192.0.2.7",
        },
        {"duration_ms": 93.0, "path": "/home", "user": "alice", "message": "URI"},
    ),
    "guardduty": (
        {
            "createdAt": STAMP,
            "accountId": "123",
            "severity": 2,
            "type": "Recon",
            "service": {"serviceName": "guardduty"},
            "title": "A scan",
            "description": "of ports",
        },
        {"level": None, "message": "A scan"},
    ),
    "ory": (
        {
            "time": STAMP,
            "level": "info",
            "http_request": {"method": "GET", "path": "/whoami"},
            "http_response": {"status": 200, "took": 12500000},
        },
        {"duration_ms": 12.5, "method": "GET", "path": "/whoami", "status": 200},
    ),
    "falco": (
        {"time": STAMP, "output": "a shell was opened", "priority": "Warning", "rule": "Shell", "source": "syscall"},
        {"level": "warn", "message": "a shell was opened"},
    ),
    "office365": (
        {
            "CreationTime": STAMP,
            "Operation": "UserLoggedIn",
            "RecordType": 15,
            "Workload": "Exchange",
            "UserId": "alice@example.com",
            "ClientIP": "192.0.2.7",
        },
        {"user": "alice@example.com", "client_ip": "192.0.2.7", "service": "Exchange", "message": "UserLoggedIn"},
    ),
    "azure_monitor": (
        {
            "time": STAMP,
            "resourceId": "/x",
            "operationName": "Sign-in",
            "category": "SignInLogs",
            "Level": 4,
            "callerIpAddress": "192.0.2.7",
        },
        {"level": "info", "message": "Sign-in", "client_ip": "192.0.2.7"},
    ),
    "azure_firewall": (
        {
            "time": STAMP,
            "category": "AzureFirewallNetworkRule",
            "operationName": "Log",
            "properties": {"msg": "TCP request"},
        },
        {"message": "TCP request"},
    ),
    "aws_api_gateway_epoch": (
        {
            "requestTimeEpoch": 1767366245123,
            "httpMethod": "GET",
            "ip": "192.0.2.7",
            "status": "200",
            "domainName": "api.example.com",
        },
        {"client_ip": "192.0.2.7", "method": "GET", "status": 200, "vhost": "api.example.com"},
    ),
    "atlassian_audit": (
        {
            "timestamp": {"epochSecond": 1767366245, "nano": 123000000},
            "author": {"name": "alice", "type": "user"},
            "auditType": {"action": "User added", "level": "BASE"},
            "source": "192.0.2.7",
            "method": "Browser",
        },
        {"user": "alice", "message": "User added", "client_ip": "192.0.2.7", "level": None, "method": None},
    ),
    "zeek": (
        {
            "ts": 1767366245.123,
            "uid": "C1",
            "id.orig_h": "192.0.2.7",
            "id.orig_p": 5555,
            "id.resp_h": "198.51.100.2",
            "duration": 0.5,
            "service": "dns",
        },
        {"client_ip": "192.0.2.7", "client_port": 5555, "duration_ms": 500.0, "service": None},
    ),
    "zscaler_web_splunk": (
        {
            "sourcetype": "zscalernss-web",
            "event": {
                "datetime": "2026-01-02 15:04:05.123",
                "requestmethod": "GET",
                "ClientIP": "192.0.2.7",
                "urlcategory": "Shopping",
                "url": "www.example.com/cart",
                "status": "200",
                "user": "alice",
                "reason": "Allowed",
                "location": "Ulm",
            },
        },
        {
            "client_ip": "192.0.2.7",
            "method": "GET",
            "target": "www.example.com/cart",
            "status": 200,
            "user": "alice",
            "message": "Allowed",
        },
    ),
    "zscaler_web_base64": (
        {
            "sourcetype": "zscalernss-web",
            "event": {
                "time": "2026-01-02 15:04:05.123",
                "reqmethod": "GET",
                "cltip": "192.0.2.7",
                "respcode": "200",
                "login": "alice",
                "reason": "Allowed",
            },
        },
        {"client_ip": "192.0.2.7", "method": "GET", "status": 200, "user": "alice", "message": "Allowed"},
    ),
    "haproxy_json": (
        {
            "time": STAMP,
            "client": "192.0.2.7:5555",
            "frontend": "web",
            "backend": "shop",
            "server": "s1",
            "method": "GET",
            "uri": "/cart",
            "status": 200,
            "bytes_read": 512,
            "time_total": 5,
        },
        {
            "client_ip": "192.0.2.7",
            "target": "/cart",
            "bytes_sent": 512,
            "duration_ms": 5.0,
            "upstream": "s1",
            "vhost": None,
        },
    ),
    "bunny": (
        {
            "Timestamp": 1767366245123,
            "StatusCode": 200,
            "RemoteIp": "192.0.2.7",
            "PathAndQuery": "/a?b=1",
            "RefererUrl": "https://www.example.com/",
            "BytesSent": 512,
        },
        {
            "client_ip": "192.0.2.7",
            "target": "/a?b=1",
            "referrer": "https://www.example.com/",
            "bytes_sent": 512,
            "status": 200,
        },
    ),
    "windows_event": (
        {
            "EventTime": STAMP,
            "Hostname": "WEB1",
            "EventID": 7036,
            "Channel": "System",
            "Level": 3,
            "SourceName": "SCM",
            "ProcessID": 71,
            "Message": "slow",
        },
        {"level": "warn", "host": "WEB1", "logger": "SCM", "pid": 71, "message": "slow"},
    ),
}


@pytest.mark.parametrize("name", LINES)
def test_keys_of_the_program_become_fields(name: str) -> None:
    line, fields = LINES[name]
    columns = decode_block([orjson.dumps(line)], TimeAnchor(0)).columns
    assert {field: columns[field][0].as_py() if field in columns else None for field in fields} == fields
    assert format_times(columns["time_ns"]).to_pylist() == [TIME]
