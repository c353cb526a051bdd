"""What only the data can tell the models: which one covers it, which routes are forms, which amounts are in minor units.

Takes counts, not rows: one query over the store gives them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

from reconstruct.journeys.activities import Classifier, kind_of_object
from reconstruct.journeys.amounts import AmountReader, learn_minor_keys
from reconstruct.journeys.labels import attributes_of
from reconstruct.journeys.models import GENERIC, Models
from reconstruct.journeys.rows import ObjectInput

COVERED_SHARE = 0.05
"""A model is chosen when at least this share of the page requests is of kinds it lists as its evidence: below, a
blog with one contact form would pass as a shop. Shops measured lie above 0.6."""

FORM_ANSWERS = 2
"""A route is a form when at least this many POSTs were answered by a redirect and as many by a page."""

WRITES = ("POST", "PUT", "PATCH")

SELF_POSTING = 10
"""POSTs of a route, none answered by a redirect, after which a page as the answer is its normal success."""


LEAST_BORN = 5
"""Objects that must begin with a request of a route …"""

BORN_SHARE = 0.5
"""… and share of its requests that succeeded which they must be, before asking for it is taken for trying to have one: an
interface with one route for everything is none."""

BEARS = 0.7
"""The same, from which one that succeeded and brought none into being has come to nothing: a declined card, answered by a page."""


def fit_models(
    models: Models,
    counts: Iterable[tuple[str, str, int, int]],
    objects: Iterable[ObjectInput] = (),
    births: Iterable[tuple[str, str, str, int]] = (),
) -> Models:
    """Choose the journey model and learn forms, units, and where objects begin.

    Args:
        models: As loaded.
        counts: (method, route, status, number of requests) of the requests as the edge saw them, assets left out; one
            row per distinct triple, in any order.
        objects: Some business objects, a few hundred, to learn units of amounts from, and what the site is for.
        births: (method, route, type, number of objects of that type that began with such a request).
    """
    counted = sorted(counts)
    shared = _weigh(models, counted)
    weights = {
        name: _weigh(replace(models, chosen=name), counted) if model.rules or model.words else shared
        for name, model in models.models.items()
    }
    coverage = {
        name: sum(weights[name].get(kind, 0) for kind in model.evidence) / max(1, sum(weights[name].values()))
        for name, model in models.models.items()
    }
    objects = list(objects)
    worked_on = _share_objects(models, objects)
    fit = {name: share + worked_on[name] for name, share in coverage.items()}
    best = max(reversed(fit), key=lambda name: fit[name])  # of equals the user's own, which come last
    chosen = models.use or (best if fit[best] >= COVERED_SHARE else GENERIC)
    classifier = Classifier(models)
    pages: dict[str, int] = {}
    redirects: dict[str, int] = {}
    for method, route, status, count in counted:
        if method == "POST" and not (act := classifier.classify(method, route, None)).api and not act.background:
            answers = redirects if 300 <= status < 400 else pages if status == 200 else None
            if answers is not None:
                answers[route] = answers.get(route, 0) + count
    forms = (r for r, n in redirects.items() if n >= FORM_ANSWERS and pages.get(r, 0) >= FORM_ANSWERS)
    self_posting = (r for r, n in pages.items() if n >= SELF_POSTING and r not in redirects)
    reader = AmountReader(models)
    minor_keys = learn_minor_keys(
        (amount for row in thing.rows for amount in reader.read(row, attributes_of(row))) for thing in objects
    )
    births = list(births)
    return replace(
        models,
        chosen=chosen,
        coverage=coverage,
        forms=frozenset(forms),
        redirects_after_post=bool(redirects),
        self_posting=frozenset(self_posting),
        minor_keys=minor_keys,
        birthplaces=_find_birthplaces(models, births, counted),
        bearing=frozenset(_find_birthplaces(models, births, counted, BEARS)),
    )


def _share_objects(models: Models, objects: Sequence[ObjectInput]) -> dict[str, float]:
    """Per model the share of the business objects that are what its visitors come for: a handful of pages alone may be any site's."""
    kinds = Counter(kind_of_object(thing.type, models) for thing in objects)
    share = {kind: n / len(objects) for kind, n in kinds.items()}
    return {
        name: 0.0
        if name == GENERIC
        else sum(share.get(kind, 0.0) for kind in set().union(*(goal.objects for goal in model.goals)))
        for name, model in models.models.items()
    }


def _find_birthplaces(
    models: Models,
    births: Iterable[tuple[str, str, str, int]],
    counts: Iterable[tuple[str, str, int, int]],
    least: float = BORN_SHARE,
) -> dict[tuple[str, str], frozenset[str]]:
    """(method, route) of the requests that bring an object into being in this share of the times they succeed, and what kinds of it."""
    answered: dict[tuple[str, str], int] = {}
    for method, route, status, count in counts:
        if method in WRITES and status < 400:
            answered[method, route] = answered.get((method, route), 0) + count
    born: dict[tuple[str, str], Counter[str]] = {}
    for method, route, type_name, count in births:
        born.setdefault((method, route), Counter())[kind_of_object(type_name, models)] += count
    return {
        place: frozenset(kinds)
        for place, kinds in sorted(born.items())
        if kinds.total() >= LEAST_BORN and kinds.total() >= least * answered.get(place, kinds.total() / least + 1)
    }


def _weigh(models: Models, counts: Iterable[tuple[str, str, int, int]]) -> dict[str, int]:
    """Requests that succeeded, by kind; ``""``: of no kind."""
    classifier = Classifier(models)
    weights: dict[str, int] = {}
    for method, route, status, count in counts:
        if status < 400 and not (act := classifier.classify(method, route, None)).background:
            weights[act.kind] = weights.get(act.kind, 0) + count
    return weights
