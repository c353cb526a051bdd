"""Columns of a request: request line, target, addresses."""

from __future__ import annotations

import re
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.compute as pc

from reconstruct.grammar.number_columns import integer_column
from reconstruct.grammar.text_columns import change_where, has_byte_in, has_char, map_distinct, text_scalar

_METHOD = re.compile(r"[A-Z][A-Z_-]{2,23}|\[\d{1,9}\] ?[A-Za-z]{3,23}", re.ASCII)
"""The second is the FTP service of IIS: number of the connection and command, ``[2]USER``."""

_COMMON_METHODS = frozenset(("get", "post", "put", "patch", "delete", "head", "options", "trace", "connect"))
_PROTOCOL = re.compile(r"(?:HTTP/?|h)?(\d(?:\.\d)?)(?:\.0)*", re.ASCII | re.IGNORECASE)
_REQUEST_LINE = re.compile(
    r"([A-Za-z][A-Za-z_-]{2,23}) +(\S.*?)(?: +(HTTP/\d(?:\.\d)?|1\.[01]|[23](?:\.0)?))? *", re.ASCII
)
"""The protocol without its name is of Hypercorn: ``GET /a 1.1``."""
_TARGET = re.compile(r"(?:https?:/)?/\S*")
_EMPTY, _NONE = text_scalar(""), text_scalar(None)
_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{1,15}://([^/?#]*)")
_AUTHORITY = re.compile(r"(?:[^@]*@)?((?:\[[0-9A-Fa-f:.%]+\]|[^:]*)(?::(?!(?:80|443)?$)\d{1,5})?)(?::\d{0,3})?")
_ADDRESS_PORT = re.compile(
    r"\[?([0-9A-Za-z_.:%-]+)\]:(\d{1,5})|([0-9A-Za-z_.-]+):(\d{1,5})(?::[A-Z]\w{0,30})?", re.ASCII
)
_ADDRESS = re.compile(r"[0-9A-Za-z_.:%-]{1,255}", re.ASCII)
_IS_IP = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}|[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f.]{0,15}){2,8}", re.ASCII)
_IS_IPV4 = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}", re.ASCII)
_NOT_IPV4 = bytes(set(range(256)) - set(b"0123456789."))

_INSIDE = (
    r"^(?:10\.|127\.|192\.168\.|169\.254\.|172\.(?:1[6-9]|2[0-9]|3[01])\.|100\.(?:6[4-9]|[7-9][0-9]|1[01][0-9]|12[0-7])\.|"
    r"[^.:]+$|::1$|[fF][cdCD][0-9A-Fa-f]{2}:|[fF][eE][89abAB][0-9A-Fa-f]:|unix:)"
)
"""Addresses of private networks (RFC 1918, 6598, 4193, link local, loopback) and host names of one label: a client
there is a proxy of ours."""

_ENCODED_URL = r"^https?%3[Aa]%2[Ff]%2[Ff]"

_FORWARDED_FOR = re.compile(r"(?:^|;)\s*+for=\s*+([^;,\s]+)", re.IGNORECASE)

FORWARDED_CAP = 1024
"""Characters of a chain of proxies that are read; real ones have a handful of hops."""


def method_column(text: pa.Array) -> pa.Array:
    """Request methods; names of functions and the like are no methods."""
    return map_distinct(text, _method, pa.string())


def _method(text: str) -> str | None:
    if _METHOD.fullmatch(text):
        return text
    return text.upper() if text.lower() in _COMMON_METHODS else None


def protocol_column(text: pa.Array) -> pa.Array:
    """``HTTP/1.1`` also for ``1.1`` and ``h2``; other protocols are none of HTTP."""
    return map_distinct(text, _protocol, pa.string())


def _protocol(text: str) -> str | None:
    match = _PROTOCOL.fullmatch(text)
    if match is None:
        return None
    return text if text.startswith("HTTP/") else f"HTTP/{match[1]}"


def split_request_lines(text: pa.Array) -> tuple[pa.Array, pa.Array, pa.Array]:
    """Method, target and protocol of ``GET /a?b=1 HTTP/1.1``; a target alone will do (CEF), all null for other text."""
    encoded = text.dictionary_encode()
    parts = [_split_request_line(line) for line in encoded.dictionary.to_pylist()]
    columns = [pa.array([part[group] for part in parts], pa.string()).take(encoded.indices) for group in range(3)]
    return columns[0], columns[1], columns[2]


