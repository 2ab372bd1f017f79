"""Scheduling: sources are synced and playbooks run by one process of all.

Every server of a project tries to lead; the one that holds the lock does the work, and when it
ends another one takes over. Servers on several machines that share a database of app state hold a
lock there as well.
"""

from __future__ import annotations

import contextlib
import logging
from typing import Any

from staycurve.actions.channels.settings import CHANNELS
from staycurve.actions.settings import PLAYBOOK_SETTINGS
from staycurve.actions.ticket_settings import TICKETS
from staycurve.errors import BusyError, StaycurveError
from staycurve.insights.risk.settings import RISK
from staycurve.mail_settings import MAIL
from staycurve.retention_rules import RETENTION
from staycurve.sources.configured import Configured, configured
from staycurve.tables.lake import alone
from staycurve.workspace import Company

LOCK = ".schedule.lock"
LEADING = "lead"
LEAD_EVERY, LOOK_EVERY, SEND_EVERY = 15, 3, 30
"""Seconds between two tries to lead, two looks at what webhooks brought, two goes at the outbox."""
MAIL_EVERY, ASK_EVERY = 60, 3600
"""Seconds between two looks at which mails are due ([mail] per_minute counts by them), and at whom
automatic surveys may ask."""
KEEP_EVERY = 3600
"""Seconds between two looks at whether a day is over whose scores are not kept yet."""
DIGEST_EVERY, TICKETS_EVERY = 300, 900
"""Seconds between two looks at whose digest is due, and at which tickets are solved."""
EXPIRE_EVERY = 86_400
"""Seconds between two looks at what [retention] no longer allows."""

_log = logging.getLogger("staycurve.schedule")


class Schedule:
    """Syncs the sources of one company that say how often, and those to which events came."""

    def __init__(self, company: Company) -> None:
        self._company = company
        self._jobs: Any = None
        self._lead: Any = None
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
        self._jobs.add_job(self.lead, "interval", seconds=LEAD_EVERY, id=LEADING)
        self._jobs.start()
        self.lead()

    def stop(self) -> None:
        """End after the sync that runs, and let another process lead."""
        if self._jobs is not None:
            self._jobs.shutdown()
            self._jobs = None
        self._step_down()

    def _step_down(self) -> None:
        if self._jobs is not None:
            for job in self._jobs.get_jobs():
                if job.id != LEADING:
                    job.remove()
        self._held.close()
        if self._lead is not None:
            self._lead.give_back()
        self.is_leading = False

    def _may_lead(self) -> bool:
        """Whether no other server of the database leads.

        While it cannot be reached, whoever leads goes on: sources are synced without it.
        """
        place = self._company.config.state
        if not (place.url or place.variable):
            return True
        from staycurve.state.leading import Lead

        if self._lead is None:
            self._lead = Lead(self._company.state.database)
        return self._lead.take() is not False

    def lead(self) -> None:
        """Become the one that syncs, if no other process is; no longer be it, if another is."""
        if self.is_leading:
            if not self._may_lead():
                _log.warning("Another server keeps the schedule now")
                self._step_down()
            return
        lock = self._company.folder / LOCK
        try:
            self._held.enter_context(alone(lock, "keeping the schedule", wait=0))
        except BusyError:
            return
        if not self._may_lead():
            self._held.close()
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
        if self._company.digests.is_on:
            self._jobs.add_job(
                self.digest, "interval", seconds=DIGEST_EVERY, id="digest",
                next_run_time=self._company.clock(),
            )
        if self._company.config[TICKETS]:
            self._jobs.add_job(
                self.close_tickets, "interval", seconds=TICKETS_EVERY, id="tickets",
                next_run_time=self._company.clock(),
            )

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
        surveys, most = self._company.surveys, self._company.config[MAIL].per_minute
        try:
            # Few, and to people who wait for them: they go before surveys.
            first = self._company.mailing.send(most=most)
            sent = surveys.sending.send(most=max(0, most - first.sent))
            for fault in dict.fromkeys(one for one in (first.fault, sent.fault) if one):
                _log.warning("Mails wait: %s", fault)
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
            or config[TICKETS]
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

    def digest(self) -> None:
        """Let the weekly digests wait that are due; the mail job sends them."""
        try:
            for one in self._company.digests.put_due():
                _log.info("The digest of %s waits to be sent", one["week"])
        except StaycurveError as error:
            _log.warning("Digests: %s", error.message)
        except Exception:
            _log.exception("Digests failed")

    def close_tickets(self) -> None:
        """End the alerts whose tickets the loaded table calls solved."""
        try:
            self._company.work.close_solved()
        except StaycurveError as error:
            _log.warning("Tickets: %s", error.message)
        except Exception:
            _log.exception("Looking at tickets failed")

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
