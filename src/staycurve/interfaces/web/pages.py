"""The pages that staycurve knows; other packages add theirs by the entry point staycurve.pages."""

from __future__ import annotations

from staycurve.interfaces.web.page import Page
from staycurve.registry import Registry

PAGES: Registry[Page] = Registry(
    "page",
    Page,
    (
        "staycurve.interfaces.web.overview",
        "staycurve.interfaces.web.cohorts_page",
        "staycurve.interfaces.web.acquisition_page",
        "staycurve.interfaces.web.acquisition_quality",
        "staycurve.interfaces.web.trials_page",
        "staycurve.interfaces.web.activation_page",
        "staycurve.interfaces.web.activation_checklist",
        "staycurve.interfaces.web.usage_page",
        "staycurve.interfaces.web.features_page",
        "staycurve.interfaces.web.feature_limits",
        "staycurve.interfaces.web.feature_rows",
        "staycurve.interfaces.web.lifecycle_page",
        "staycurve.interfaces.web.lifecycle_visits",
        "staycurve.interfaces.web.books_page",
        "staycurve.interfaces.web.reconcile_page",
        "staycurve.interfaces.web.catalogue_page",
        "staycurve.interfaces.web.views_page",
        "staycurve.interfaces.web.annotations_page",
        "staycurve.interfaces.web.metric_page",
        "staycurve.interfaces.web.account_list",
    ),
    group="staycurve.pages",
)
