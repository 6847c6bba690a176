"""The core's parts, put together: everything between the doors and the store."""

from __future__ import annotations

from typing import NamedTuple

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from chatroom.accountkeeping import AccountKeeping, Passwords, SignUp
from chatroom.admission import Admission
from chatroom.alone import Alone
from chatroom.answers import Answers
from chatroom.attempts import Attempts
from chatroom.changes import Changes
from chatroom.chat import Chat
from chatroom.devices import Devices
from chatroom.direct import Direct
from chatroom.directory import Directory
from chatroom.domain import commands
from chatroom.domain.accounts import Change
from chatroom.domain.errors import Unavailable
from chatroom.domain.limits import Limits
from chatroom.domain.ports import Bus, Clock, Committed, Lead, Store
from chatroom.domain.registry import Registry
from chatroom.domain.webhooks import Courier
from chatroom.domain.webhooks import Webhooks as KeptWebhooks
from chatroom.enforcement import Enforcement
from chatroom.gate import Gate
from chatroom.hooks import Room
from chatroom.hub import Hub
from chatroom.identity import Identity, Site
from chatroom.metering import Meters
from chatroom.missed import Missed
from chatroom.moderation import Moderation
from chatroom.neighbours import Neighbours
from chatroom.ordering import Ordering
from chatroom.people import People
from chatroom.reactions import Reactions
from chatroom.readiness import Readiness
from chatroom.reception import Reception
from chatroom.rights import Creators, Rights
from chatroom.roomkeeping import RoomKeeping
from chatroom.roomlists import RoomLists
from chatroom.searching import Searching
from chatroom.session import Doorman
from chatroom.stage import Applications
from chatroom.userkeeping import UserKeeping
from chatroom.webhookkeeping import WebhookKeeping
from chatroom.webhooks import Webhooks

_RETRY = 1.0
"""Seconds until the database is asked again."""


class Outbox(NamedTuple):
    """What webhooks need: where they are kept, who makes the requests, and, where there may be other
    nodes, the lead among them."""

    kept: KeptWebhooks
    courier: Courier
    lead: Lead | None = None


_Common = tuple[Registry, Store, Rights, Directory, Changes, Clock]


