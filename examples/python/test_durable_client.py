"""Tests of durable_client.py: run with `python3 -m unittest discover -s examples/python`."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import os
import random
import re
import struct
import types
import unittest
from unittest import mock

import durable_client as client
import stream_client as plain
import websockets

REPOSITORY = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")


def read_repository(*path: str) -> str:
    with open(os.path.join(REPOSITORY, *path), encoding="utf-8") as file:
        return file.read()


class Messages(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        vectors = json.loads(read_repository("test", "vectors", "adpcm.json"))["ack"]
        cls.vectors = {name: bytes.fromhex(message) for name, message in vectors.items()}

    def test_those_sent_are_the_published_ones(self):
        resume = client.encode_resume(4294967290, 0x1122334455667788, 0)
        self.assertEqual((resume, client.encode_finish(10)), (self.vectors["RSUM"], self.vectors["FINI"]))

    def test_anchor_has_each_field_at_its_offset(self):
        message = client.encode_anchor(0xFFFFFFFA, 1_700_000_000_000, 0x0102030405060708, 3)
        expected = "414e4352 18000000 faffffff 0068e5cf8b010000 0807060504030201 03000000 00000000"
        self.assertEqual(message, bytes.fromhex(expected))

    def test_the_published_welcomes_are_understood(self):
        new = client.decode_welcome(self.vectors["WELC_new"])
        resumed = client.decode_welcome(self.vectors["WELC_resumed"])
        self.assertEqual((new, resumed), ((0, 0x1122334455667788, 0), (5, 0x1122334455667788, 3)))

    def test_the_published_acknowledgement_frees_up_to_durable_next(self):
        self.assertEqual(client.decode_durable_next(self.vectors["ACKF"]), 5)

    def test_fields_that_a_later_version_appends_are_ignored(self):
        self.assertEqual(client.decode_welcome(self.vectors["WELC_resumed"] + bytes(8)), (5, 0x1122334455667788, 3))
        self.assertEqual(client.decode_durable_next(self.vectors["ACKF"] + bytes(4)), 5)

    def test_other_messages_are_passed_over(self):
        for message in (b"", b"WELC", b"ACKF", self.vectors["FINI"], self.vectors["RSUM"], bytes(100)):
            self.assertIsNone(client.decode_welcome(message))
            self.assertIsNone(client.decode_durable_next(message))
        self.assertIsNone(client.decode_welcome(self.vectors["ACKF"] + bytes(40)))
        self.assertIsNone(client.decode_durable_next(self.vectors["WELC_new"]))


class SeqDistance(unittest.TestCase):
    def test_counts_across_the_wrap_in_both_directions(self):
        for start, end, distance in (
            (5, 5, 0),
            (5, 8, 3),
            (8, 5, -3),
            (0xFFFFFFFF, 0, 1),
            (0, 0xFFFFFFFF, -1),
            (0xFFFFFFFA, 5, 11),
            (5, 0xFFFFFFFA, -11),
            (0, 0x7FFFFFFF, 0x7FFFFFFF),
            (0, 0x80000000, -0x80000000),
        ):
            self.assertEqual(client.seq_distance(start, end), distance, f"{start:#x} to {end:#x}")

    def test_is_the_sign_that_c_gives(self):
        generator = random.Random(3)
        for _ in range(1_000):
            start, end = generator.getrandbits(32), generator.getrandbits(32)
            (expected,) = struct.unpack("<i", struct.pack("<I", (end - start) % 2**32))
            self.assertEqual(client.seq_distance(start, end), expected)


def make_frame(seq: int) -> client.Frame:
    return client.Frame(plain.encode_frame("pcm", seq, struct.pack("<I", seq & client.SEQ_MASK)), seq)


def make_buffer(count: int, first: int = 0, capacity: int = 100) -> client.FrameBuffer:
    buffer = client.FrameBuffer(first, capacity)
    for number in range(count):
        buffer.append(make_frame(first + number))
    return buffer


def contents(buffer: client.FrameBuffer) -> tuple[int, int, int]:
    return buffer.oldest, buffer.next, len(buffer)


class FrameBuffer(unittest.TestCase):
    def test_numbers_frames_across_the_wrap(self):
        buffer = make_buffer(4, first=0xFFFFFFFE)
        self.assertEqual(contents(buffer), (0xFFFFFFFE, 2, 4))
        self.assertEqual(list(buffer.frames), [0xFFFFFFFE, 0xFFFFFFFF, 0, 1])

    def test_frees_what_an_acknowledgement_covers_and_no_more(self):
        buffer = make_buffer(4, first=0xFFFFFFFE)
        self.assertTrue(buffer.free_before(1))
        self.assertEqual((contents(buffer), list(buffer.frames), buffer.durable), ((1, 2, 1), [1], 3))
        self.assertTrue(buffer.free_before(2))
        self.assertEqual((contents(buffer), buffer.durable), ((2, 2, 0), 4))

    def test_believes_no_acknowledgement_of_frames_that_it_does_not_hold(self):
        buffer = make_buffer(4, first=10)
        for durable_next in (10, 9, 0, 15, 0x80000000, 0xFFFFFFFF):
            self.assertFalse(buffer.free_before(durable_next), durable_next)
        self.assertEqual((contents(buffer), buffer.durable), ((10, 14, 4), 0))

    def test_drops_the_oldest_and_numbers_on(self):
        buffer = make_buffer(3, capacity=3)
        self.assertTrue(buffer.is_full())
        buffer.drop_oldest()
        buffer.append(make_frame(3))
        self.assertEqual((contents(buffer), list(buffer.frames), buffer.dropped), ((1, 4, 3), [1, 2, 3], 1))
        self.assertFalse(buffer.reaches(0))


class CloseCodes(unittest.TestCase):
    def test_are_obeyed_as_the_protocol_page_says(self):
        page = read_repository("docs", "protocol.md")
        section = page[page.index("### How acknowledged connections end") :].partition("\n### ")[0]
        rows = re.findall(r"^\| ([\d, ]+) \| .* \| (.*) \|$", section, re.MULTILINE)
        advice = {int(code): what for codes, what in rows for code in codes.split(", ")}
        self.assertIn(4409, advice)
        stops = {code for code, what in advice.items() if what.startswith("stop")} - {1000}
        waits = {code: re.search(r"wait (\d+) s", what) for code, what in advice.items()}
        self.assertEqual(stops, client.STOP_CODES & set(advice))
        self.assertEqual(client.LEAST_WAITS_S, {code: int(found[1]) for code, found in waits.items() if found})


class Server:
    """Acknowledges what it has read. `acts` tells for each connection behind which frame it ends, and with which code.

    `frames` has the seq of each frame that came and the number of the connection that brought it.
    """

    def __init__(
        self,
        *acts: tuple[int, int | None],
        subprotocol: str | None = client.SUBPROTOCOL,
        forgets: bool = False,
        mute_connections: int = 0,
        ack_every: int = 1,
    ):
        self.frames: list[tuple[int, int]] = []
        self.messages: list[list[bytes]] = []
        self.closes: list[int | None] = []
        self._acts = acts
        self._subprotocols = [subprotocol] if subprotocol else None
        self._forgets = forgets
        self._mute_connections = mute_connections
        self._ack_every = ack_every
        self._next = 0
        self._acknowledged = 0

    async def __aenter__(self) -> Server:
        self._server = await websockets.serve(self._serve, "127.0.0.1", 0, subprotocols=self._subprotocols)
        self.url = f"ws://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/ws"
        return self

    async def __aexit__(self, *_) -> None:
        self._server.close()
        await self._server.wait_closed()

    async def _serve(self, ws) -> None:
        number = len(self.messages)
        self.messages.append([])
        with contextlib.suppress(websockets.exceptions.ConnectionClosed):
            async for message in ws:
                self.messages[number].append(message)
                await self._take(ws, message, number)
        self.closes.append(ws.close_code)

    async def _take(self, ws, message: bytes, number: int) -> None:
        magic = struct.unpack_from("<I", message)[0]
        if not self._subprotocols or number < self._mute_connections:
            return
        if magic == plain.HANDSHAKE_MAGIC:
            await ws.send(welcome(0, 1_000 + number, 0))
        elif magic == client.RSUM:
            is_known = number > 0 and not self._forgets
            await ws.send(welcome(self._next, 7, 3) if is_known else welcome(0, 7 + number, 2))
        elif magic == client.FINI:
            await ws.send(acknowledgement(self._next))
            await ws.close(1000, "bye")
        elif magic == plain.FRAME_MAGICS["pcm"]:
            (seq,) = struct.unpack_from("<8xI", message)
            self.frames.append((seq, number))
            self._next = (seq + 1) & client.SEQ_MASK
            if len(self.frames) % self._ack_every == 0:
                await ws.send(acknowledgement(self._next))
            frame_count = sum(1 for _, connection in self.frames if connection == number)
            if number < len(self._acts) and self._acts[number][0] == frame_count:
                await self._act(ws, self._acts[number][1])

    async def _act(self, ws, code: int | None) -> None:
        if code is None:
            ws.transport.abort()
        else:
            await ws.close(code, "as told")


def welcome(following: int, session: int, flags: int) -> bytes:
    fields = (client.WELC, 28, following, session, 1_700_000_000_000, 1_000, flags, 1 << 20, 86_400)
    return struct.pack("<IIIQQHHII", *fields)


def acknowledgement(durable_next: int) -> bytes:
    return struct.pack("<6I", client.ACKF, 12, durable_next, durable_next, 0, 0)


PLAN = plain.Plan(plain.AudioFormat(16_000, 1), codec="pcm", frame_samples=2)


class Delivery(unittest.IsolatedAsyncioTestCase):
    async def deliver(self, server: Server, buffer: client.FrameBuffer) -> client.DurableClient:
        buffer.is_complete = True
        delivery = client.DurableClient(plain.Stream(1, server.url), PLAN, buffer)
        with contextlib.redirect_stderr(io.StringIO()), mock.patch.object(client.random, "uniform", return_value=0):
            await asyncio.wait_for(delivery.run(), 30)
        return delivery

    def sent(self, server: Server, connection: int, magic: int) -> list[bytes]:
        return [message for message in server.messages[connection] if struct.unpack_from("<I", message) == (magic,)]

    async def test_ends_when_everything_is_acknowledged(self):
        buffer = make_buffer(10, first=0xFFFFFFFA)
        async with Server() as server:
            delivery = await self.deliver(server, buffer)
        self.assertEqual((delivery.error, buffer.durable, len(buffer), delivery.sent), (None, 10, 0, 10))
        magics = [struct.unpack_from("<I", message)[0] for message in server.messages[0]]
        frames = [plain.FRAME_MAGICS["pcm"]] * 10
        self.assertEqual(magics, [plain.HANDSHAKE_MAGIC, client.RSUM, client.ANCR, *frames, client.FINI])
        self.assertEqual(server.messages[0][1], client.encode_resume(0xFFFFFFFA, 0, 0))
        self.assertEqual(server.messages[0][-1], client.encode_finish(4))

    async def test_goes_on_where_the_server_says_after_a_loss(self):
        buffer = make_buffer(20, first=0xFFFFFFF8)
        async with Server((5, None), (6, 1001), ack_every=100) as server:
            delivery = await self.deliver(server, buffer)
        self.assertEqual((delivery.error, buffer.durable, delivery.sent), (None, 20, 20))
        self.assertEqual([seq for seq, _ in server.frames], [(0xFFFFFFF8 + n) & client.SEQ_MASK for n in range(20)])
        # Nothing was acknowledged, so everything was held and offered each time, in the session of the first answer.
        for connection in (1, 2):
            self.assertEqual(server.messages[connection][1], client.encode_resume(0xFFFFFFF8, 7, 0))

    async def test_sends_all_it_holds_into_a_new_session(self):
        buffer = make_buffer(10)
        async with Server((4, None), forgets=True, ack_every=100) as server:
            delivery = await self.deliver(server, buffer)
        self.assertIsNone(delivery.error)
        self.assertEqual([seq for seq, connection in server.frames if connection == 1], list(range(10)))

    async def test_takes_silence_behind_the_handshake_for_a_lost_connection(self):
        buffer = make_buffer(10)
        async with Server(mute_connections=1) as server:
            with mock.patch.object(client, "WELC_TIMEOUT_S", 0.05):
                delivery = await self.deliver(server, buffer)
        self.assertEqual((delivery.error, buffer.durable), (None, 10))
        magics = [struct.unpack_from("<I", message)[0] for message in server.messages[0]]
        self.assertEqual(magics, [plain.HANDSHAKE_MAGIC, client.RSUM])

    async def test_declares_what_was_dropped(self):
        buffer = make_buffer(10)
        buffer.drop_oldest()
        async with Server((4, None), ack_every=100) as server:
            delivery = client.DurableClient(plain.Stream(1, server.url), PLAN, buffer)
            buffer.is_complete = True

            def drop_some(*_):
                for _ in range(6):
                    buffer.drop_oldest()
                return 0

            with contextlib.redirect_stderr(io.StringIO()), mock.patch.object(client.random, "uniform", drop_some):
                await asyncio.wait_for(delivery.run(), 30)
        self.assertEqual([seq for seq, _ in server.frames], [1, 2, 3, 4, 7, 8, 9])
        # What was dropped before the session began is no part of it.
        self.assertEqual(self.sent(server, 0, client.ANCR), [client.encode_anchor(1, 0, 1, 0)])
        self.assertEqual(self.sent(server, 1, client.ANCR), [client.encode_anchor(7, 0, 7, 6)])

    async def test_stops_where_a_new_try_is_forbidden(self):
        for code in (4409, 4422, 1009):
            async with Server((2, code)) as server:
                delivery = await self.deliver(server, make_buffer(10))
            self.assertRegex(delivery.error, f"{code} .*as told")
            self.assertEqual(len(server.messages), 1)

    async def test_waits_as_long_as_it_is_told(self):
        for code, least_wait_s in ((1001, 0), (1011, 0), (4999, 0), (4429, 30), (4503, 10), (4507, 10)):
            waits_s = []

            async def sleep(delay_s, waits_s=waits_s):
                waits_s.append(delay_s)
                await asyncio.sleep(0)

            patient = types.SimpleNamespace(**{**vars(asyncio), "sleep": sleep})
            async with Server((2, code)) as server:
                with mock.patch.object(client, "TICK_S", 0), mock.patch.object(client, "asyncio", patient):
                    delivery = await self.deliver(server, make_buffer(10))
            self.assertIsNone(delivery.error)
            self.assertEqual(max(waits_s), least_wait_s, code)

    async def test_is_not_done_when_it_is_closed_before_all_is_acknowledged(self):
        async with Server((10, 1000), ack_every=100) as server:
            delivery = await self.deliver(server, make_buffer(10))
        self.assertEqual((delivery.error, len(server.messages)), (None, 2))

    async def test_streams_plainly_to_a_server_that_does_not_acknowledge(self):
        async with Server(subprotocol=None) as server:
            delivery = await self.deliver(server, make_buffer(10))
        self.assertRegex(delivery.error, "does not acknowledge")
        self.assertEqual(server.messages[0][1:], [make_frame(seq).message for seq in range(10)])
        self.assertEqual(server.closes, [1000])

    async def test_grows_its_waits_and_starts_again_once_something_is_durable(self):
        bounds_s = []

        def uniform(_, bound_s):
            bounds_s.append(bound_s)
            return 0

        async with Server((1, None), (1, None), (1, None), (3, None), (1, None), ack_every=6) as server:
            buffer = make_buffer(10)
            buffer.is_complete = True
            delivery = client.DurableClient(plain.Stream(1, server.url), PLAN, buffer)
            with contextlib.redirect_stderr(io.StringIO()), mock.patch.object(client.random, "uniform", uniform):
                await asyncio.wait_for(delivery.run(), 30)
        self.assertEqual(bounds_s[:4], [1, 2, 4, 1])


class Source:
    """Some frames of samples, all at once."""

    def __init__(self, frame_count: int):
        self._payloads = [struct.pack("<hh", number, -number) for number in range(frame_count)]

    async def read(self, _size: int) -> bytes:
        return self._payloads.pop(0) if self._payloads else b""


class Capture(unittest.IsolatedAsyncioTestCase):
    def setUp(self):
        self.buffer = client.FrameBuffer(0xFFFFFFFE, 4)

    async def capture(self, frame_count: int, **changes) -> None:
        plan = plain.Plan(PLAN.audio, codec="pcm", frame_samples=2, **changes)
        stop = asyncio.get_running_loop().create_future()
        await client.capture(Source(frame_count), plan, self.buffer, stop)

    async def test_lets_a_file_wait_for_room(self):
        capturing = asyncio.ensure_future(self.capture(6))
        done, _ = await asyncio.wait({capturing}, timeout=0.05)
        self.assertEqual((done, list(self.buffer.frames)), (set(), [2**32 - 2, 2**32 - 1, 0, 1]))
        self.assertFalse(self.buffer.is_complete)
        self.buffer.free_before(1)
        await asyncio.wait_for(capturing, 10)
        self.assertEqual((list(self.buffer.frames), self.buffer.dropped, self.buffer.is_complete), ([1, 2, 3], 0, True))
        self.assertEqual(self.buffer.frames[3].message, plain.encode_frame("pcm", 3, struct.pack("<hh", 5, -5)))
        self.assertEqual(self.buffer.frames[3].capture_us, 5 * 125)

    async def test_drops_the_oldest_of_live_audio(self):
        await self.capture(6, realtime=True, endless=True)
        self.assertEqual((list(self.buffer.frames), self.buffer.dropped), ([0, 1, 2, 3], 2))


class Options(unittest.TestCase):
    def test_refuses_wrong_ones_with_the_reason(self):
        for arguments, message in (
            (("--buffer-s", "3"), "--buffer-s is 3"),
            (("--buffer-s", "nan"), "--buffer-s is nan"),
            (("--first-seq", "4294967296"), "--first-seq is 4294967296"),
            (("--frame-ms", "0"), "--frame-ms is 0"),
            (("--url", "http://localhost/ws"), "must look like ws://"),
        ):
            with contextlib.redirect_stderr(io.StringIO()) as err, self.assertRaises(SystemExit) as exit_:
                client.parse_arguments(list(arguments))
            self.assertEqual(exit_.exception.code, 2)
            self.assertIn(message, err.getvalue())


if __name__ == "__main__":
    unittest.main()
