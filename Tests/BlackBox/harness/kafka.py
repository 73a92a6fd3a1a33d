"""Kafka brokers: librdkafka's mock cluster, and one of our own that asks for TLS and SASL, or takes its time."""

from __future__ import annotations

import json
import socket
import ssl
import struct
import threading
import time
from dataclasses import dataclass

from confluent_kafka import Consumer, Producer, TopicPartition

QUIET = {"log_level": 2}


@dataclass
class Record:
    key: bytes | None
    value: bytes
    partition: int = 0

    def json(self) -> dict:
        return json.loads(self.value)


class Cluster:
    """Lives in this process; topics come to be when somebody asks for them, with four partitions."""

    def __init__(self) -> None:
        self._mock = Producer({"test.mock.num.brokers": 1, "bootstrap.servers": "none", **QUIET})
        [broker] = self._mock.list_topics(timeout=10).brokers.values()
        self.address = f"{broker.host}:{broker.port}"

    def read(self, topic: str, count: int, seconds: float = 30) -> list[Record]:
        """All records of the topic, which must come to be `count` and no more."""
        deadline = time.monotonic() + seconds
        while len(found := self.read_all(topic)) < count:
            assert time.monotonic() < deadline, f"{len(found)} of {count} records in {topic}"
            time.sleep(0.05)
        assert len(found) == count, f"{len(found)} instead of {count} records in {topic}"
        return found

    def read_all(self, topic: str) -> list[Record]:
        """What is in the topic now, the records of a partition in order."""
        consumer = Consumer({"bootstrap.servers": self.address, "group.id": "reader", "fetch.message.max.bytes": 32_000_000, **QUIET})
        try:
            partitions = [TopicPartition(topic, number, 0) for number in consumer.list_topics(topic, timeout=10).topics[topic].partitions]
            wanted = sum(consumer.get_watermark_offsets(partition, timeout=10)[1] for partition in partitions)
            consumer.assign(partitions)
            found: list[Record] = []
            deadline = time.monotonic() + 20
            while len(found) < wanted:
                assert time.monotonic() < deadline, f"{len(found)} of {wanted} records in {topic}"
                message = consumer.poll(0.2)
                if message is not None and not message.error():
                    found.append(Record(message.key(), message.value(), message.partition()))
            return found
        finally:
            consumer.close()


# A broker of our own ----------------------------------------------------------------------------
class _Reader:
    def __init__(self, data: bytes):
        self.data, self.at = data, 0

    def take(self, count: int) -> bytes:
        part = self.data[self.at:self.at + count]
        assert len(part) == count
        self.at += count
        return part

    def int8(self) -> int: return struct.unpack(">b", self.take(1))[0]
    def int16(self) -> int: return struct.unpack(">h", self.take(2))[0]
    def int32(self) -> int: return struct.unpack(">i", self.take(4))[0]

    def string(self) -> str | None:
        count = self.int16()
        return None if count < 0 else self.take(count).decode()

    def varint(self) -> int:
        shift = value = 0
        while True:
            byte = self.take(1)[0]
            value |= (byte & 0x7F) << shift
            shift += 7
            if not byte & 0x80:
                return (value >> 1) ^ -(value & 1)


def _string(text: str) -> bytes:
    return struct.pack(">h", len(text)) + text.encode()


class Broker:
    """Speaks as much of the protocol as a producer needs. `stalled`: records are taken and not acknowledged until it is set.
    `breaks`: so many requests with records end their connection, and the records are lost."""

    def __init__(self, tls: ssl.SSLContext | None = None, user: str | None = None, password: str = ""):
        self.tls, self.user, self.password = tls, user, password
        self.stalled: threading.Event | None = None
        self.records: list[Record] = []
        self.breaks = 0
        self.refused = 0
        #: Handshakes that the other side gave up.
        self.broken = 0
        self.changed = threading.Condition()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port: int = self._listener.getsockname()[1]
        self.address = f"127.0.0.1:{self.port}"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def wait_for(self, count: int, seconds: float = 30) -> list[Record]:
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.records) >= count, seconds), f"{len(self.records)} of {count} records"
            return list(self.records)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            if self.tls:
                try:
                    connection = self.tls.wrap_socket(connection, server_side=True)
                except ssl.SSLError:
                    self.broken += 1
                    raise
            proven = self.user is None
            while True:
                size = struct.unpack(">i", self._exactly(connection, 4))[0]
                request = _Reader(self._exactly(connection, size))
                key, version, correlation = request.int16(), request.int16(), request.int32()
                request.string()
                if key not in (17, 18, 36) and not proven:
                    return
                if key == 36:
                    token = request.take(request.int32()).split(b"\0")
                    proven = token[1:] == [self.user.encode(), self.password.encode()]
                    self.refused += not proven
                    answer = struct.pack(">h", 0 if proven else 58) + _string("" if proven else "no") + struct.pack(">i", 0)
                else:
                    answer = self._answer(key, version, request)
                connection.sendall(struct.pack(">ii", len(answer) + 4, correlation) + answer)
        except (OSError, EOFError, ssl.SSLError):
            pass
        finally:
            connection.close()

    @staticmethod
    def _exactly(connection: socket.socket, count: int) -> bytes:
        data = b""
        while len(data) < count:
            piece = connection.recv(count - len(data))
            if not piece:
                raise EOFError
            data += piece
        return data

    def _answer(self, key: int, version: int, request: _Reader) -> bytes:
        if key == 18:
            known = [(0, 3, 3), (1, 4, 4), (3, 0, 1), (17, 0, 1), (18, 0, 0), (36, 0, 0)]
            return struct.pack(">hi", 0 if version == 0 else 35, len(known)) + b"".join(struct.pack(">hhh", *entry) for entry in known)
        if key == 17:
            return struct.pack(">hi", 0, 1) + _string("PLAIN")
        if key == 3:
            count = request.int32()
            topics = [request.string() for _ in range(max(0, count))]
            answer = struct.pack(">ii", 1, 1) + _string("127.0.0.1") + struct.pack(">ih", self.port, -1) + struct.pack(">i", 1)
            if version == 0:
                answer = struct.pack(">ii", 1, 1) + _string("127.0.0.1") + struct.pack(">i", self.port)
            answer += struct.pack(">i", len(topics))
            for topic in topics:
                answer += struct.pack(">h", 0) + _string(topic or "") + (b"\0" if version else b"")
                answer += struct.pack(">i", 1) + struct.pack(">hii", 0, 0, 1) + struct.pack(">ii", 1, 1) * 2
            return answer
        assert (key, version) == (0, 3), (key, version)
        request.string(), request.int16(), request.int32()
        answer = struct.pack(">i", count := request.int32())
        found: list[Record] = []
        for _ in range(count):
            answer += _string(request.string() or "") + struct.pack(">i", parts := request.int32())
            for _ in range(parts):
                partition = request.int32()
                found += self._batch(_Reader(request.take(request.int32())))
                answer += struct.pack(">ihqq", partition, 0, 0, -1)
        if self.breaks > 0:
            self.breaks -= 1
            raise EOFError
        if self.stalled:
            self.stalled.wait(60)
        with self.changed:
            self.records += found
            self.changed.notify_all()
        return answer + struct.pack(">i", 0)

    @staticmethod
    def _batch(data: _Reader) -> list[Record]:
        data.take(57)
        records = []
        for _ in range(data.int32()):
            data.varint(), data.int8(), data.varint(), data.varint()
            key = None if (count := data.varint()) < 0 else data.take(count)
            value = data.take(data.varint())
            assert data.varint() == 0
            records.append(Record(key, value))
        return records
