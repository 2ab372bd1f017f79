"""Tables on an object store: S3, Google Cloud Storage, Azure Data Lake Storage.

Files are uploaded, read and removed with obstore, log entries with deltalake. Both are made of the
same Rust library and take the same options, so one table of staycurve.toml serves both.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import io
import os
import re
import uuid
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path
from typing import Any

import obstore
from fsspec import AbstractFileSystem
from obstore.exceptions import BaseError, UnknownConfigurationKeyError
from obstore.store import from_url

from staycurve.config import FILE_NAME, FromEnvironment, LakePlace
from staycurve.errors import ConfigError, LakeError, ProjectError, StaycurveError
from staycurve.tables.engine import Written
from staycurve.tables.store import ASIDE, LOG, NOTES, Store

UPLOADS = 8
"""Files that are on their way at the same time."""

PATIENCE = {"max_retries": "3", "retry_timeout": "20s", "connect_timeout": "5s", "timeout": "60s"}
"""A store that is away is reported within half a minute; [lake_options] may say otherwise."""

OWNER = "_staycurve"
"""The object that says which project writes below a URL: two would undo each other's work."""

_CLIENT_OPTIONS = {
    "allow_http", "allow_invalid_certificates", "connect_timeout", "timeout", "user_agent",
    "http1_only", "http2_only", "pool_idle_timeout", "pool_max_idle_per_host", "proxy_url",
    "proxy_ca_certificate", "proxy_excludes",
}
_DELTA_OPTIONS = {
    "aws_s3_allow_unsafe_rename", "aws_s3_locking_provider", "delta_dynamo_table_name",
    "aws_endpoint_url_dynamodb", "aws_region_dynamodb", "aws_access_key_id_dynamodb",
    "aws_secret_access_key_dynamodb", "object_store_concurrency_limit",
    "backoff_config.init_backoff", "backoff_config.max_backoff", "backoff_config.base",
}
"""How log entries are written and how often is asked: reading and uploading need not know."""
_UNIT_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600}


