"""What the simulated shop sells and serves."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

WORDS = (
    "oak", "teak", "willow", "copper", "linen", "slate", "fern", "moss", "amber", "cedar", "clay", "birch", "iris", "sage", "heron", "tansy",
)  # fmt: skip
THINGS = (
    ("garden", ("bench", "trowel", "planter", "lantern", "trellis", "watering-can")),
    ("kitchen", ("teapot", "bread-bin", "apron", "chopping-board", "spice-rack")),
    ("bedroom", ("blanket", "pillowcase", "bedside-lamp", "mirror")),
    ("study", ("bookend", "desk-tray", "notebook", "pen-pot")),
)
SEARCHES = ("bench", "teapot+blue", "gift", "lamp", "planter+large", "linen", "spice+rack", "mirror")
CAMPAIGNS = ("autumn-26", "welcome", "garden-week", "retarget-7d")
ENTRIES = ("-", "-", "https://www.google.com/", "https://www.bing.com/", "https://social.example/", "mail")


@dataclass(frozen=True, slots=True)
class Product:
    number: int
    path: str
    sku: str
    cents: int
    images: tuple[str, ...]


def make_products(rng: Random, n: int = 240) -> list[Product]:
    products = []
    for number in range(3001, 3001 + n):
        _, things = rng.choice(THINGS)
        slug = f"{rng.choice(WORDS)}-{rng.choice(WORDS)}-{rng.choice(things)}"
        images = tuple(f"/img/p/{number}/{view}-{rng.getrandbits(32):08x}-w640.webp" for view in range(4))
        products.append(
            Product(
                number, f"/p/{slug}-{number}", f"FH-{rng.randint(10, 99)}-{number}", rng.randint(590, 24_900), images
            )
        )
    return products


def make_assets(rng: Random) -> list[str]:
    """Scripts, styles, fonts and pictures every page of the shop asks for."""
    names = (
        ["css/app", "css/print", "css/vendor", "js/runtime", "js/vendor", "js/app", "js/cart", "js/search", "js/consent", "js/reviews"]
        + [f"fonts/brandon-{weight}" for weight in ("regular", "medium", "bold")]
        + [f"icons/{name}" for name in ("logo", "basket", "heart", "search", "truck", "return", "star", "menu", "user", "visa", "sepa")]
    )  # fmt: skip
    suffix = {"css": "css", "js": "js", "fonts": "woff2", "icons": "svg"}
    return [f"/assets/{name}.{rng.getrandbits(64):016x}.{suffix[name.split('/')[0]]}" for name in names]
