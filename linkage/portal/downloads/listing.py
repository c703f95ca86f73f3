"""What the page of downloads lists: a group for each table, with its files and what is known of them."""

from dataclasses import dataclass

from linkage.kernel.contracts import contract, contract_names
from linkage.portal.desk import Desk
from linkage.portal.downloads.copies import Prepared
from linkage.portal.downloads.offers import Offer, offers
from linkage.portal.downloads.releases import Published
from linkage.release.deltas import table_contract
from linkage.release.stage import RELEASE_TABLES


@dataclass(frozen=True)
class Line:
    """A file; ``prepared`` when the viewer's copy is ready, whose size and hash then count."""

    offer: Offer
    prepared: Prepared | None

    @property
    def bytes(self) -> int:
        return int(self.prepared.about["bytes"]) if self.prepared else self.offer.bytes

    @property
    def rows(self) -> int | None:
        return int(self.prepared.about["rows"]) if self.prepared else self.offer.rows

    @property
    def sha256(self) -> str | None:
        """None: the copy is made with the first download."""
        if self.offer.order is None:
            return self.offer.sha256
        return str(self.prepared.about["sha256"]) if self.prepared else None


@dataclass(frozen=True)
class Group:
    """Files that belong together: one table's, or those about the release."""

    zh: str
    en: str
    what: str
    lines: tuple[Line, ...]


def listing(desk: Desk, release: Published) -> tuple[Group, ...]:
    """The files of ``release`` for the viewer, table by table; what is about the release itself comes last."""
    found: dict[str, list[Line]] = {}
    for offer in offers(desk, release.path).values():
        line = Line(offer, desk.settings.copies.find(offer.order) if offer.order else None)
        parts = offer.path.split("/")
        # Of one's own slice alone nothing need be said whose it is.
        of = parts[1] if parts[0] == "slices" and "download_register" in desk.who.permissions else ""
        group = f"{of}/{offer.table or ''}" if parts[0] == "slices" or offer.table in contract_names() else ""
        found.setdefault(group, []).append(line)
    groups = [
        _group(name, tuple(sorted(lines, key=lambda line: (line.offer.is_delta, line.offer.path))))
        for name, lines in found.items()
        if name
    ]
    groups.sort(key=lambda group: (group.what, _place(group.lines[0].offer.table)))
    return (*groups, Group("发布说明与签名", "About the release, and its signature", "", tuple(found.get("", ()))))


def _place(table: str | None) -> int:
    """Persons first, then households and so on, as releases list them; what is no table last."""
    names = [table_contract(name).table for name in RELEASE_TABLES]
    return names.index(table) if table in names else len(names)


def _group(name: str, lines: tuple[Line, ...]) -> Group:
    of, _, table = name.partition("/")
    if not table:
        return Group("说明", "Read me", of, lines)
    spec = contract(table)
    return Group(spec.zh, spec.table.replace("_", " "), of, lines)
