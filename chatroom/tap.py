"""What `twistd chatroom` runs: the one place that knows every part, and puts them together."""

from __future__ import annotations

import gc
import os
import resource
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from twisted.application.service import MultiService, Service
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from chatroom.domain.errors import Unavailable
from chatroom.domain.ports import Bus
from chatroom.doors.account import AccountDoor
from chatroom.doors.api import ApiDoor
from chatroom.doors.courier import CourierProcess
from chatroom.doors.front import FrontFactory
from chatroom.doors.hosts import Hosts
from chatroom.doors.http import Health, Ready, WebSite
from chatroom.doors.metrics import MetricsSite
from chatroom.doors.origins import Origins
from chatroom.doors.proxies import Proxies
from chatroom.doors.publishing import Publishing
from chatroom.doors.sessions import SessionDoor
from chatroom.doors.sse import StreamFactory
from chatroom.doors.webhooks import HookDoor
from chatroom.doors.websocket import ChatFactory
from chatroom.house import House, Outbox
from chatroom.lag import Lag
from chatroom.leaving import Leaving, Server
from chatroom.listening import BadEndpoint, Listeners, endpoint_for
from chatroom.metrics import Measurements, Node
from chatroom.options import Options, fail
from chatroom.passwords import Passwords
from chatroom.sitetokens import SiteTokens, site_tokens
from chatroom.store.locks import take, take_data
from chatroom.store.opening import Unusable, files_of, is_file
from chatroom.store.sql import SqlStore

__all__ = ["Options", "makeService"]

_log = Logger()

_METRICS = "metrics are at {address}/metrics"


def makeService(options: Options) -> MultiService:
    """The server that `options` ask for. A mistake in them ends the program with one line."""
    from twisted.internet import reactor as real

    reactor: Any = real
    try:
        endpoints = [(one, endpoint_for(reactor, one)) for one in options.endpoints]
        asked = [] if options["metrics"] is None else [options["metrics"]]
        told = [(one, endpoint_for(reactor, one, "--metrics")) for one in asked]
        origins = Origins(options.origins)
        site = _site(options, reactor)
        alone = is_file(options.store_url)
        locks = [take_data(options.data)] if alone else []
        store = SqlStore(options.store_url, reactor)
        if options["store"] and alone:
            database = files_of(options.store_url)[0]
            locks.append(take(database.with_name(f"{database.name}.lock"), f"{database}", "--store"))
    except (BadEndpoint, ValueError, Unusable) as error:
        fail(str(error))
    _give_away(options)
    passwords = Passwords(reactor)
    courier = CourierProcess(reactor, options.webhook_networks)
    core = _core(options, store, passwords, courier, site, reactor)
    websocket, web, front = _doors(options, core, origins, reactor)
    leaving = Leaving(core.readiness, websocket, web, reactor, options.drain)
    service = Server(leaving, reactor)
    Running(store, core, passwords, courier, leaving, locks).setServiceParent(service)
    listeners = Listeners(endpoints, front, _refuser(options))
    listeners.setServiceParent(service)
    FirstOwner(core, listeners).setServiceParent(service)
    if told:
        lag = Lag(reactor)
        lag.setServiceParent(service)
        node = Node(core, store.writer, lambda: len(websocket.open), lag)
        parts = {"healthz": Health(), "readyz": Ready(core.readiness)}
        metrics = MetricsSite(Measurements(node).text, parts, reactor)
        Listeners(told, metrics, _refuser(options), _METRICS).setServiceParent(service)
    return service


def _core(
    options: Options,
    store: SqlStore,
    passwords: Passwords,
    courier: CourierProcess,
    site: SiteTokens | None,
    reactor: Any,
) -> House:
    return House(
        store,
        store.registry,
        passwords,
        reactor,
        options.limits,
        guests=options["guests"] == "yes",
        sign_up=options["sign-up"],
        creators=options["create-rooms"],
        app=options.app,
        site=site,
        outbox=Outbox(store.registry.webhooks, courier, store.lead),
        bus=_bus(options, reactor),
        certain=is_file(options.store_url),
        node=options["node"],
    )


def _bus(options: Options, reactor: Any) -> Bus | None:
    """What connects this node with the others, if there are any."""
    if options.bus is None:
        return None
    from chatroom.bus.redis import RedisBus

    return RedisBus(options.bus, reactor)


