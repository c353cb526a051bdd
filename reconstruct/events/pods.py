"""Names of Kubernetes pods: what of them is the service."""

from __future__ import annotations

import re


def service_of_path(path: str) -> str | None:
    """The service a log file is of, when its name follows the habit of Kubernetes.

    >>> service_of_path("logs/cart-service-7f8d7d756d-k7b9j_default_server.log")
    'cart-service'
    >>> service_of_path("pods/shop_payments-5bcd4f8d9c-x2x4z_0b1c/app/0.log")
    'payments'
    >>> service_of_path("nginx/access.log") is None
    True
    """
    found = _POD.search(path)
    return found["name"] if found else None


_POD = re.compile(
    r"(?:^|[/_])(?P<name>[a-z][a-z0-9.-]{0,120}?)-"
    r"(?:[bcdf0-9][bcdfghjklmnpqrstvwxz0-9a-f]{6,9}-[bcdfghjklmnpqrstvwxz2-9]{4}[a-z0-9]|\d{1,4}(?=_))"
    r"(?=[_./]|$)"
)
"""``<deployment>-<replica set hash>-<pod>``; Kubernetes spells both parts without vowels, old ones in hexadecimal.
``<stateful set>-<n>`` only where a namespace follows."""
