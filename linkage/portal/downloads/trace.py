"""Whose copy is it? From a file that turned up somewhere to the user, the release and the downloads on record.

Two marks are looked for, each for itself, so that one can speak where the other was taken out (docs/decisions/0009-watermark.md):
- the **mark** in the cells or properties: found even in one row, whatever was sorted, cut, converted or pasted elsewhere;
- the **order** of the rows: found without the mark's column, in any part of the file, as long as rows were not sorted or shuffled.
No record of copies is needed: every mark that was ever possible is made again from the key, the users and the published releases.
"""

import json
import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import sqlalchemy as sa

from linkage.kernel.database import open_database
from linkage.kernel.run import State
from linkage.kernel.state_tables import audit_table, unmask_requests_table, users_table
from linkage.portal.downloads.leak import Leak
from linkage.portal.downloads.marks import Copy, position, split_format, table_of, watermark_key
from linkage.release.chain import published_releases
from linkage.release.manifest import read_manifest

FIRST_LOOK_ROWS, FIRST_LOOK_DEVIATIONS = 32, 3.0
LEAST_ROWS, LEAST_DEVIATIONS = 24, 7.0
"""An order speaks when so many rows stand so many standard deviations more often in ascending order than chance has them (1 in 10^11)."""


@dataclass
class Finding:
    """A copy that the file bears traces of. ``evidence``: what was found, in words; ``downloads``: audit entries about the copy."""

    copy: Copy
    mark: str
    username: str
    department: str
    evidence: list[str] = field(default_factory=list)
    downloads: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True)
class _Holder:
    user_id: str
    username: str
    department: str


def trace_mark(state: State, mark: str) -> Finding | None:
    """The copy with this mark, with the downloads of it."""
    key = watermark_key(state)
    wanted = mark.strip().upper()
    for copy, holder in _copies(state):
        if copy.mark(key) == wanted:
            return _with_downloads(state, Finding(copy, wanted, holder.username, holder.department))
    return None


def trace(state: State, leak: Leak) -> list[Finding]:
    """Every copy that the file bears traces of, the strongest first."""
    key = watermark_key(state)
    found: dict[Copy, Finding] = {}
    weight: Counter[Copy] = Counter()
    seen = Counter(leak.marks)
    for copy, holder in _copies(state):
        mark = copy.mark(key)
        evidence = []
        if seen[mark]:
            evidence.append(f"mark 留痕码 {mark}, {seen[mark]:,} times")
            weight[copy] += 1_000_000 + seen[mark]
        if (keys := leak.keys_for(state, copy)) and (deviations := _order_speaks(copy.order_key(key), keys)):
            evidence.append(f"order of {len(keys):,} rows 行序, {deviations:.1f} standard deviations from chance")
            weight[copy] += int(deviations * 1000)
        if evidence:
            found[copy] = Finding(copy, mark, holder.username, holder.department, evidence)
    ranked = sorted(found.values(), key=lambda finding: -weight[finding.copy])
    return [_with_downloads(state, finding) for finding in ranked]


def _order_speaks(order_key: str, keys: Sequence[tuple[str, ...]]) -> float | None:
    """By how many standard deviations the rows stand in the order that ``order_key`` gives; None when no more than by chance."""
    if len(keys) < LEAST_ROWS or _deviations(order_key, keys[:FIRST_LOOK_ROWS]) < FIRST_LOOK_DEVIATIONS:
        return None
    deviations = _deviations(order_key, keys)
    return deviations if deviations >= LEAST_DEVIATIONS else None


def _deviations(order_key: str, keys: Sequence[tuple[str, ...]]) -> float:
    """Ascents of n rows in random order: mean (n - 1) / 2, variance (n + 1) / 12."""
    places = [position(order_key, values) for values in keys]
    ascents = sum(a < b for a, b in pairwise(places))
    n = len(places)
    return (ascents - (n - 1) / 2) / math.sqrt((n + 1) / 12)


def _copies(state: State) -> Iterator[tuple[Copy, _Holder]]:
    """Every copy that could have been made: each published slice for each user there ever was, and each request for unmasked data."""
    users, requests = users_table.c, unmask_requests_table.c
    with open_database(state).connect() as connection:
        holders = [
            _Holder(*row) for row in connection.execute(sa.select(users.user_id, users.username, users.department))
        ]
        asked = connection.execute(
            sa.select(requests.request_id, requests.release, requests.table_name, requests.requested_by)
        ).all()
    by_id = {holder.user_id: holder for holder in holders}
    for release in published_releases(state):
        stems = {split_format(name)[0] for name in read_manifest(release)["files"] if name.startswith("slices/")}
        for stem in sorted(stem for stem in stems if table_of(stem) != "README.txt"):
            for holder in holders:
                yield Copy(release.name, stem, holder.user_id), holder
    for row in asked:
        yield (
            Copy(row.release, f"unmasked/{row.request_id}/{row.table_name}", row.requested_by),
            by_id[row.requested_by],
        )


def _with_downloads(state: State, finding: Finding) -> Finding:
    """Add when, in which format, from where and with which token the copy was taken."""
    like = f'%"copy": "{finding.mark}"%'
    query = sa.select(audit_table.c.entry).where(audit_table.c.entry.like(like)).order_by(audit_table.c.seq)
    with open_database(state).connect() as connection:
        entries = [json.loads(text) for text in connection.execute(query).scalars()]
    finding.downloads = [entry for entry in entries if entry["outcome"] == "done" and "only" not in entry["details"]]
    return finding
