"""Whole releases, every resident without masks: given under a granted request alone, as masked columns of a slice are.

The request names ``REGISTER`` as its table and no columns. It holds for each release, the one of tonight included, as long as a granted request does
(``unmasked_hours``), for its requester: at the pages and with their tokens.
"""

from pathlib import PurePosixPath

from linkage.portal import clock
from linkage.portal.desk import Desk
from linkage.portal.downloads.unmasked import REGISTER, Request, read_requests
from linkage.portal.viewer import Viewer
from linkage.release.manifest import UNLISTED

NO_RESIDENTS = UNLISTED | {"datapackage.json", "README.txt"}
"""Names of files that hold no residents' data: by them what was taken before is verified and read. Whatever else a release has needs a request."""


def holds_residents(path: str) -> bool:
    """Whether the file ``path`` of a release needs a request."""
    return PurePosixPath(path).name not in NO_RESIDENTS


def may_take_register(viewer: Viewer) -> bool:
    """Whether whole releases are the viewer's to ask for: a role for them, and no area that bounds the account."""
    return "download_register" in viewer.permissions and viewer.area is None


def granted_register(desk: Desk) -> Request | None:
    """The viewer's own request for the register that is granted and not over; of several the one that holds longest. It was
    asked for in the department in which the viewer still is."""
    portal, moment = desk.settings.portal, clock.now()
    mine = read_requests(desk.settings.state, requested_by=desk.who.user_id, table_name=REGISTER)
    needed, hours = portal.unmasked_votes, portal.unmasked_hours
    in_force = [
        asked
        for asked in mine
        if asked.department == desk.who.department and asked.status(needed, hours, moment) == "granted"
    ]
    return max(in_force, key=lambda asked: asked.granted_at(needed) or asked.requested_at, default=None)
