"""Downloads on record whose file held a person (linkage/portal/downloads/holding.py)."""

from collections.abc import Collection
from dataclasses import dataclass

from linkage.kernel.run import State
from linkage.portal.audit_search import Filters, Found, find_entries
from linkage.portal.downloads.holding import Answer, Taken, held, holding_engine
from linkage.portal.settings import Settings

ACTIONS = ("download", "download_unmasked")
MOST_EXAMINED = 20_000
"""So many downloads of each kind are looked into, the newest."""


@dataclass(frozen=True)
class Download:
    """An entry of a download, and whether its file held the person: never "no"."""

    found: Found
    answer: Answer

    @property
    def release(self) -> str:
        return str(self.found.entry["details"]["release"])

    @property
    def file(self) -> str:
        return str(self.found.entry["details"]["file"])


@dataclass(frozen=True)
class Downloads:
    """Downloads about a person, newest first, and what is not known of others."""

    listed: tuple[Download, ...]
    """Those whose file held the person, or may have."""
    unknown: tuple[Download, ...]
    """Those of releases whose tables were removed."""
    is_cut: bool
    """Whether there are more on record than were looked into."""

    @property
    def unknown_by_release(self) -> dict[str, int]:
        """Release -> downloads of it, the newest release first."""
        names = sorted((one.release for one in self.unknown), reverse=True)
        return {name: names.count(name) for name in dict.fromkeys(names)}


def downloads_of_person(settings: Settings, ids: Collection[str]) -> Downloads:
    """The downloads by which somebody got a file with the person who has, or had, ``ids``."""
    entries, is_cut = _entries(settings)
    files = {one.seq: _taken(settings.state, one) for one in entries}
    with holding_engine() as engine:
        answers = {taken: held(engine, taken, ids) for taken in set(files.values())}
    answered = [Download(one, answers[files[one.seq]]) for one in entries]
    return Downloads(
        tuple(one for one in answered if one.answer in ("held", "may")),
        tuple(one for one in answered if one.answer == "unknown"),
        is_cut,
    )


def _entries(settings: Settings) -> tuple[list[Found], bool]:
    found: list[Found] = []
    is_cut = False
    for action in ACTIONS:
        filters = Filters(action=action, outcome="done")
        entries = find_entries(settings.state, filters, settings.zone, limit=MOST_EXAMINED + 1)
        is_cut = is_cut or len(entries) > MOST_EXAMINED
        found += [one for one in entries[:MOST_EXAMINED] if _handed_over(one)]
    return sorted(found, key=lambda one: -one.seq), is_cut


def _handed_over(one: Found) -> bool:
    """Whether bytes of the file itself left: not its checksum or proof, nor a copy that was still being made, nor what the taker had already."""
    details = one.entry["details"]
    return "bytes" in details and "only" not in details


def _taken(state: State, one: Found) -> Taken:
    details = one.entry["details"]
    area = (details.get("area_level", ""), details["area"]) if "area" in details else None
    return Taken(
        state.releases / details["release"], details["file"], one.entry["department"], details.get("rows"), area
    )
