"""What a search says about its space: which ranges to cut or widen, what to drop, fix or train for longer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from tunekit.report.changes import NO_DIFFERENCE, Change, Evidence, all_or_some, change_of, score_of
from tunekit.report.failures import counts_by_cause
from tunekit.report.importance import FEWEST, Importance, longest
from tunekit.report.wording import counted
from tunekit.results import TrialRecord, Values
from tunekit.space.parameters import Fixed
from tunekit.space.space import Space

BEST = 5
"""Configurations that count as the best: a fifth of all where that is more, a third where that is less."""


@dataclass(frozen=True)
class Advice:
    """Sentences for people, and what they come to."""

    sentences: tuple[str, ...]
    changes: tuple[Change, ...]
    """One for each parameter that varied, in the space's order; one that is kept is unchanged."""
    max_epochs: int
    epochs_reason: str = ""


def advise(
    space: Space, records: Sequence[TrialRecord], found: Importance, winner: Values | None = None
) -> Advice:
    """`winner`: the values that parameters without any effect are fixed at; the best score's where None.

    The best are those of the best score, whatever their number of epochs: more epochs could only raise it.
    """
    sign = -1 if space.objective.direction == "max" else 1
    finals = sorted(longest(records), key=lambda record: (sign * score_of(record), record.trial.id))
    failed = [record for record in records if record.kind == "trial" and record.status == "FAILED"]
    best = finals[: max(1, min(len(finals) // 3, max(BEST, round(len(finals) / 5))))]
    values = winner or (best[0].trial.values if best else {})
    evidence = Evidence(
        space, finals, best, [record for record in failed if not record.trial.parent], found, values
    )
    varying = [parameter for parameter in space.parameters if not isinstance(parameter, Fixed)]
    changes = [change_of(parameter, evidence) for parameter in varying]
    changes = _keep_one(changes, found)
    epochs, reason = _epochs(evidence)
    sentences = [_summary(evidence), *_importances(found)]
    sentences += [f"{change.name}: {change.reason}" for change in changes if change.after != change.before]
    kept = [change.name for change in changes if change.after == change.before]
    if kept and len(finals) >= FEWEST:
        sentences.append(f"Kept, for want of evidence: {', '.join(kept)}.")
    sentences += [text for text in (reason, _failures(failed)) if text]
    return Advice(tuple(sentences), tuple(changes), epochs, reason)


def _keep_one(changes: list[Change], found: Importance) -> list[Change]:
    """A next search needs something to search: where all would be fixed, the most important stays."""
    if not changes or any(not isinstance(change.after, Fixed) for change in changes):
        return changes
    ranks = [effect.name for effect in found.effects]
    kept = min(changes, key=lambda change: ranks.index(change.name) if change.name in ranks else len(ranks))
    reason = "kept, as all else is fixed."
    return [
        replace(change, after=change.before, reason=reason) if change is kept else change
        for change in changes
    ]


def _epochs(evidence: Evidence) -> tuple[int, str]:
    most = evidence.space.search.max_epochs
    full = [record for record in evidence.finals if record.trial.epochs == most][:BEST]
    rising = sum(record.outcome is not None and record.outcome.best_epoch == most for record in full)
    if len(full) < 3 or rising < max(3, 0.8 * len(full)):
        return most, ""
    longer = min(2 * most, 1_000_000)
    reason = (
        f"max_epochs: {all_or_some(rising, len(full))} full-length trials were still improving at their last "
        f"epoch; {longer} instead of {most}."
    )
    return longer, reason


def _summary(evidence: Evidence) -> str:
    count, name = len(evidence.finals), evidence.space.objective.name
    if not count:
        return "No trial has completed: there is nothing to go by yet."
    scores = [score_of(record) for record in evidence.best]
    text = f"{counted(count, 'configuration')} completed; best {name} {scores[0]:.4f}"
    if count < FEWEST:
        return f"{text}. That is too few to change the space: {FEWEST} are needed."
    return f"{text}, the {len(scores)} best from {scores[-1]:.4f} on."


def _importances(found: Importance) -> list[str]:
    sentences = []
    leading = [effect for effect in found.effects if effect.mean >= max(NO_DIFFERENCE, effect.std)][:3]
    if leading:
        shares = ", ".join(f"{effect.name} {effect.mean:.2f} ± {effect.std:.2f}" for effect in leading)
        sentences.append(f"What mattered, as a share of the score's variance: {shares}.")
    for pair in found.pairs[:2]:
        if pair.mean >= max(NO_DIFFERENCE, pair.std):
            sentences.append(
                f"{pair.first} and {pair.second} matter together: {pair.mean:.2f} ± {pair.std:.2f} "
                "beyond what each does alone."
            )
    if found.effects and not sentences:
        sentences.append("No parameter's importance stands out from its uncertainty.")
    return sentences


def _failures(failed: Sequence[TrialRecord]) -> str:
    if not failed:
        return ""
    return f"{len(failed)} of the trials failed ({counts_by_cause(failed)})."