class ObjectStore(Store):
    """The files below one URL.

    Parameters
    ----------
    folder : Path
        The project's directory, which keeps the lock.
    """

    is_far = True

    def __init__(self, folder: Path, place: LakePlace) -> None:
        self.folder = folder
        self.url = place.where
        self.scheme = place.where.partition("://")[0]
        self.lock = folder / ".lock"
        self._given = place.options
        self._sizes: dict[str, int] = {}

    @property
    def options(self) -> dict[str, str]:
        # What obstore does not take is said first: deltalake passes over what it does not know.
        _ = self._files
        return self._resolved()

    def _resolved(self) -> dict[str, str]:
        found = dict(PATIENCE)
        for key, value in self._given.items():
            if isinstance(value, FromEnvironment):
                if value.variable not in os.environ:
                    raise ConfigError(
                        f"{FILE_NAME}: [lake_options] {key} is to be taken from the environment "
                        f"variable {value.variable}, which is not set.",
                        hint=f"export {value.variable}=…",
                        key=key,
                    )
                value = os.environ[value.variable]
            found[key] = value
        return found

    @cached_property
    def _files(self) -> Any:
        return _connected(self.url, self._resolved())

    def table(self, table: str) -> str:
        return f"{self.url}/{table}"

    def create(self) -> None:
        """Nothing: a bucket is its owner's to make."""

    def check(self) -> None:
        """Nothing: the first request tells."""

    def claim(self) -> None:
        kept = self.folder / ".lake-id"
        if not kept.exists():
            with kept.open("w", encoding="ascii") as file:
                file.write(uuid.uuid4().hex)
                file.flush()
                os.fsync(file.fileno())
        own = kept.read_bytes().strip()
        try:
            found = bytes(obstore.get(self._files, OWNER).bytes()).strip()
        except FileNotFoundError as error:
            if re.search(_NO_BUCKET, str(error)):
                raise self._said(error) from error
            with self._asked():
                obstore.put(self._files, OWNER, own)
            return
        except (BaseError, OSError) as error:
            raise self._said(error) from error
        if found != own:
            raise ProjectError(
                f"{self.url} holds the tables of another project.",
                hint="Choose another prefix, or, if that project is gone, remove "
                f"{self.url}/{OWNER}.",
            )

    def target(self, table: str, spill: Path) -> Path:
        return spill / "uploads" / table

    def take(self, table: str, files: Sequence[Written]) -> list[str]:
        def upload(file: Written) -> str:
            obstore.put(self._files, f"{table}/{file.path.name}", file.path)
            file.path.unlink()
            return self.file(table, file.path.name)

        with self._asked(), ThreadPoolExecutor(UPLOADS) as pool:
            found = list(pool.map(upload, files))
        self._sizes |= {address: file.size for address, file in zip(found, files, strict=True)}
        return found

    def remove(self, addresses: Iterable[str]) -> None:
        # What stays when the store is away is named by no snapshot.
        with contextlib.suppress(BaseError, OSError):
            obstore.delete(self._files, [self._below(address) for address in addresses])

    def forget(self, table: str) -> None:
        with self._asked():
            for page in obstore.list(self._files, f"{table}/_delta_log/"):
                obstore.delete(self._files, [entry["path"] for entry in page])

    def put_aside(self, table: str, stamp: str) -> str:
        # Its files stay where they are, named by the log alone.
        self._move(f"{table}/{LOG}/", f"{ASIDE}/{table}-{stamp}/{LOG}/")
        return f"{self.url}/{ASIDE}/{table}-{stamp}"

    def renumber(self, table: str, version: int) -> None:
        log = f"{table}/{LOG}"
        with self._asked():
            for kind in ("checkpoint.parquet", "json"):
                obstore.rename(
                    self._files, f"{log}/{0:020}.{kind}", f"{log}/{version:020}.{kind}"
                )
            obstore.delete(self._files, [f"{log}/_last_checkpoint"])

    def cut(self, table: str, version: int) -> None:
        log = f"{table}/{LOG}/"
        with self._asked():
            for path in self._listed(log):
                stem, _, kind = path.removeprefix(log).partition(".")
                if kind == "json" and stem.isdigit() and int(stem) > version:
                    obstore.rename(self._files, path, f"{log}{stem}.cut")

    def tables(self) -> list[str]:
        with self._asked():
            found = obstore.list_with_delimiter(self._files)["common_prefixes"]
            return sorted(
                path.strip("/") for path in found if self._listed(f"{path.strip('/')}/{LOG}/")
            )

    def keep_note(self, number: int, text: str) -> None:
        path = f"{NOTES}/{number:020}.json"
        with self._asked():
            later = [other for other in self._listed(f"{NOTES}/", after=path) if other > path]
            if later:
                obstore.delete(self._files, later)
            obstore.put(self._files, path, text.encode())

    def notes(self) -> dict[int, str]:
        found = {}
        with self._asked():
            for path in self._listed(f"{NOTES}/"):
                stem = path.rpartition("/")[2].partition(".")[0]
                if stem.isdigit():
                    text = bytes(obstore.get(self._files, path).bytes())
                    found[int(stem)] = text.decode("utf-8", errors="replace")
        return found

    def every(self, below: str = "") -> list[str]:
        with self._asked():
            found = self._listed(f"{below}/" if below else "")
        return [f"{self.url}/{path}" for path in found]

    def read_bytes(self, address: str) -> bytes:
        with self._asked():
            return bytes(obstore.get(self._files, self._below(address)).bytes())

    def measured(self, address: str) -> int:
        self._sizes.pop(address, None)
        return self.size(address)

    def put(self, address: str, made: Path) -> None:
        size = made.stat().st_size
        with self._asked():
            obstore.put(self._files, self._below(address), made)
        made.unlink()
        self._sizes[address] = size

    def _move(self, before: str, after: str) -> None:
        with self._asked():
            for path in self._listed(before):
                obstore.rename(self._files, path, after + path.removeprefix(before))

    def _listed(self, prefix: str, *, after: str | None = None) -> list[str]:
        pages = obstore.list(self._files, prefix, offset=after)
        return sorted(entry["path"] for page in pages for entry in page)

    def make_durable(self, addresses: Sequence[str], tables: Collection[str]) -> None:
        """Nothing: what a store has answered for is durable."""

    def explained(self, error: Exception) -> StaycurveError | None:
        if isinstance(error, StaycurveError):
            return error
        # deltalake gives what it has of the store as an OSError, which this machine gives too.
        is_own = not isinstance(error, OSError) or re.search(_OWN_ERROR, str(error))
        return self._said(error) if is_own else None

    def learn(self, sizes: Mapping[str, int]) -> None:
        self._sizes |= sizes

    def size(self, address: str) -> int:
        """Bytes of a file."""
        if address not in self._sizes:
            with self._asked():
                self._sizes[address] = int(obstore.head(self._files, self._below(address))["size"])
        return self._sizes[address]

    def read(self, address: str, start: int, length: int) -> bytes:
        """Bytes of a file from `start` on."""
        path = self._below(address)
        with self._asked():
            return bytes(obstore.get_range(self._files, path, start=start, length=length))

    def _below(self, address: str) -> str:
        return address.removeprefix(f"{self.url}/")

    @contextlib.contextmanager
    def _asked(self) -> Iterator[None]:
        try:
            yield
        except (BaseError, OSError) as error:
            raise self._said(error) from error

    def _said(self, error: Exception) -> StaycurveError:
        text = _plain(str(error))
        for pattern, message, hint in _REASONS:
            if re.search(pattern, text, re.IGNORECASE):
                return LakeError(message.format(self.url), hint=hint, reason=text)
        return LakeError(
            f"The object store of {self.url} could not do its work: {text[:300]}",
            hint="Nothing was changed. Run it again; if it stays, see [lake_options] in "
            f"{FILE_NAME}.",
        )


