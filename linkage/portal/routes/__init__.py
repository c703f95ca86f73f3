"""The routes, a module for each part of the portal. Each route declares its guard."""

from linkage.portal.routes import (
    account,
    accounts,
    audit,
    corrections,
    downloads,
    home,
    operations,
    people,
    report,
    review,
    tokens,
    verify,
)

ROUTERS = tuple(
    module.router
    for module in (
        home,
        account,
        review,
        people,
        verify,
        corrections,
        downloads,
        tokens,
        report,
        operations,
        accounts,
        audit,
    )
)