class House:
    """One server's core. `start` reads what is held in memory, before anybody is let in."""

    _log = Logger()

    def __init__(
        self,
        store: Store,
        registry: Registry,
        passwords: Passwords,
        clock: Clock,
        limits: Limits,
        *,
        guests: bool = True,
        sign_up: SignUp = "invited",
        creators: Creators = "everyone",
        app: type[Room] | None = None,
        site: Site | None = None,
        outbox: Outbox | None = None,
        bus: Bus | None = None,
        certain: bool = True,
        node: str | None = None,
    ) -> None:
        self._clock = clock
        self.hub = Hub(clock)
        self.people = People(limits, guests=guests)
        self.rights = Rights(registry, clock, creators)
        enforcement = self._enforcement = Enforcement(registry, self.people, self.rights)
        self.changes = Changes(registry, clock, self._look)
        directory = Directory(registry, self.people)
        direct = Direct(registry, self.rights, directory, self.changes)
        apps = Applications(app, store, self.hub, clock, limits) if app is not None else None
        self.chat = Chat(store, self.hub, clock, limits, self.people, self.rights, direct, apps, node)
        enforcement.chat = self.chat
        self.admission = Admission(limits, clock)
        self._ready = Gate()
        self.readiness = Readiness()
        self.identity = Identity(registry, self.people, clock, self._ready, site)
        reactions = Reactions(registry, store, self.chat.attendance, self.rights, clock)
        self.chat.uses[commands.React] = reactions.react
        self.attempts = Attempts(clock)
        self.accounts = AccountKeeping(
            registry, passwords, self.attempts, self.rights, self.changes, clock, reactions, sign_up
        )
        self.meters = Meters(limits, clock)
        self.doorman = Doorman(self.chat, self.admission, self.meters, self.identity, self.accounts)
        self.reception = Reception(self.doorman)
        common = (registry, store, self.rights, directory, self.changes, clock)
        self.rooms = RoomLists(registry, store, self.hub, self.people, self.rights)
        self.chat.uses[commands.Search] = Searching(store, self.rights, self.rooms).search
        self.users = UserKeeping(registry, passwords, self.rights, self.people, self.changes, clock)
        self.webhooks: Webhooks | None = None
        self.webhook_keeping: WebhookKeeping | None = None
        if outbox is not None:
            self._tell_by_http(outbox, store, registry)
        self.neighbours = None if bus is None else self._among(bus, store, registry)
        self._alone = self._by_itself(store) if bus is None and not certain else None
        self._teach(common, reactions)

    def _tell_by_http(self, outbox: Outbox, store: Store, registry: Registry) -> None:
        """Webhooks, and who may make them."""
        kept, courier, lead = outbox
        answers = Answers(self.chat, registry, self.meters)
        self.webhook_keeping = WebhookKeeping(kept, registry, self.rights, self.changes, self._clock)
        self.webhooks = Webhooks(kept, store, registry, courier, answers, self._clock, lead)
        self.chat.attendance.watcher = self.webhooks
        self.webhooks.people = self.chat.attendance.people_here

    async def start(self) -> None:
        """Read what is held in memory, let people in, and notice changes from now on."""
        await self._load()
        self.changes.start()
        if self.neighbours is not None:
            self.neighbours.start(self.chat.epoch)
        if self.webhooks is not None:
            self.webhooks.start()
        self._ready.open()
        self.readiness.begin()

    async def _load(self) -> None:
        while True:
            try:
                await self.changes.begin()
                await self._enforcement.load()
                if self.webhooks is not None:
                    await self.webhooks.load()
            except Unavailable as error:
                self._log.error("who has an account cannot be read yet: {error}", error=error.message)
                moment: Deferred[None] = Deferred()
                self._clock.callLater(_RETRY, moment.callback, None)
                await moment
            else:
                return

    def _among(self, bus: Bus, store: Store, registry: Registry) -> Neighbours:
        """The other nodes, as far as they can be heard on `bus`."""
        rooms = self.chat.attendance

        def tell(committed: Committed) -> None:
            rooms.tell(committed, invites=False)

        ordering = Ordering(store, self.hub, self._clock, tell)
        missed = Missed(registry, self.people, self._clock, rooms)
        found = Neighbours(
            bus, self.hub, self.people, self._clock, ordering, missed, rooms, self.changes.soon
        )
        rooms.others = self.rooms.neighbours = found
        if self.webhooks is not None:
            self.webhooks.others = found.relay_to(self.webhooks)
            self.webhooks.comings.node = found.node
        return found

    def _by_itself(self, store: Store) -> Alone:
        """No other nodes, and a store of which it is not `certain` that what it refuses is not there."""
        rooms = self.chat.attendance
        found = Alone(self._clock, Ordering(store, self.hub, self._clock, rooms.tell))
        rooms.others, self.hub.on_release = found, found.released
        return found

    async def _look(self, change: Change | None) -> None:
        if self.neighbours is not None:
            await self.neighbours.before_change(change)
            self.neighbours.changed(change)
        await self._enforcement.look(change)
        if self.webhooks is not None:
            await self.webhooks.look(change)

    async def first_owner(self) -> str | None:
        """Once people are let in: the token of an invitation to own this server, if nobody does."""
        await self._ready.passed()
        return await self.accounts.first_owner()

    def pause(self) -> None:
        """Tell webhooks nothing more: what was told until the end is still to be noted."""
        if self.webhooks is not None:
            self.webhooks.pause()

    async def stop(self) -> None:
        """Notice no more, and keep what webhooks were told."""
        self.changes.stop()
        if self.neighbours is not None:
            await self.neighbours.stop()
        if self._alone is not None:
            self._alone.stop()
        if self.webhooks is not None:
            await self.webhooks.stop()

    def _teach(self, common: _Common, reactions: Reactions) -> None:
        rooms, moderation = RoomKeeping(*common, self.meters), Moderation(*common, reactions)
        lists, devices = self.rooms, Devices(self.accounts)
        self.chat.uses |= {
            commands.Rooms: lists.rooms,
            commands.Read: lists.read,
            commands.RoomCreate: rooms.create,
            commands.RoomSet: rooms.set,
            commands.RoomInvite: rooms.invite,
            commands.RoomKick: rooms.kick,
            commands.RoomBan: rooms.ban,
            commands.RoomMute: rooms.mute,
            commands.RoomRole: rooms.role,
            commands.Ban: moderation.ban,
            commands.Mute: moderation.mute,
            commands.Purge: moderation.purge,
            commands.Report: moderation.report,
            commands.Reports: moderation.reports,
            commands.ReportClose: moderation.close_report,
            commands.Audit: moderation.audit,
            commands.Sessions: devices.sessions,
            commands.SessionEnd: devices.end,
            commands.Logout: devices.log_out,
            commands.PasswordSet: devices.set_password,
            commands.AccountDelete: devices.delete_account,
        }
