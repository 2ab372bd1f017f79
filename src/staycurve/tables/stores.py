"""Which store holds a project's tables: a folder of this machine, or an object store."""

from __future__ import annotations

from pathlib import Path

from staycurve.config import LakePlace
from staycurve.errors import LakeError
from staycurve.tables.engine import mounted
from staycurve.tables.folder_store import Folder, check_root
from staycurve.tables.store import Store


def open_store(folder: Path, place: LakePlace) -> Store:
    """The store that a project's configuration names.

    Parameters
    ----------
    folder : Path
        The project's directory.

    Raises
    ------
    LakeError
        If the packages for an object store are not installed.
    """
    if not place.is_url:
        check_root((folder / place.where).resolve())
        return Folder(folder / place.where, is_elsewhere=place != LakePlace())
    # Its packages take a while to import, so only those who have a lake there pay.
    try:
        from staycurve.tables.object_store import FileSystem, ObjectStore
    except ModuleNotFoundError as error:
        raise _missing_package(place.where, error) from None
    store = ObjectStore(folder, place)
    mounted.setdefault(store.scheme, FileSystem(store.scheme)).stores[store.url] = store
    return store


_EXTRAS = {"s3": "s3", "gs": "gcs", "abfss": "azure"}


def _missing_package(url: str, error: ModuleNotFoundError) -> LakeError:
    extra = _EXTRAS[url.partition(":")[0]]
    return LakeError(
        f"A lake at {url} needs the package {error.name}, which is not installed.",
        hint=f"pip install 'staycurve[{extra}]'",
    )
