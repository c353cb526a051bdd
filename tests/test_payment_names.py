"""What a payment provider calls a payment goes along with its customer for a while, and is no session; a number in an address is no trace."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

from reconstruct.options import Options
from reconstruct.pipeline import open_paths

START = datetime(2026, 3, 10, 8, tzinfo=UTC)
BUYERS = 40


def test_names_of_payments_are_no_sessions_and_no_traces(tmp_path: Path) -> None:
    rng = Random(7)
    lines = []
    for buyer in range(BUYERS):
        intent = f"pi_3{rng.getrandbits(100):025x}"
        returned = f"payment_intent={intent}&redirect_status=succeeded"
        for seconds, method, target in (
            (0, "GET", "/shop"),
            (20, "POST", "/shop/cart/update"),
            (40, "POST", f"/shop/payment/transaction/{57 + buyer}"),
            (55, "GET", f"/payment/return?{returned}"),
            (70, "GET", f"/payment/status?{returned}"),
            (85, "GET", f"/shop/confirmation?{returned}"),
        ):
            at = START + timedelta(minutes=8 * buyer, seconds=seconds)
            lines.append(
                f'192.0.2.{buyer + 1} - - [{at:%d/%b/%Y:%H:%M:%S} +0000] "{method} {target} HTTP/1.1" 200 512 "-" "Firefox/{100 + buyer}.0"'
            )
    (tmp_path / "access.log").write_text("\n".join(lines) + "\n", encoding="utf-8")
    results = open_paths([tmp_path], Options(cache=False, workers=1))
    roles = {slot: each["role"] for each in results.identifiers() for slot in each["slots"]}
    results.close()
    assert roles["query:payment_intent"] not in ("session", "request")
    assert roles["path:/shop/payment/transaction/{}"] not in ("session", "request")