class FileSystem(AbstractFileSystem):  # type: ignore[misc,unused-ignore]
    """The stores of one scheme, as an engine reads them that computes in this process.

    Attributes
    ----------
    failed : StaycurveError, optional
        What stopped the last read that was stopped: an engine passes on its text alone.
    """

    cachable = False

    def __init__(self, scheme: str) -> None:
        super().__init__()
        self.protocol = scheme
        self.stores: dict[str, ObjectStore] = {}
        self.failed: StaycurveError | None = None

    def open(self, path: str, mode: str = "rb", **_: object) -> _File:
        """A file for reading; nothing is asked of the store before it is read."""
        return _File(self, path)

    def glob(self, path: str, **_: object) -> list[str]:
        """The path itself: a snapshot names its files."""
        return [path]

    def exists(self, path: str, **_: object) -> bool:
        """True: what a snapshot names is there, and reading tells otherwise."""
        return True

    def modified(self, path: str) -> dt.datetime:
        """One instant: files never change, so what is known of one stays true."""
        return dt.datetime.fromtimestamp(0, dt.UTC)

    def size(self, path: str) -> int:
        """Bytes of a file."""
        with self._noted():
            return self._store(path).size(path)

    def read(self, path: str, start: int, length: int) -> bytes:
        """Bytes of a file from `start` on, fewer at its end."""
        with self._noted():
            store = self._store(path)
            wanted = min(length, store.size(path) - start)
            return store.read(path, start, wanted) if wanted > 0 else b""

    def _store(self, path: str) -> ObjectStore:
        return self.stores[max((url for url in self.stores if path.startswith(f"{url}/")), key=len)]

    @contextlib.contextmanager
    def _noted(self) -> Iterator[None]:
        try:
            yield
        except StaycurveError as error:
            self.failed = error
            raise


class _File(io.RawIOBase):
    """A file of a store, open for reading."""

    def __init__(self, files: FileSystem, path: str) -> None:
        self._files = files
        self._path = path
        self._place = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._place

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._place}.get(whence)
        self._place = offset + (self._files.size(self._path) if start is None else start)
        return self._place

    def read(self, size: int | None = -1) -> bytes:
        if size is None or size < 0:
            size = self._files.size(self._path) - self._place
        found = self._files.read(self._path, self._place, size)
        self._place += len(found)
        return found


