"""Scheduling: sources are synced and playbooks run by one process of all.

Every server of a project tries to lead; the one that holds the lock does the work, and when it
ends another one takes over.
"""

from __future__ import annotations

import contextlib
import logging
from typing import Any

from staycurve.actions.channels.settings import CHANNELS
from staycurve.actions.settings import PLAYBOOK_SETTINGS
from staycurve.errors import BusyError, StaycurveError
from staycurve.insights.risk.settings import RISK
from staycurve.mail_settings import MAIL
from staycurve.retention_rules import RETENTION
from staycurve.sources.configured import Configured, configured
from staycurve.tables.lake import alone
from staycurve.workspace import Company

LOCK = ".schedule.lock"
LEAD_EVERY, LOOK_EVERY, SEND_EVERY = 15, 3, 30
"""Seconds between two tries to lead, two looks at what webhooks brought, two goes at the outbox."""
MAIL_EVERY, ASK_EVERY = 60, 3600
"""Seconds between two looks at which mails are due ([mail] per_minute counts by them), and at whom
automatic surveys may ask."""
KEEP_EVERY = 3600
"""Seconds between two looks at whether a day is over whose scores are not kept yet."""
EXPIRE_EVERY = 86_400
"""Seconds between two looks at what [retention] no longer allows."""

_log = logging.getLogger("staycurve.schedule")


class Schedule:
    """Syncs the sources of one company that say how often, and those to which events came."""

    def __init__(self, company: Company) -> None:
        self._company = company
        self._jobs: Any = None
        self._held = contextlib.ExitStack()
        self.is_leading = False

    @property
    def sources(self) -> list[Configured]:
        """Those that are synced by themselves."""
        return [
            one for one in configured(self._company.config).values()
            if one.every or one.source.waiting
        ]

    @property
    def has_mail(self) -> bool:
        """Whether surveys can be sent."""
        return bool(self._company.config[MAIL].host)

    @property
    def _expires(self) -> bool:
        return self._company.config[RETENTION] != RETENTION.default

    def start(self) -> None:
        """Begin, in a thread of its own; nothing where nothing asks for it."""
        if not (self.sources or self.has_mail or self._expires or self.has_work):
            return
        from apscheduler.schedulers.background import BackgroundScheduler

        # One thread: the company's tables have one writer.
        self._jobs = BackgroundScheduler(
            timezone="UTC", job_defaults={
                # What waited for a long sync is late, and still to be done.
                "coalesce": True, "max_instances": 1, "misfire_grace_time": None,
            },
            executors={"default": {"type": "threadpool", "max_workers": 1}},
        )
        self._jobs.add_job(self.lead, "interval", seconds=LEAD_EVERY, id="lead")
        self._jobs.start()
        self.lead()

    def stop(self) -> None:
        """End after the sync that runs, and let another process lead."""
        if self._jobs is not None:
            self._jobs.shutdown()
            self._jobs = None
        self._held.close()
        self.is_leading = False

    def lead(self) -> None:
        """Become the one that syncs, if no other process is."""
        if self.is_leading:
            return
        lock = self._company.folder / LOCK
        try:
            self._held.enter_context(alone(lock, "keeping the schedule", wait=0))
        except BusyError:
            return
        self.is_leading = True
        if self._jobs is None:
            return
        for one in self.sources:
            if one.every:
                self._jobs.add_job(
                    self.sync, "interval", [one.name], seconds=one.every, id=f"sync-{one.name}",
                    next_run_time=self._company.clock(),
                )
        if self._expires:
            self._jobs.add_job(
                self.expire, "interval", seconds=EXPIRE_EVERY, id="expire",
                next_run_time=self._company.clock(),
            )
        working = self._company.config[PLAYBOOK_SETTINGS]
        if working.seconds:
            self._jobs.add_job(
                self.work, "interval", seconds=working.seconds, id="playbooks",
                next_run_time=self._company.clock(),
            )
        if self._company.config[CHANNELS]:
            self._jobs.add_job(self.send, "interval", seconds=SEND_EVERY, id="send")
        if self._company.config[RISK].keep_scores:
            self._jobs.add_job(
                self.keep_scores, "interval", seconds=KEEP_EVERY, id="scores",
                next_run_time=self._company.clock(),
            )
        if any(one.source.waiting for one in self.sources):
            self._jobs.add_job(self.look, "interval", seconds=LOOK_EVERY, id="look")
        if self.has_mail:
            self._jobs.add_job(self.mail, "interval", seconds=MAIL_EVERY, id="mail")
            self._jobs.add_job(self.ask, "interval", seconds=ASK_EVERY, id="ask")

    def ask(self) -> None:
        """Invite whom automatic surveys may ask now."""
        try:
            if self._company.state.database.is_there:
                self._company.surveys.asking.ask_due()
        except StaycurveError as error:
            _log.warning("Surveys ask nobody: %s", error.message)
        except Exception:
            _log.exception("Asking failed")

    def mail(self) -> None:
        """Send a minute's worth of the mails that are due."""
        surveys = self._company.surveys
        try:
            sent = surveys.sending.send(most=self._company.config[MAIL].per_minute)
            if sent.fault:
                _log.warning("Mails wait: %s", sent.fault)
            surveys.desk.drain_and_refresh()
        except StaycurveError as error:
            _log.warning("Mails wait: %s", error.message)
        except Exception:
            _log.exception("Sending mails failed")

    @property
    def has_work(self) -> bool:
        """Whether playbooks run or scores are kept by themselves, or there is a channel."""
        config = self._company.config
        return bool(
            config[PLAYBOOK_SETTINGS].seconds or config[CHANNELS] or config[RISK].keep_scores
        )

    def work(self) -> None:
        """Run the playbooks, and keep who is in which audience."""
        try:
            self._company.work.run(is_lenient=True)
            self._company.audiences.follow()
            self._company.proof.draw()
        except StaycurveError as error:
            _log.warning("playbooks: %s", error.message)
        except Exception:
            _log.exception("Running playbooks failed")

    def keep_scores(self) -> None:
        """Keep the scores of a day that is over, once."""
        try:
            self._company.health.keep()
        except StaycurveError as error:
            _log.warning("Scores are not kept: %s", error.message)
        except Exception:
            _log.exception("Keeping scores failed")

    def send(self) -> None:
        """Send what waits in the outbox."""
        try:
            self._company.work.send()
        except StaycurveError as error:
            _log.warning("channels: %s", error.message)
        except Exception:
            _log.exception("Sending failed")

    def look(self) -> None:
        """Sync the sources to which something has come."""
        for one in self.sources:
            if one.source.waiting and one.source.waiting(self._company.folder, one.name):
                self.sync(one.name)

    def expire(self) -> None:
        """Blank what is older than [retention] allows; what goes wrong is logged."""
        try:
            for table, count in self._company.personal.expire().items():
                _log.info("%s rows of %s were blanked by [retention]", count, table)
        except StaycurveError as error:
            _log.warning("[retention]: %s", error.message)
        except Exception:
            _log.exception("[retention] failed")

    def sync(self, name: str) -> None:
        """Sync one source and refresh; what goes wrong is logged, and tried again next time."""
        try:
            for report in self._company.sources.sync(name):
                for error in report.errors:
                    _log.warning("%s: %s", report.label, error.message)
            if self._company.is_due():
                self._company.refresh()
        except StaycurveError as error:
            _log.warning("%s: %s", name, error.message)
        except Exception:
            _log.exception("Syncing %s failed", name)
