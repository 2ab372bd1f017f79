"""Which programs may send and ask as they do with ChartMogul: the section [chartmogul]."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from staycurve.i18n import N_
from staycurve.secret import Secret
from staycurve.sections import CLOSED, Section, Takes


@dataclass(frozen=True)
class ChartmogulKeys:
    """[chartmogul]: the key that programs use in the place of their ChartMogul key."""

    __pydantic_config__ = CLOSED

    api_key: Annotated[
        Secret | None,
        Takes(N_("the variable that holds the key"), 'api_key = { env = "STAYCURVE_API_KEY" }'),
    ] = None


CHARTMOGUL = Section(
    "chartmogul",
    ChartmogulKeys,
    ChartmogulKeys(),
    N_("The key of programs that send to, or ask, the server as they do ChartMogul."),
    '[chartmogul]\napi_key = { env = "STAYCURVE_API_KEY" }',
)
