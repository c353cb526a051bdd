"""User agents: people, robots, monitors, programs."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconstruct.events.agents import describe_agents

CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/139.0.0.0 Safari/537.36"
)
SAFARI = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1"
TABLET = (
    "Mozilla/5.0 (Linux; Android 13; SM-X700) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36"
)
GOOGLE = (
    "Mozilla/5.0 (Linux; Android 6.0.1; Nexus 5X Build/MMB29P) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/41.0 Mobile "
    "Safari/537.36 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
)
HEADLESS = CHROME.replace("Chrome/", "HeadlessChrome/")
UPTIME = "Mozilla/5.0+(compatible; UptimeRobot/2.0; http://www.uptimerobot.com/)"
CUBOT = "Mozilla/5.0 (Linux; Android 9; CUBOT_X19) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/91.0.4472.124 Mobile Safari/537.36"


@pytest.mark.parametrize(
    ("user_agent", "kind", "device"),
    [
        (CHROME, "human", "Chrome · desktop"),
        (CHROME.replace(" ", "+"), "human", "Chrome · desktop"),
        (SAFARI, "human", "Safari · mobile"),
        (TABLET, "human", "Chrome · tablet"),
        (CUBOT, "human", "Chrome · mobile"),
        (GOOGLE, "bot", "Googlebot"),
        (HEADLESS, "bot", "HeadlessChrome"),
        ("Scrapy/2.11 (+https://scrapy.org)", "bot", "Scrapy"),
        ("SomethingNewBot/0.1", "bot", "SomethingNewBot"),
        (UPTIME, "monitor", "UptimeRobot"),
        ("kube-probe/1.29", "monitor", "kube-probe"),
        ("ELB-HealthChecker/2.0", "monitor", "ELB-HealthChecker"),
        ("okhttp/4.12.0", "unknown", "okhttp"),
        ("curl/8.5.0", "unknown", "curl"),
        ("python-requests/2.31.0", "unknown", "python-requests"),
        ("CarrierPush/3.1", "unknown", "CarrierPush"),
        ("-", "unknown", ""),
        ("", "unknown", ""),
    ],
)
def test_kind_and_device(user_agent: str, kind: str, device: str) -> None:
    (agent,) = describe_agents([user_agent])
    assert (agent.kind, agent.device) == (kind, device)
    assert agent.reason


def test_order_is_kept() -> None:
    assert [agent.kind for agent in describe_agents([UPTIME, CHROME, GOOGLE, "curl/8"])] == [
        "monitor",
        "human",
        "bot",
        "unknown",
    ]
    assert describe_agents([]) == []


@settings(max_examples=50)
@given(st.lists(st.text(max_size=600), max_size=4))
def test_any_text_is_described(texts: list[str]) -> None:
    found = describe_agents(texts)
    assert len(found) == len(texts)
    assert {agent.kind for agent in found} <= {"human", "bot", "monitor", "unknown"}


def test_lists_are_loaded_only_when_asked() -> None:
    code = (
        "import sys, reconstruct.events.agents; print('ua_parser' in sys.modules, 'crawleruseragents' in sys.modules)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.split() == ["False", "False"]
