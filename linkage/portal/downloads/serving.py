"""Handing over a file: the right copy of it, its checksum or its proof, with what was taken put on record."""

import logging
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from fastapi import Request, Response
from starlette.responses import JSONResponse

from linkage.kernel.contracts import contract, contract_names
from linkage.kernel.errors import VerificationFailed
from linkage.portal.desk import Desk, NotThere, Refused
from linkage.portal.downloads.copies import Prepared
from linkage.portal.downloads.offers import Offer, offers, withheld
from linkage.portal.downloads.proof import ENDING as PROOF
from linkage.portal.downloads.proof import write_proof
from linkage.portal.downloads.response import FileAnswer, bytes_answer
from linkage.portal.guard import API, add_usage
from linkage.portal.pages import page
from linkage.report.page import SOURCES

log = logging.getLogger(__name__)
CHECKSUM = ".sha256"
COME_AGAIN_SECONDS = 3


def deliver_of(request: Request, desk: Desk, release: Path, path: str) -> Response:
    """The file ``path`` of ``release``, as ``deliver`` gives it. Raises Refused (403) for a file of the whole register while no request is granted."""
    try:
        return deliver(request, desk, offers(desk, release), path)
    except NotThere:
        asked_for = {path, *(path.removesuffix(ending) for ending in (CHECKSUM, PROOF))} & withheld(desk, release)
        if not asked_for:
            raise
    desk.details |= {"release": release.name, "file": min(asked_for), "needs": "granted request"}
    raise _ask_first(request, desk)


def _ask_first(request: Request, desk: Desk) -> Refused:
    """What is missing, and how to ask; on a page with the way there."""
    needed, hours = desk.settings.portal.unmasked_votes, desk.settings.portal.unmasked_hours
    refusal = Refused(
        403,
        f"该文件属于总库，含全体居民未脱敏数据，须有已获批准且未过期的申请：请登录后在“下载”→“未脱敏批量数据”页（/downloads/unmasked）说明用途与理由，"
        f"由另外 {needed} 人批准；批准后 {hours} 小时内，本人或本人令牌可下载各次发布。清单与签名无须申请。",
        "This file is part of the whole register, every resident without masks, and needs a request that is granted and not over: log in, state purpose and "
        f"reason under Downloads, Unmasked bulk data (/downloads/unmasked), and let {needed} other people grant it; then you or your token may "
        f"download any release for {hours} hours. Manifest and signatures need no request.",
    )
    return refusal if request.url.path.startswith(API) else refusal.again("downloads_ask_first.html")


def deliver(request: Request, desk: Desk, offered: Mapping[str, Offer], path: str) -> Response:
    """The file ``path`` of what is ``offered``, or beside it ``<path>.sha256`` and, of a marked copy, ``<path>.proof.json``.

    Raises NotThere for every other path, VerificationFailed when a signed file is not as long as it was.
    """
    wanted, beside = path, ""
    for ending in (CHECKSUM, PROOF):
        if path not in offered and path.endswith(ending):
            wanted, beside = path.removesuffix(ending), ending
    offer = offered.get(wanted)
    if offer is None or (beside == PROOF and offer.order is None):
        raise NotThere
    found = _signed(offer) if offer.order is None else desk.settings.copies.get(offer.order)
    _put_on_record(desk, offer, found, beside)
    if found is None:
        return _being_prepared(request, offer)
    headers = dict(request.headers)
    name = _saved_as(request, offer)
    if beside == CHECKSUM:
        line = f"{found.about['sha256']}  {name}\n".encode()
        return bytes_answer(request.method, headers, name + CHECKSUM, line)
    if beside == PROOF:
        proof = write_proof(desk.settings.state, offer.release.name, offer.path, found)
        return bytes_answer(request.method, headers, name + PROOF, proof)
    answer = FileAnswer(found.file, name, found.about["sha256"], request.method, headers)
    taken = answer.decision
    if request.method == "GET" and taken.length:
        desk.details["bytes"] = f"{taken.start}-{taken.end - 1}/{found.about['bytes']}"
        if taken.start == 0:
            # Resuming is no further download.
            desk.details["downloads_today"] = add_usage(desk, "downloads", 1)
    return answer


def _signed(offer: Offer) -> Prepared:
    if not offer.file.is_file() or offer.file.stat().st_size != offer.bytes:
        raise VerificationFailed(
            f"{offer.path} of {offer.release.name} is missing or not as long as when it was signed.",
            remedy="Call the administrator: `linkage verify` tells what is wrong with the release.",
        )
    return Prepared(offer.file, {"bytes": offer.bytes, "sha256": offer.sha256, "rows": offer.rows, "mark": ""})


def _put_on_record(desk: Desk, offer: Offer, found: Prepared | None, beside: str) -> None:
    details: dict[str, Any] = {"release": offer.release.name, "file": offer.path}
    if found is not None:
        details |= {"rows": found.about["rows"], "sha256": found.about["sha256"]}
        if found.about["mark"]:
            details["copy"] = found.about["mark"]
    if found is None or beside:
        details["only"] = beside or "being prepared"
    elif offer.order is not None and offer.table is not None:
        desk.columns |= {f"{offer.table}.{name}" for name in offer.order.columns}
    elif offer.table in contract_names():
        desk.columns |= {f"{offer.table}.{name}" for name in contract(str(offer.table)).column_names}
    if offer.under is not None:
        details["request"] = offer.under.request_id
        desk.purpose, desk.purpose_note = offer.under.purpose, offer.under.purpose_note
    if offer.order is not None and desk.who.area is not None:
        details |= {"area_level": desk.who.area_level, "area": desk.who.area_name}
    desk.details |= details


def _being_prepared(request: Request, offer: Offer) -> Response:
    """Come again: a page that comes again by itself, or 503 with Retry-After, which curl and other clients heed."""
    again = {"retry-after": str(COME_AGAIN_SECONDS)}
    if request.url.path.startswith(API):
        content = {
            "status": 503,
            "title": "This copy is being prepared; ask again.",
            "detail": "正在为您准备此文件，请稍后重试。",
        }
        return JSONResponse(content, 503, headers=again, media_type="application/problem+json")
    return page(request, "downloads_preparing.html", status=202, headers=again, offer=offer, seconds=COME_AGAIN_SECONDS)


def _saved_as(request: Request, offer: Offer) -> str:
    """Name under which the file is saved. Through the API it is the last part of its address, as ``curl -O`` saves it."""
    last = PurePosixPath(offer.path).name
    if request.url.path.startswith(API) or offer.table not in contract_names():
        return last
    return saved_name(offer)


def saved_name(offer: Offer) -> str:
    """Name of a page's download: ``网格_人员_2026-03-03-1a2b3c4d.csv``."""
    parts = Path(offer.path).parts
    whole = "未脱敏" if parts[0] == "unmasked" else "总库"
    source = SOURCES.get(parts[1], (parts[1],))[0] if parts[0] == "slices" else whole
    change = "_变化" if offer.is_delta else ""
    return f"{source}_{contract(str(offer.table)).zh}{change}_{offer.release.name}{offer.format}"