def _doors(
    options: Options, core: House, origins: Origins, reactor: Any
) -> tuple[ChatFactory, WebSite, FrontFactory]:
    """The WebSockets' door, the web site, and the front door that leads to them."""
    hosts, proxies = Hosts(options.hosts), Proxies(options.trusted_proxies)
    guests = options["guests"] == "yes"
    account = AccountDoor(core.accounts, core.identity.identify, core.meters, guests=guests)
    websocket = ChatFactory(
        core.doorman, reactor, origins, hosts=hosts, proxies=proxies, echo=bool(options["compliance"])
    )
    streams = StreamFactory(websocket)
    api = ApiDoor(core, origins)
    parts = {
        "account": account.resource(),
        "api": api.resource(),
        "hooks": HookDoor(core.reception).resource(),
        "session": SessionDoor(streams.sessions, core.meters, origins).resource(),
    }
    publishing = Publishing(api, hosts)
    web = WebSite(
        websocket,
        streams,
        reactor,
        parts=parts,
        hosts=hosts,
        proxies=proxies,
        publishing=publishing,
        readiness=core.readiness,
    )
    deadlines, timeout = core.chat.deadlines, options.limits.handshake_timeout
    front = FrontFactory(websocket, streams, web, deadlines, core.admission, timeout, proxies)
    return websocket, web, front


class Running(Service):
    """The parts that must be started and stopped. It comes before the listeners, and goes after."""

    _log = Logger()

    def __init__(
        self,
        store: SqlStore,
        core: House,
        passwords: Passwords,
        courier: CourierProcess,
        leaving: Leaving,
        locks: list[int],
    ) -> None:
        self._store = store
        self._core = core
        self._passwords = passwords
        self._courier = courier
        self._leaving = leaving
        self._locks = locks

    def startService(self) -> None:
        """Start the store's threads: a daemon has forked by now."""
        super().startService()
        for lock in self._locks:
            os.write(lock, b"%d\n" % os.getpid())
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if soft < hard:
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        self._store.start()
        self._passwords.start()
        Deferred.fromCoroutine(self._core.start()).addErrback(
            lambda failure: self._log.failure("the accounts cannot be read", failure)
        )
        # What is here now stays; and connections are no garbage for being new. Collecting less
        # often makes accepting one a fifth cheaper.
        gc.collect()
        gc.freeze()
        gc.set_threshold(20_000, 10, 10)

    def stopService(self) -> Deferred[None]:
        """Send everybody off, write what waits, and end."""
        super().stopService()
        return Deferred.fromCoroutine(self._stop())

    async def _stop(self) -> None:
        self._core.pause()
        await self._leaving.close()
        self._store.hurry()
        await self._core.stop()
        self._courier.stop()
        self._passwords.stop()
        await self._store.stop()
        for lock in self._locks:
            os.close(lock)


class FirstOwner(Service):
    """Tells whoever reads the log how to become the owner of a server that has none yet."""

    _log = Logger()

    def __init__(self, core: House, listeners: Listeners) -> None:
        self._core = core
        self._listeners = listeners

    def startService(self) -> None:
        """Look, once the accounts are known."""
        super().startService()
        Deferred.fromCoroutine(self._invite()).addErrback(
            lambda failure: self._log.failure("no invitation for an owner could be made", failure)
        )

    async def _invite(self) -> None:
        try:
            token = await self._core.first_owner()
        except Unavailable as error:
            if self.running:
                self._log.warn("no invitation for an owner: {error}", error=error.message)
            return
        if token is not None and self._listeners.urls:
            self._log.info(
                "nobody owns this server yet: open {link} within a day to become its owner",
                link=f"{self._listeners.urls[0]}/#invite={token}",
            )


def _site(options: Options, reactor: Any) -> SiteTokens | None:
    """What judges the tokens of the site that this server is embedded in, if it is in one."""
    key, url = options["jwt-key"], options["jwt-jwks"]
    if not key and not url:
        return None
    return site_tokens(
        reactor,
        key=Path(key).expanduser() if key else None,
        url=url,
        audience=options["jwt-audience"],
        issuer=options["jwt-issuer"],
        roles=bool(options["jwt-roles"]),
    )


def _give_away(options: Options) -> None:
    """Under `twistd --uid`, the files made so far belong to the user that the server becomes."""
    twistd: Any = options.parent or {}
    uid, gid = twistd.get("uid"), twistd.get("gid")
    if uid is not None or gid is not None:
        # There is no folder where the database is a server's.
        kept = {options.data, *options.data.iterdir()} if options.data.is_dir() else set()
        for path in {*kept, *files_of(options.store_url)}:
            os.chown(path, -1 if uid is None else uid, -1 if gid is None else gid)


def _refuser(options: Options) -> Callable[[str], NoReturn]:
    """What to do with a port that cannot be had: end, with a line where a person sees it."""
    twistd: Any = options.parent or {}

    def refuse(message: str) -> NoReturn:
        if not twistd.get("nodaemon") or twistd.get("logfile"):
            _log.critical("{message}", message=message)
        if twistd.get("pidfile"):
            Path(twistd["pidfile"]).unlink(missing_ok=True)
        if "statusPipe" in twistd:
            # Of a daemon, twistd's waiting parent shows the first hundred bytes.
            os.write(twistd["statusPipe"], b"1 " + message.encode("ascii", "backslashreplace"))
        elif sys.__stderr__ is not None:
            # The log has taken sys.stderr by now.
            print(f"chatroom: {message}", file=sys.__stderr__)
        sys.exit(1)

    return refuse
