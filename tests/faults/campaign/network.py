"""A relay between clients and servers that cuts, stalls, divides and resets connections."""
import contextlib
import random
import selectors
import socket
import struct
import threading
import time

from .rounds import Kind

FAULTS = ["reset", "reset", "end", "end", "stall", "bytes", "half-open", "half-closed"]


class Relay(threading.Thread):
    """Listens for one protocol. About two of three connections meet one fault, after a number of bytes in one direction."""

    def __init__(self, round_, protocol):
        super().__init__(daemon=True)
        self.round, self.protocol = round_, protocol
        self.rng = random.Random(f"{round_.seed} {protocol}")
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.sockets, self.faults = [], 0

    def run(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                fault = self.rng.choice(FAULTS) if self.rng.random() < 0.7 else None
                # Mostly in the conversation, sometimes in a large mail.
                at = int(2 ** self.rng.uniform(0, 11 if self.rng.random() < 0.6 else 18))
                plan = (fault, self.rng.random() < 0.5, at, self.rng.uniform(0.05, 2))
                threading.Thread(target=self.relay, args=(client, *plan), daemon=True).start()

    def relay(self, client, fault, upwards, at, seconds):
        self.sockets.append(client)
        with contextlib.suppress(OSError), contextlib.ExitStack() as stack:
            stack.callback(client.close)
            server = socket.create_connection(self.round.servers[self.protocol].address(self.protocol))
            self.sockets.append(server)
            stack.callback(server.close)
            for each in (client, server):
                each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.forward(client, server, fault, upwards, at, seconds)

    def forward(self, client, server, fault, upwards, at, seconds):
        passed = 0
        with selectors.DefaultSelector() as selector:
            selector.register(client, selectors.EVENT_READ, server)
            selector.register(server, selectors.EVENT_READ, client)
            while True:
                for key, _ in selector.select():
                    source, to = key.fileobj, key.data
                    watched = fault and (source is client) == upwards
                    data = source.recv(max(1, min(65536, at - passed)) if watched and passed < at else 65536)
                    if not data:
                        return
                    to.sendall(data)
                    passed += len(data) if watched else 0
                    if watched and passed >= at:
                        self.faults += 1
                        if not self.commit(fault, client, server, source, to, seconds):
                            return
                        fault = None

    def commit(self, fault, client, server, source, to, seconds):
        """Returns whether the connection continues."""
        if fault == "stall":
            time.sleep(seconds)
        elif fault == "bytes":
            source.settimeout(seconds)
            with contextlib.suppress(TimeoutError):
                for _ in range(3000):
                    byte = source.recv(1)
                    if not byte:
                        return False
                    to.sendall(byte)
            source.settimeout(None)
        elif fault == "reset":
            for each in (client, server):
                each.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            return False
        elif fault == "half-closed":  # one direction ends properly, and the other continues for a moment
            to.shutdown(socket.SHUT_WR)
            to.settimeout(seconds)
            with contextlib.suppress(TimeoutError):
                while data := to.recv(65536):
                    source.sendall(data)
            return False
        elif fault == "half-open":  # the client is gone, and the server does not learn of it
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.close()
            self.round.over.wait(seconds * 5)
            return False
        return fault != "end"

    def close(self):
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for each in self.sockets:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)


class Network(Kind):
    """Resets, half-open and half-closed connections, stalls, single bytes, TLS records cut anywhere."""

    name = "network"
    pause = (0, 0)

    def begin(self):
        self.relays = {protocol: Relay(self.round, protocol) for protocol in ("smtp", "pop3")}
        for relay in self.relays.values():
            relay.start()
        self.round.proxy = self

    def address(self, protocol):
        return self.relays[protocol].listener.getsockname()

    def inject(self):
        """Waits until a connection has met its fault."""
        deadline = time.monotonic() + 5
        while sum(relay.faults for relay in self.relays.values()) <= self.round.injected:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.01)
        return True

    def end(self):
        self.round.proxy = None
        for relay in self.relays.values():
            relay.close()
