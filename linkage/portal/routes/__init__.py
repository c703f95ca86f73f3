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
    openid,
    operations,
    people,
    report,
    review,
    tokens,
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
        downloads,
        tokens,
        report,
        operations,
        accounts,
        audit,
    )
)