_OWN_ERROR = r"Generic \w+ error|Kernel error|Object at location"
_NO_BUCKET = r"NoSuchBucket|ContainerNotFound|bucket does not exist"
_REASONS = (
    # The first that fits: a machine without a key asks the address at which clouds hand out one.
    (
        r"169\.254\.169\.254|metadata\.google\.internal|NoCredentials|missing credential",
        "There is no key for {}.",
        f"Put one in [lake_options] of {FILE_NAME}, such as AWS_ACCESS_KEY_ID = "
        '{ env = "AWS_ACCESS_KEY_ID" }.',
    ),
    (
        _NO_BUCKET,
        "There is no bucket for {}.",
        f"Make it, or fix lake in {FILE_NAME}.",
    ),
    (
        r"40[13] (Forbidden|Unauthorized)|AccessDenied|InvalidAccessKeyId|SignatureDoesNotMatch",
        "The object store refuses the key for {}.",
        f"Fix [lake_options] of {FILE_NAME}: the key must be allowed to list, read, write and "
        "delete there.",
    ),
    (
        r"object at location .* not found|No files in log segment",
        "A file of the lake is not there any more, below {}.",
        f"Was lake changed in {FILE_NAME}, or something removed by hand? Restore it from a backup.",
    ),
    (
        r"error sending request|client error|timed out|dns error"
        r"|50\d (Internal|Bad|Service|Gateway)",
        "The object store of {} does not answer.",
        f"Is the network there, and the address in [lake_options] of {FILE_NAME} right? "
        "Nothing was changed.",
    ),
)


def _plain(text: str) -> str:
    """What an error of the Rust library says, without its colours and its debug part."""
    shown = re.sub(r"\x1b\[\d+m", "", text.partition("Debug source")[0])
    return " ".join(shown.split())


def _connected(url: str, options: Mapping[str, str]) -> Any:
    """obstore's store under the options that deltalake takes."""
    config: dict[str, str] = {}
    client: dict[str, Any] = {}
    retry: dict[str, Any] = {}
    for key, value in options.items():
        plain = re.sub(r"^(aws|google|azure)_", "", key.lower())
        if plain in _CLIENT_OPTIONS:
            client[plain] = value
        elif plain == "max_retries":
            retry[plain] = _count(key, value)
        elif plain == "retry_timeout":
            retry[plain] = _duration(key, value)
        elif key.lower() not in _DELTA_OPTIONS:
            config[key] = value
    connect: Any = from_url
    try:
        return connect(url, config=config, client_options=client, retry_config=retry)
    except UnknownConfigurationKeyError as error:
        told = re.search(r"key: '([^']*)'", str(error))
        named = next((k for k in config if told and k.lower() == told[1]), "")
        raise ConfigError(
            f"{FILE_NAME}: [lake_options] has an option that is not known for {url}: "
            f"{named or _plain(str(error))}.",
            hint="docs/how-to/object-store.md lists those that are used most.",
            key=named,
        ) from None
    except (BaseError, ValueError) as error:
        raise ConfigError(
            f"{FILE_NAME}: [lake_options] cannot be used: {_plain(str(error))[:300]}",
            hint="docs/how-to/object-store.md lists those that are used most.",
        ) from error


def _count(key: str, text: str) -> int:
    if not text.isdigit():
        raise ConfigError(
            f"{FILE_NAME}: [lake_options] {key} = '{text}' is not a whole number.",
            hint=f"Write: {key} = 3",
            key=key,
        )
    return int(text)


def _duration(key: str, text: str) -> dt.timedelta:
    found = re.fullmatch(r"(\d+)\s*(ms|s|m|h)", text.strip())
    if found is None:
        raise ConfigError(
            f"{FILE_NAME}: [lake_options] {key} = '{text}' is not a span of time.",
            hint=f'Write: {key} = "20s"',
            key=key,
        )
    return dt.timedelta(seconds=int(found[1]) * _UNIT_SECONDS[found[2]])
