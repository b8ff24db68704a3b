"""What becomes of one parameter of a space, where the trials are evidence enough to change it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from tunekit.report.importance import FEWEST, Importance
from tunekit.report.ranges import between, limits, place
from tunekit.results import Scalar, TrialRecord, Values
from tunekit.space.parameters import Choice, Fixed, Parameter, Range
from tunekit.space.space import Space

CHANCE = 0.05
"""What would come about by chance this often is no evidence."""
EDGE = 0.1
"""The share of a range that counts as its edge."""
WIDENED = 0.5
"""Past an edge, by this share of the range."""
MARGIN = 0.15
"""Left on either side of the best when a range is cut, as a share of it."""
NO_DIFFERENCE = 0.05
"""An importance that with its uncertainty stays below this."""
FURTHEST = 4
"""Times the last number of a list: what continues it is no larger."""
PREDICTED = 0.5
"""Of the variance; where less is predicted, small importances say nothing."""


@dataclass(frozen=True)
class Change:
    """What becomes of one parameter; `after` is None where it goes, and `before` where it is kept."""

    name: str
    before: Parameter
    after: Parameter | None
    reason: str


@dataclass(frozen=True)
class Evidence:
    """What there is to go by."""

    space: Space
    finals: Sequence[TrialRecord]
    """All configurations, best score first."""
    best: Sequence[TrialRecord]
    failed: Sequence[TrialRecord]
    """Configurations that failed before any of their trials completed."""
    found: Importance
    winner: Values


def change_of(parameter: Parameter, evidence: Evidence) -> Change:
    """Kept unless the trials say otherwise; fixed only where nothing among the best speaks for a value."""
    if len(evidence.finals) < FEWEST:
        return Change(parameter.name, parameter, parameter, "kept: too few trials.")
    has_children = any(parameter.name in other.when for other in evidence.space.parameters)
    change = None
    if isinstance(parameter, Choice):
        change = _choice(parameter, evidence, has_children)
    elif isinstance(parameter, Range) and not has_children:
        change = _range(parameter, evidence)
    change = change or _without_effect(parameter, evidence)
    return change or Change(parameter.name, parameter, parameter, _kept(parameter, evidence))


def _range(parameter: Range, evidence: Evidence) -> Change | None:
    places = _places(parameter, evidence.best)
    if len(places) < 3:
        return None
    everywhere = _places(parameter, evidence.finals)
    allowed = limits(evidence.space.model, parameter)
    on_edge = _on_edge(parameter, places, everywhere, allowed)
    if on_edge is not None:
        return on_edge
    low, high, count = min(places), max(places), len(places)
    width = high - low
    # That so many of an even spread lie so close together.
    chance = count * width ** (count - 1) - (count - 1) * width**count
    if count < 4 or chance >= CHANCE:
        return None
    start, end = max(0.0, low - MARGIN), min(1.0, high + MARGIN)
    if places[0] <= EDGE:
        start = -WIDENED
    elif places[0] >= 1 - EDGE:
        end = 1 + WIDENED
    after = between(parameter, start, end, allowed)
    if after == parameter:
        return None
    values = sorted(float(record.trial.values[parameter.name]) for record in _using(parameter, evidence.best))
    reason = f"the {count} best lie between {values[0]:.3g} and {values[-1]:.3g} of {_shown(parameter)}"
    past = after.min < parameter.min or after.max > parameter.max
    reason += f"; {'narrowed, and widened past the edge, where the very best lies' if past else 'narrowed'}."
    return Change(parameter.name, parameter, after, reason)


def _on_edge(
    parameter: Range, best: Sequence[float], everywhere: Sequence[float], allowed: tuple[float, float]
) -> Change | None:
    """Where most of the best lie on one edge, and not because most of all do."""
    for side, end, part in (("lower", 0.0, "lowest"), ("upper", 1.0, "highest")):
        count = sum(abs(spot - end) <= EDGE + 1e-9 for spot in best)
        of_all = sum(abs(spot - end) <= EDGE + 1e-9 for spot in everywhere)
        if count < 0.6 * len(best) or _by_chance(count, len(best), of_all, len(everywhere)) >= CHANCE:
            continue
        far = min(1.0, max(abs(spot - end) for spot in best) + MARGIN)
        low, high = (-WIDENED, far) if side == "lower" else (1 - far, 1 + WIDENED)
        after = between(parameter, low, high, allowed)
        past = after.min < parameter.min or after.max > parameter.max
        reason = (
            f"the best lie on the {side} edge: {all_or_some(count, len(best))} within the {part} tenth of "
            f"{_shown(parameter)}; {'widened past it' if past else 'it is not widened there'}."
        )
        return Change(parameter.name, parameter, after, reason)
    return None


def _choice(parameter: Choice, evidence: Evidence, has_children: bool) -> Change | None:
    tried = Counter(
        record.trial.values[parameter.name]
        for record in _using(parameter, [*evidence.finals, *evidence.failed])
    )
    among_best = Counter(record.trial.values[parameter.name] for record in _using(parameter, evidence.best))
    drawn, total = sum(among_best.values()), sum(tried.values())
    if not drawn:
        return None
    lost = [
        value
        for value in parameter.values
        if not among_best[value] and _by_chance(drawn, drawn, total - tried[value], total) < CHANCE
    ]
    reasons = [_loss(parameter, value, tried[value], evidence) for value in lost]
    values = tuple(value for value in parameter.values if value not in lost)
    further = None if has_children else _further(parameter, evidence.space)
    if further is not None:
        number, edge = further
        if among_best[edge] >= 0.8 * drawn and (
            _by_chance(among_best[edge], drawn, tried[edge], total) < CHANCE
        ):
            reasons.append(f"{all_or_some(among_best[edge], drawn)} have {_text(edge)}, the end of the list; "
                           f"{_text(number)} added")  # fmt: skip
            values = (number, *values) if number < edge else (*values, number)
    if not reasons:
        return None
    after = replace(parameter, values=values) if len(values) > 1 else _fixed(parameter, values[0])
    return Change(parameter.name, parameter, after, f"{'; '.join(reasons)}.")


def _further(parameter: Choice, space: Space) -> tuple[int, int] | None:
    """The whole number that would follow the list's last, by its last ratio, and that last."""
    numbers = [value for value in parameter.values if type(value) is int and value > 0]
    if len(numbers) < len(parameter.values) or numbers != sorted(numbers):
        return None
    last, before = numbers[-1], numbers[-2]
    most = limits(space.model, Range(parameter.name, numbers[0], last))[1]
    number = last * last // before
    return (number, last) if last < number <= min(most, FURTHEST * last) else None