def _split_request_line(line: str) -> tuple[str | None, str | None, str | None]:
    match = _REQUEST_LINE.fullmatch(line)
    if match and _method(match[1]) and _is_target(match[2], match[3]):
        return match[1], match[2], _protocol(match[3]) if match[3] else None
    return None, line if _TARGET.fullmatch(line) else None, None


def _is_target(target: str, protocol: str | None) -> bool:
    """With a protocol anything is a target; without, ``GET /a`` is a request and ``Put it there`` is not."""
    return protocol is not None or target.startswith(("/", "http://", "https://", "*"))


def split_targets(target: pa.Array, hosts: pa.Array | None = None) -> tuple[pa.Array, pa.Array, pa.Array]:
    """Path, query and host of request targets. Path without scheme, host and fragment; host for absolute ones only.
    ``hosts``, known from elsewhere, do not belong to the path of ``www.example.com/a`` either."""
    rest, host = target, pa.nulls(len(target), pa.string())
    other = pc.invert(pc.starts_with(target, "/")).fill_null(False)
    if pc.any(other).as_py():
        odd = target.filter(other)
        rest = pc.replace_with_mask(target, other, map_distinct(odd, _without_origin, pa.string()))
        host = pc.replace_with_mask(host, other, map_distinct(odd, _host_of, pa.string()))
        if hosts is not None:
            beside = pc.binary_join_element_wise(hosts.filter(other), rest.filter(other), " ")
            rest = pc.replace_with_mask(
                rest, other, pc.coalesce(map_distinct(beside, _without_host, pa.string()), rest.filter(other))
            )
    rest = change_where(rest, has_char(rest, "#"), lambda text: text.partition("#")[0] or None)
    asked = has_char(rest, "?")
    if not pc.any(asked).as_py():
        return rest, pa.nulls(len(target), pa.string()), host
    halves = pc.split_pattern(rest.filter(asked), "?", max_splits=1).flatten()
    even = pa.array(range(0, len(halves), 2), pa.int64())
    path = pc.replace_with_mask(rest, asked, halves.take(even))
    found = halves.take(pa.array(range(1, len(halves), 2), pa.int64()))
    found = pc.if_else(pc.equal(found, _EMPTY), _NONE, found)
    return path, pc.replace_with_mask(pa.nulls(len(target), pa.string()), asked, found), host


def _without_origin(target: str) -> str:
    match = _ABSOLUTE.match(target)
    if match is None:
        return target
    rest = target[match.end() :]
    return rest if rest.startswith("/") else f"/{rest}"


def _without_host(host_and_target: str) -> str:
    host, _, target = host_and_target.partition(" ")
    return target.removeprefix(host) if target.startswith(f"{host}/") else target


def _host_of(target: str) -> str | None:
    match = _ABSOLUTE.match(target)
    return _host(match[1]) if match and match[1] else None


def join_targets(path: pa.Array, query: pa.Array | None) -> pa.Array:
    """Targets of paths and queries that were logged apart; a path that has a query of its own is the target."""
    if query is None:
        return path
    return pc.if_else(pc.or_(query.is_null(), has_char(path, "?")), path, pc.binary_join_element_wise(path, query, "?"))


def query_column(text: pa.Array) -> pa.Array:
    """Queries without the question mark."""
    return change_where(text, pc.starts_with(text, "?"), lambda query: query[1:] or None)


def host_column(text: pa.Array) -> pa.Array:
    """Virtual hosts without the port that goes without saying (80, 443), lower case left as it is."""
    return change_where(text, has_char(text, ":"), _host)


def machine_column(text: pa.Array) -> pa.Array:
    """Names and addresses of machines: an address of the web is none."""
    return pc.if_else(pc.match_substring(text, "://"), pa.scalar(None, text.type), text)


def _host(authority: str) -> str | None:
    match = _AUTHORITY.fullmatch(authority)
    return (match[1] if match else authority) or None


