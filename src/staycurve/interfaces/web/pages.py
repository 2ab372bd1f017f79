"""The pages that staycurve knows; other packages add theirs by the entry point staycurve.pages."""

from __future__ import annotations

import pkgutil

from staycurve.interfaces.web.page import Page
from staycurve.registry import Registry


def _modules() -> tuple[str, ...]:
    import staycurve.interfaces.web as own

    # Those that import this registry define no page.
    return tuple(
        f"{own.__name__}.{found.name}"
        for found in pkgutil.iter_modules(own.__path__)
        if found.name not in ("pages", "site", "server")
    )


PAGES: Registry[Page] = Registry("page", Page, _modules, group="staycurve.pages")


def every_page() -> list[Page]:
    """Every page, those with a place in the navigation in its order, and plain ones of insights."""
    from staycurve.interfaces.web.asking import plain_pages

    own = sorted((page for _name, page in PAGES.items()), key=lambda page: page.place)
    return [*own, *plain_pages({page.address: page for page in own})]
