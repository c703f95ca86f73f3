"""The routes, a module for each part of the portal. Each route declares its guard."""

from linkage.portal.routes import (
    account,
    accounts,
    audit,
    corrections,
    downloads,
    home,
    match,
    operations,
    people,
    people_api,
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
        people_api,
        verify,
        match,
        corrections,
        downloads,
        tokens,
        report,
        operations,
        accounts,
        audit,
    )
)