NOWHERE = frozenset(("null", "nil", "none", "undefined", "unknown", "nan"))
"""Words that programs write where they know no address."""


def address_columns(text: pa.Array, *, only_ip: bool = False) -> tuple[pa.Array, pa.Array | None]:
    """Client addresses and, where they were written together, ports (int32).

    ``192.0.2.1:4711`` and ``[2001:db8::1]:4711`` are split, ``::ffff:192.0.2.1`` is ``192.0.2.1``, of a list the first hop
    counts. Host names are taken too unless ``only_ip``; text with blanks is no address."""
    encoded = text.dictionary_encode()
    distinct = encoded.dictionary
    other = distinct.is_valid() if only_ip else has_byte_in(distinct, _NOT_IPV4)
    if not pc.any(other).as_py():
        return text, None
    split = [_split_address(value) for value in distinct.filter(other).to_pylist()]
    if only_ip:
        split = [pair if pair[0] and _IS_IP.fullmatch(pair[0]) else (None, None) for pair in split]
    addresses = pc.replace_with_mask(distinct, other, pa.array([address for address, _ in split], pa.string()))
    column = addresses.take(encoded.indices)
    numbers = integer_column(pa.array([port for _, port in split], pa.string()), pa.int32())
    if numbers.null_count == len(numbers):
        return column, None
    ports = pc.replace_with_mask(pa.nulls(len(distinct), pa.int32()), other, numbers)
    return column, ports.take(encoded.indices)


def _split_address(text: str) -> tuple[str | None, str | None]:
    first = text.partition(",")[0].strip()
    match = _ADDRESS_PORT.fullmatch(first)
    if match:
        address, port = match[1] or match[3], match[2] or match[4]
    else:
        address, port = first.removeprefix("[").removesuffix("]"), None
    if not _ADDRESS.fullmatch(address) or address.lower() in NOWHERE:
        return None, None
    address = address.partition("%")[0]  # the zone of a link-local address names an interface of the server
    mapped = address.lower().removeprefix("::ffff:")
    return (mapped if _IS_IPV4.fullmatch(mapped) else address), port


def first_hops(text: pa.Array) -> pa.Array:
    """The client that a chain of proxies (``X-Forwarded-For``, ``Forwarded``) begins with: its first public address, else
    its first address; null where it has none."""

    def first_hop(chain: str) -> str | None:
        hops = [_split_address(_hop_of(part).strip().strip('"'))[0] for part in chain[:FORWARDED_CAP].split(",")]
        addresses = [hop for hop in hops if hop is not None and _IS_IP.fullmatch(hop)]
        public = (address for address in addresses if not re.match(_INSIDE, address))
        return next(public, addresses[0] if addresses else None)

    return map_distinct(text, first_hop, pa.string())


def _hop_of(part: str) -> str:
    """The address in a part of a chain, which ``Forwarded`` names: ``for="[2001:db8::1]:4711";proto=https`` (RFC 7239). Its quotes may still
    be escaped as the log's own are."""
    if "=" not in part:
        return part
    found = _FORWARDED_FOR.search(part.replace("\\x22", '"').replace('\\"', '"'))
    return found[1] if found is not None else ""


def is_inside(addresses: pa.Array) -> pa.Array:
    """Where the address is of a private network; null where there is none."""
    return pc.match_substring_regex(addresses, _INSIDE)


def agent_column(text: pa.Array) -> pa.Array:
    """User agents with the blanks they were sent with; CloudFront writes ``%20``, IIS ``+``."""
    encoded = text.dictionary_encode()
    agents = encoded.dictionary.to_pylist()
    blanked = [_with_blanks(agent) for agent in agents]
    return text if blanked == agents else pa.array(blanked, pa.string()).take(encoded.indices)


def referrer_column(text: pa.Array) -> pa.Array:
    """Referrers as URLs; Akamai encodes them whole, ``https%3A%2F%2F``."""
    coded = has_char(text, "%")
    if not pc.any(coded).as_py():
        return text
    return change_where(text, pc.match_substring_regex(text, _ENCODED_URL), unquote)


def _with_blanks(agent: str) -> str:
    if " " in agent:
        return agent
    return unquote(agent) if "%20" in agent else agent.replace("+", " ")
