"""Routes of downloads."""

from fastapi import APIRouter

from linkage.portal.guard import GuardedRoute

router = APIRouter(route_class=GuardedRoute)
