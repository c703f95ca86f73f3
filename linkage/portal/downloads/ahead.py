"""Copies made ahead: whoever fetched a file of the release before finds the same file of the new one ready.

A copy bears its holder's mark in an order of their own, so nothing of it can be made until it is known whose it is; a department's table in its columns, by
which every copy begins, is written with the release. Who took a file last night is who comes for it tonight, mostly a program with a token.
"""

import logging
import threading
from collections.abc import Iterator

from linkage.kernel.errors import LinkageError
from linkage.portal.desk import Desk
from linkage.portal.downloads.copies import Order
from linkage.portal.downloads.marks import MARK_COLUMN
from linkage.portal.downloads.offers import offers
from linkage.portal.downloads.releases import published
from linkage.portal.sessions import viewer_of
from linkage.portal.settings import Settings
from linkage.portal.tokens import list_tokens
from linkage.portal.viewer import Viewer

log = logging.getLogger(__name__)
LOOK_SECONDS = 60.0


def orders_ahead(settings: Settings) -> list[Order]:
    """The copies of the current release to make: for each viewer what they fetched of the one before, as they may have it now."""
    releases = published(settings.state)[:2]
    if len(releases) < 2:
        return []
    now, before = releases
    found: dict[tuple[str, str, str], Order] = {}
    for folder in sorted((settings.copies.folder / before.name).glob("*")):
        fetched = settings.copies.fetched(before.name, folder.name)
        for viewer in _viewers(settings, folder.name) if fetched else ():
            for path, offer in offers(Desk(settings, viewer, "zh"), now.path).items():
                if offer.order is not None and (path, (*offer.order.columns, MARK_COLUMN)) in fetched:
                    found[folder.name, offer.order.shape, path] = offer.order
    return list(found.values())


def _viewers(settings: Settings, user_id: str) -> Iterator[Viewer]:
    """The account at its pages, and with each of its tokens that work."""
    if viewer := viewer_of(settings.state, settings.access, user_id):
        yield viewer
    for token in list_tokens(settings.state, user_id):
        if token["state"] in ("good", "rotated"):
            scope = {"token_id": token["token_id"], "token_scope": token["scope"]}
            if viewer := viewer_of(settings.state, settings.access, user_id, **scope):
                yield viewer


def make_ahead(settings: Settings) -> int:
    """Make them, one after the other, so that whoever asks meanwhile waits for one of them at most; returns how many could be made."""
    made = 0
    for order in orders_ahead(settings):
        try:
            settings.copies.make(order)
            made += 1
        except LinkageError as error:
            log.warning("not made ahead: %s", error)
    return made


def keep_making_ahead(settings: Settings, stop: threading.Event) -> None:
    """Open the current release now, so that its first user does not wait for it; then look for a new one every LOOK_SECONDS until ``stop``.
    What goes wrong is told by its kind; the next release is tried again."""
    _open_current(settings)
    done = ""
    while not stop.wait(LOOK_SECONDS):
        current = settings.state.current_release()
        if current is None or current.name == done:
            continue
        done = current.name
        _open_current(settings)
        try:
            make_ahead(settings)
        except Exception as error:
            log.error("copies were not made ahead: %s", type(error).__name__)


def _open_current(settings: Settings) -> None:
    """The review cases of the release are at hand before the first steward comes (linkage/portal/at_hand.py)."""
    if settings.state.current_release() is None:
        return
    try:
        settings.registers.current()
    except Exception as error:
        log.error("the current release was not opened ahead: %s", type(error).__name__)
