"""How the simulated services word their lines. Times are milliseconds since the first midnight, UTC."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from random import Random

DAY_MS = 86_400_000
CLOCK = tuple(f"{s // 3600:02}:{s // 60 % 60:02}:{s % 60:02}" for s in range(86_400))
CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
HOST = "www.fernhill.example"

EdgeLine = Callable[..., str]


def compact_json(document: object) -> str:
    return json.dumps(document, separators=(",", ":"))


def docker_line(text: str, time: str) -> str:
    """A line of a container's output as docker's json-file driver keeps it."""
    return compact_json({"log": text + "\n", "stream": "stdout", "time": time})


class Stamps:
    """Time stamps of one service: its clock error and its zone included. Days are formatted once each."""

    def __init__(self, first_day: datetime, skew_ms: int = 0, offset_s: int = 0) -> None:
        self.first_day = first_day
        self.shift = skew_ms + offset_s * 1000
        self.zone = f"{'-' if offset_s < 0 else '+'}{abs(offset_s) // 3600:02}{abs(offset_s) // 60 % 60:02}"
        self._http: dict[int, str] = {}
        self._iso: dict[int, str] = {}

    def http(self, t: int) -> str:
        day, ms = divmod(t + self.shift, DAY_MS)
        date = self._http.get(day)
        if date is None:
            date = self._http[day] = (self.first_day + timedelta(days=day)).strftime("%d/%b/%Y")
        return f"{date}:{CLOCK[ms // 1000]} {self.zone}"

    def iso(self, t: int, between: str = "T", point: str = ".", end: str = "Z") -> str:
        day, ms = divmod(t + self.shift, DAY_MS)
        date = self._iso.get(day)
        if date is None:
            date = self._iso[day] = (self.first_day + timedelta(days=day)).strftime("%Y-%m-%d")
        return f"{date}{between}{CLOCK[ms // 1000]}{point}{ms % 1000:03}{end}"

    def epoch_ms(self, t: int) -> int:
        return int(self.first_day.replace(tzinfo=timezone.utc).timestamp()) * 1000 + t + self.shift  # noqa: UP017


def edge_wording(kind: str, stamps: Stamps) -> EdgeLine:
    """``line(t, ip, method, target, status, size, referrer, agent, ms, trace, sid)`` in one of three layouts."""
    http, iso = stamps.http, stamps.iso

    def combined(t, ip, method, target, status, size, referrer, agent, ms, trace, sid):  # type: ignore[no-untyped-def]
        return f'{ip} - - [{http(t)}] "{method} {target} HTTP/1.1" {status} {size} "{referrer}" "{agent}"'

    def tail(t, ip, method, target, status, size, referrer, agent, ms, trace, sid):  # type: ignore[no-untyped-def]
        return (
            f'{ip} - - [{http(t)}] "{method} {target} HTTP/2.0" {status} {size} "{referrer}" "{agent}" '
            f"vhost={HOST} took={ms / 1000:.3f} trace={trace or '-'} fsid={sid or '-'}"
        )

    def as_json(t, ip, method, target, status, size, referrer, agent, ms, trace, sid):  # type: ignore[no-untyped-def]
        line = {
            "@timestamp": iso(t),
            "remote_addr": ip,
            "http_host": HOST,
            "request_method": method,
            "request_uri": target,
            "status": status,
            "body_bytes_sent": size,
            "request_time": ms / 1000,
            "http_referer": "" if referrer == "-" else referrer,
            "http_user_agent": agent,
        }
        if trace:
            line["traceparent"] = f"00-{trace}-{trace[8:24]}-01"
        if sid:
            line["cookies"] = {"fsid": sid, "consent": "1"}
        return compact_json(line)

    return {"combined": combined, "tail": tail, "json": as_json}[kind]


def app_wording(style: str, stamps: Stamps, thread_names: bool) -> Callable[[int, str, str, str, str, int], str]:
    """``line(t, level, component, message, trace, thread)`` of the shop application."""
    iso = stamps.iso

    def oscar(t: int, level: str, component: str, message: str, trace: str, thread: int) -> str:
        # Python logging with local time and no zone, the default of "%(asctime)s".
        return f"{iso(t, ' ', ',', '')} {level} [fernhill.{component}] [{trace or '-'}] {message}"

    def spring(t: int, level: str, component: str, message: str, trace: str, thread: int) -> str:
        correlation = f"{trace}-{trace[8:24]}" if trace else " " * 49
        logger = f"e.f.shop.{component.capitalize()}Service"
        stamp = iso(t, " ", ".", "")  # Spring Boot 2: local time without a zone
        name = f"nio-8080-exec-{thread}" if thread_names else "main"
        return f"{stamp}  {level:<5} 3117 --- [fernhill] [{name}] [{correlation}] {logger:<40} : {message}"

    return {"oscar": oscar, "spring": spring}[style]


def payment_line(stamps: Stamps, docker: bool, t: int, message: str, fields: dict[str, object]) -> str:
    level = "warn" if "declined" in message else "info"
    inner = compact_json({"time": stamps.epoch_ms(t), "level": level, "app": "cardgate", "msg": message, **fields})
    return docker_line(inner, stamps.iso(t)) if docker else inner


def warehouse_line(stamps: Stamps, t: int, message: str, fields: dict[str, object]) -> str:
    pairs = " ".join(f"{key}={value}" for key, value in fields.items())
    return f'ts={stamps.iso(t)} lvl=info unit=depot msg="{message}" {pairs}'


def carrier_line(stamps: Stamps, t: int, ip: str, target: str, carrier: str, status: int) -> str:
    line = {
        "ts": stamps.iso(t), "client": ip, "verb": "POST", "uri": target, "code": status, "ms": 4 + t % 17, "ua": f"{carrier}-notify/3.2",
    }  # fmt: skip
    return compact_json(line)


def worker_line(stamps: Stamps, t: int, message: str) -> str:
    return f"{stamps.iso(t, ' ', '.', '')[:19].replace('-', '/', 2)} {message}"


def risk_line(stamps: Stamps, t: int, message: str) -> str:
    return f"<134>1 {stamps.iso(t)} risk01 riskd 812 SCORE - {message}"


def ulid(rng: Random, t: int) -> str:
    """A sortable identifier: ten characters of time, sixteen of chance."""
    value = ((1_788_000_000_000 + t) << 80) | rng.getrandbits(80)
    return "".join([CROCKFORD[(value >> shift) & 31] for shift in range(125, -1, -5)])
