"""The routes, a module for each part of the portal. Each route declares its guard."""

from linkage.portal.routes import (
    account,
    accounts,
    audit,
    corrections,
    corrections_api,
    downloads,
    home,
    login,
    match,
    openid,
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
        login,
        openid,
        account,
        review,
        people,
        corrections,
        corrections_api,
        people_api,
        verify,
        match,
        downloads,
        tokens,
        report,
        operations,
        accounts,
        audit,
    )
)
