"""The tutorial's class: twistd -n chatroom --app sala:Sala"""

import chatroom


class Sala(chatroom.Room):
    def connected(self, user):
        self.broadcast(f"{user.name} has come in", but=user)

    def process(self, user, message):
        self.broadcast(message, but=user)

    def closed(self, user):
        self.broadcast(f"{user.name} has gone")
