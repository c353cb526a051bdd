"""Routes: variable segments by shape, varying words by the trie of all paths, static files apart."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconstruct.events.routes import is_asset, judge_segment, learn_routes, shape_routes


def learned(counts: dict[str, int]) -> dict[str, str]:
    return learn_routes(pa.table({"path": pa.array(counts, pa.string()), "n": pa.array(counts.values(), pa.int64())}))


@pytest.mark.parametrize(
    ("segment", "kept", "values"),
    [
        ("100175", "{}", ("100175",)),
        ("oak-bench_12", "{}", ("12",)),
        ("order-100175", "{}", ("100175",)),
        ("ORD-000123", "{}", ("ORD-000123",)),
        ("ord-000123", "{}", ("ord-000123",)),
        ("3F2504E0-4F89-11D3-9A0C-0305E82C3301", "{}", ("3f2504e0-4f89-11d3-9a0c-0305e82c3301",)),
        ("pay_2d6662e25ad0d538", "{}", ("pay_2d6662e25ad0d538",)),
        ("dQw4w9WgXcQ", "{}", ("dQw4w9WgXcQ",)),
        ("alice%40example.com", "{}", ("alice@example.com",)),
        ("7.html", "{}.html", ("7",)),
        ("1,2,3", "{}", ("1", "2", "3")),
        ("2026-09-14", "{}", ()),
        ("winter-sale_0", "{}", ()),
        ("a" * 200, "{}", ()),
        ("v2", "v2", ()),
        ("3.11", "3.11", ()),
        ("oauth2", "oauth2", ()),
        ("iphone-15-pro-max", "iphone-15-pro-max", ()),
        ("checkout", "checkout", ()),
        ("wp-login.php", "wp-login.php", ()),
    ],
)
def test_segments_by_shape(segment: str, kept: str, values: tuple[str, ...]) -> None:
    assert (judge_segment(segment).kept, judge_segment(segment).values) == (kept, values)


def test_shape_routes_keep_slashes_and_nulls() -> None:
    paths = pa.array(["/orders/17/items/3/", None, "/", "", "/a;jsessionid=9F3C/b", "17"])
    assert shape_routes(paths).to_pylist() == ["/orders/{}/items/{}/", None, "/", "", "/a/b", "{}"]


def test_products_vary_and_checkout_steps_stay() -> None:
    steps = {"/checkout/preview/": 900, "/checkout/payment-details/": 700, "/checkout/shipping-address/": 800}
    products = {
        f"/product/{wood}-{thing}/": 400
        for wood in ("oak", "moss", "fen")
        for thing in map(str, map(chr, range(97, 110)))
    }
    routes = learned(steps | products | {"/product/": 50})
    assert {routes[path] for path in products} == {"/product/{}/"}
    assert all(routes[path] == path for path in [*steps, "/product/"])


def test_what_stands_below_a_varying_word_is_shared() -> None:
    users = {f"/u/{chr(97 + i)}lex{chr(97 + j)}/repos": 2 for i in range(8) for j in range(8)}
    assert set(learned(users | {"/u/settings": 500}).values()) == {"/u/{}/repos", "/u/settings"}


def test_sections_of_a_catalogue_vary_with_their_things() -> None:
    things = {
        f"/categories/{s}/{s[0]}{chr(97 + i)}-thing": 3 + i for s in ("garden", "kitchen", "office") for i in range(10)
    }
    assert set(learned(things | {"/categories/garden/laptop": 900}).values()) == {"/categories/{}/{}"}


def test_like_sections_of_an_application_stay() -> None:
    pages = {
        f"/{section}/{page}": 40
        for section in ("users", "orders", "carts", "items", "taxes")
        for page in ("list", "new", "edit", "log", "find")
    }
    assert all(route == path for path, route in learned(pages).items())


def test_program_names_stay() -> None:
    calls = {
        f"/api/{verb}{noun}": 3
        for verb in ("Get", "List", "Create")
        for noun in ("Order", "User", "Cart", "Item", "Tax", "Refund", "Bin", "Lot", "Tag", "Job")
    }
    assert all(route == path for path, route in learned(calls).items())


def test_probes_do_not_swallow_the_pages_of_a_site() -> None:
    pages = {"/login": 300, "/cart": 2000, "/about": 90, "/orders/17": 4}
    probes = {f"/{chr(97 + i)}{chr(97 + j)}zq{chr(97 + k)}": 1 for i in range(10) for j in range(10) for k in range(5)}
    routes = learned(pages | probes | {f"{path}.php": 1 for path in probes})
    assert [routes[path] for path in pages] == ["/login", "/cart", "/about", "/orders/{}"]
    assert {routes[path] for path in probes} == {"/{}"}
    assert routes["/aazqa.php"] == "/{}.php"


@given(st.dictionaries(st.text(alphabet="/ab1.-_%é", max_size=12), st.integers(1, 9), max_size=40), st.randoms())
def test_routes_depend_on_the_set_alone(counts: dict[str, int], random: object) -> None:
    shuffled = dict(sorted(counts.items(), key=lambda item: hash_free(item[0], random)))
    assert learned(counts) == learned(shuffled)
    assert set(learned(counts)) == set(counts)


def hash_free(text: str, random: object) -> float:
    return random.random()  # type: ignore[attr-defined, no-any-return]


def test_many_distinct_paths_are_learned_in_bounded_time() -> None:
    paths = {f"/find/{i % 251:x}q{i * 7919 % 65521:x}z/page": 1 for i in range(50_000)}
    assert len(set(learned(paths).values())) < 100


@pytest.mark.parametrize(
    "path",
    [
        "/static/app.js",
        "/a/b/logo.PNG",
        "/favicon.ico",
        "/shop/assets/x",
        "/_next/static/chunks/1",
        "/fonts/inter.woff2",
    ],
)
def test_assets(path: str) -> None:
    assert is_asset(pa.array([path])).to_pylist() == [True]


@pytest.mark.parametrize("path", ["/orders/17", "/_next/data/x/cart.json", "/js", "/download.php", "/images", None])
def test_pages(path: str | None) -> None:
    assert is_asset(pa.array([path], pa.string())).to_pylist() == [False]
