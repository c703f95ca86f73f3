"""What a decision would do, in words: which persons would come out, and which ids stay."""

from collections import defaultdict
from collections.abc import Callable, Mapping

from linkage.portal.review.component import Outcome

Sentence = tuple[str, str]
"""Chinese, English."""


def sentences(outcome: Outcome, label: Callable[[str], str], *, most: int = 12) -> list[Sentence]:
    """``label`` names a record as on the page. Refused verdicts come first; at most ``most`` of each kind are told."""
    told = [_refusal(r.verdict, label(r.left), label(r.right), r.barrier, r.barrier_en) for r in outcome.refused[:most]]
    moves = _moves(outcome)
    for (old, new), records in list(moves.items())[:most]:
        told.append(_move(outcome, old, new, records, label))
    if len(moves) > most:
        told.append((f"另有 {len(moves) - most} 处变化。", f"{len(moves) - most} more changes."))
    kept = sorted(set(outcome.before) & set(outcome.after))
    if not moves:
        ids = "、".join(kept[:most])
        told.append((f"归属与编号都不变：{ids}。", f"Nothing changes; the ids stay: {ids.replace('、', ', ')}."))
    elif kept:
        ids = "、".join(kept[:most])
        told.append((f"保留的编号：{ids}。", f"Ids that stay: {ids.replace('、', ', ')}."))
    return told


def summary(outcome: Outcome) -> Mapping[str, int]:
    """Counts of a change to many persons at once: persons before and after, ids retired, new ids, verdicts not followed."""
    return {
        "before": len(outcome.before),
        "after": len(outcome.after),
        "retired": len(set(outcome.before) - set(outcome.after)),
        "new": len(outcome.new),
        "refused": len(outcome.refused),
    }


def _moves(outcome: Outcome) -> dict[tuple[str, str], list[str]]:
    """Records by the person they leave and the person they come to."""
    was = {key: person for person, records in outcome.before.items() for key in records}
    found: dict[tuple[str, str], list[str]] = defaultdict(list)
    for person, records in outcome.after.items():
        for key in records:
            if was.get(key, person) != person:
                found[was[key], person].append(key)
    return found


def _move(outcome: Outcome, old: str, new: str, records: list[str], label: Callable[[str], str]) -> Sentence:
    named = [label(key) for key in records]
    zh, en = "、".join(named), ", ".join(named)
    if len(records) == len(outcome.before[old]) and old not in outcome.after:
        return (
            f"{old} 并入 {new}（{len(records)} 条记录：{zh}）；编号 {old} 停用，永远指向 {new}。",
            f"{old} merges into {new} ({len(records)} records: {en}); the id {old} is retired and leads to {new} for ever.",
        )
    if new in outcome.new:
        return (
            f"从 {old} 分出 {len(records)} 条记录（{zh}），成为新的一人，得新编号；其余仍为 {old}。",
            f"{len(records)} records leave {old} ({en}) and become a new person with a new id; the rest stays {old}.",
        )
    if new not in outcome.before:
        return (
            f"从 {old} 分出 {len(records)} 条记录（{zh}），取回停用过的编号 {new}。",
            f"{len(records)} records leave {old} ({en}); the retired id {new} comes back with them.",
        )
    return (
        f"{len(records)} 条记录（{zh}）由 {old} 移到 {new}。",
        f"{len(records)} records ({en}) go from {old} to {new}.",
    )


def _refusal(verdict: str, left: str, right: str, barrier: str | None, barrier_en: str | None) -> Sentence:
    if verdict == "same":
        return (
            f"{left} 与 {right} 仍不会合为一人：{barrier or '另有约束不许'}。",
            f"{left} and {right} would still not be one person: {barrier_en or 'another constraint forbids it'}.",
        )
    return (f"{left} 与 {right} 仍在一人之中。", f"{left} and {right} would still be in one person.")