def _without_effect(parameter: Parameter, evidence: Evidence) -> Change | None:
    effect = evidence.found.effect(parameter.name)
    using = _using(parameter, evidence.finals)
    if effect is None or evidence.found.explained < PREDICTED or evidence.found.trials < 2 * FEWEST:
        return None
    pairs = [pair for pair in evidence.found.pairs if parameter.name in (pair.first, pair.second)]
    matters = effect.mean + effect.std >= NO_DIFFERENCE or any(pair.mean >= NO_DIFFERENCE for pair in pairs)
    if matters or len(using) < 2 / 3 * len(evidence.finals):
        return None
    value = evidence.winner.get(parameter.name, using[0].trial.values[parameter.name])
    reason = (
        f"makes no difference (importance {effect.mean:.2f} ± {effect.std:.2f}); fixed at the winner's value."
    )
    return Change(parameter.name, parameter, _fixed(parameter, value), reason)


def _kept(parameter: Parameter, evidence: Evidence) -> str:
    values = [record.trial.values[parameter.name] for record in _using(parameter, evidence.best)]
    if len(values) < 3:
        return f"kept: only {len(values)} of the {len(evidence.best)} best to go by."
    if isinstance(parameter, Range):
        low, high = min(map(float, values)), max(map(float, values))
        return f"kept: the {len(values)} best lie between {low:.3g} and {high:.3g}, as they might by chance."
    shares = ", ".join(f"{count} × {_text(value)}" for value, count in Counter(values).most_common())
    return f"kept: the {len(values)} best are {shares}, as they might be by chance."


def _loss(parameter: Choice, value: Scalar, count: int, evidence: Evidence) -> str:
    scores = [
        score_of(record)
        for record in _using(parameter, evidence.finals)
        if record.trial.values[parameter.name] == value
    ]
    if not scores:
        return f"{_text(value)} failed in all {count} trials; dropped"
    up = evidence.space.objective.direction == "max"
    reached = f"{max(scores) if up else min(scores):.4g}"
    return f"{_text(value)} never came {'above' if up else 'below'} {reached} in {count} trials; dropped"


def _by_chance(hits: int, drawn: int, marked: int, total: int) -> float:
    """That so many or more of those drawn are marked, if drawing did not look at the mark."""
    ways = sum(
        math.comb(marked, hit) * math.comb(total - marked, drawn - hit)
        for hit in range(hits, min(drawn, marked) + 1)
    )
    return ways / math.comb(total, drawn)


def _using(parameter: Parameter, records: Sequence[TrialRecord]) -> list[TrialRecord]:
    return [record for record in records if parameter.name in record.trial.values]


def _places(parameter: Range, records: Sequence[TrialRecord]) -> list[float]:
    return [place(parameter, record.trial.values[parameter.name]) for record in _using(parameter, records)]


def _fixed(parameter: Parameter, value: Scalar) -> Fixed:
    return Fixed(parameter.name, value, parameter.when)


def _shown(parameter: Range) -> str:
    return f"{parameter.min:g}..{parameter.max:g}"


def _text(value: Scalar) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def score_of(record: TrialRecord) -> float:
    return math.nan if record.score is None else record.score


def all_or_some(count: int, total: int) -> str:
    return f"all {total} best" if count == total else f"{count} of the {total} best"
