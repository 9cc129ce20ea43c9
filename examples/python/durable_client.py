#!/usr/bin/env python3
"""Streams audio to an EET server so that nothing is lost and nothing comes twice: `eet.v1+ack` of docs/protocol.md.

Each frame is kept until the server has acknowledged it; when the connection breaks, the client makes a new one and goes
on with its session. This file holds that and little else, to be read and ported: reading and encoding audio, and the
plain part of the protocol, are in stream_client.py beside it. On a microcontroller `capture`, `listen` (the library's
callback for data) and the state machine are three tasks around one buffer.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import struct
import sys
import time
from typing import NamedTuple

import stream_client as plain
import websockets
from websockets.exceptions import ConnectionClosed, WebSocketException

SUBPROTOCOL = "eet.v1+ack"
WELC, ACKF, RSUM, ANCR, FINI = 0x434C4557, 0x464B4341, 0x4D555352, 0x52434E41, 0x494E4946
WELC_RESUMED, WELC_ANSWERS_RSUM = 1, 2
RSUM_LOW_NIBBLE_FIRST = 1
SEQ_MASK = 0xFFFFFFFF

TICK_S = 0.01
LEAST_BUFFER_S = 4
WELC_TIMEOUT_S, RSUM_TIMEOUT_S = 3, 60
PING_INTERVAL_S, DEAD_AFTER_S = 5, 15  # the server may stop reading for 8 s; longer than that, nobody is there
ANCHOR_INTERVAL_S = 30
FIRST_WAIT_S, LONGEST_WAIT_S = 1, 30

# What the server asks for when it closes. After any other code, and without one: connect again.
STOP_CODES = {1002, 1003, 1007, 1008, 1009, 4400, 4401, 4403, 4409, 4413, 4415, 4422}
LEAST_WAITS_S = {4429: 30, 4503: 10, 4507: 10}


# --- messages --------------------------------------------------------------------------------------------------


def seq_distance(start: int, end: int) -> int:
    """How many frames `end` is ahead of `start`, negative when behind: (int32_t)(end - start) in C."""
    return ((end - start + 0x80000000) & SEQ_MASK) - 0x80000000


def seq_after(seq: int) -> int:
    return (seq + 1) & SEQ_MASK


def decode_welcome(message: bytes) -> tuple[int, int, int] | None:
    """(next, session, flags) of a WELC, None for others. Later versions may append fields, so it may be longer."""
    is_welcome = len(message) >= 40 and struct.unpack_from("<I", message) == (WELC,)
    return struct.unpack_from("<IQ10xH", message, 8) if is_welcome else None


def decode_durable_next(message: bytes) -> int | None:
    """What an ACKF frees: every frame before this one. None for other messages."""
    is_acknowledgement = len(message) >= 24 and struct.unpack_from("<I", message) == (ACKF,)
    return struct.unpack_from("<I", message, 8)[0] if is_acknowledgement else None


def encode_resume(oldest: int, session: int, nibble_order: int) -> bytes:
    return struct.pack("<IIIQI", RSUM, 12, oldest, session, nibble_order)


def encode_anchor(seq: int, capture_ms: int, capture_us: int, dropped: int) -> bytes:
    return struct.pack("<IIIQQII", ANCR, 24, seq, capture_ms, capture_us, dropped, 0)


def encode_finish(end: int) -> bytes:
    return struct.pack("<III", FINI, 0, end)


# --- the buffer ------------------------------------------------------------------------------------------------


class Frame(NamedTuple):
    message: bytes
    capture_us: int


class FrameBuffer:
    """The frames from `oldest` up to, not including, `next`. A device keeps frame n in slot n % capacity of a ring."""

    def __init__(self, first: int, capacity: int):
        self.oldest = self.next = first
        self.capacity = capacity
        self.durable = 0
        self.dropped = 0  # gone without an acknowledgement
        self.is_complete = False  # nothing is appended any more
        self.frames: dict[int, Frame] = {}

    def __len__(self) -> int:
        return len(self.frames)

    def is_full(self) -> bool:
        return len(self) >= self.capacity

    def append(self, frame: Frame) -> None:
        self.frames[self.next] = frame
        self.next = seq_after(self.next)

    def reaches(self, seq: int) -> bool:
        """Whether `seq` is a frame held or the next one. Nothing else that the server says is believed."""
        return 0 <= seq_distance(self.oldest, seq) <= len(self)

    def free_before(self, durable_next: int) -> bool:
        """Forgets what is durable; tells whether that was anything."""
        count = seq_distance(self.oldest, durable_next) if self.reaches(durable_next) else 0
        for _ in range(count):
            self.remove_oldest()
        self.durable += count
        return count > 0

    def drop_oldest(self) -> None:
        self.remove_oldest()
        self.dropped += 1

    def remove_oldest(self) -> None:
        del self.frames[self.oldest]
        self.oldest = seq_after(self.oldest)


# --- the state machine -----------------------------------------------------------------------------------------


class DurableClient:
    """Delivers what comes into the buffer. A state is a method: it does its work and gives the state that follows."""

    def __init__(self, stream: plain.Stream, plan: plain.Plan, buffer: FrameBuffer):
        self.state = self.connecting
        self.error: str | None = None
        self.sent = 0  # each frame once, however often it had to be sent
        self._stream, self._plan, self._buffer = stream, plan, buffer
        self._session = 0
        self._dropped_before = 0  # frames dropped before the session began
        self._cursor = self._furthest = buffer.oldest  # the next frame to send: on this connection, on all so far
        self._anchor_due_s = 0.0
        self._wait_bound_s, self._least_wait_s = FIRST_WAIT_S, 0
        self._ws = self._listener = None

    async def run(self) -> None:
        while self.state:
            try:
                self.state = await self.state()
            except (ConnectionClosed, WebSocketException, OSError, asyncio.TimeoutError) as error:
                self.state = self._judge(error)
        self._abandon()

    async def connecting(self):
        # TCP alone notices only after many minutes that the other side has gone: PING finds out.
        self._ws = await websockets.connect(
            plain.with_token(self._stream.url),
            subprotocols=[SUBPROTOCOL],
            compression=None,
            ping_interval=PING_INTERVAL_S,
            ping_timeout=DEAD_AFTER_S,
            close_timeout=plain.CLOSE_TIMEOUT_S,
        )
        return self.greeting

    async def greeting(self):
        plan, buffer = self._plan, self._buffer
        # The clock at the oldest frame, not now: a new session begins with that frame.
        start_us = buffer.frames[buffer.oldest].capture_us if plan.realtime and buffer else monotonic_us()
        audio = (plan.audio.rate_hz, plan.channels, plan.codec, plan.frame_samples)
        await self._send(plain.encode_handshake(self._stream.stream_id, *audio, wall_ms(start_us)))
        if self._ws.subprotocol != SUBPROTOCOL:
            return self.streaming_plainly  # without RSUM: a server that does not know it takes it for a broken frame
        nibble_order = RSUM_LOW_NIBBLE_FIRST if plan.codec == "adpcm" else 0
        await self._send(encode_resume(buffer.oldest, self._session, nibble_order))
        following, session, flags = await self._receive_welcome(WELC_TIMEOUT_S)
        while not flags & WELC_ANSWERS_RSUM:  # the first one answers the handshake alone
            following, session, flags = await self._receive_welcome(RSUM_TIMEOUT_S)
        self._cursor = buffer.oldest
        if not flags & WELC_RESUMED:  # all that is held goes into a new session
            self._session, self._dropped_before = session, buffer.dropped
        elif buffer.reaches(following):
            self._cursor = following  # those before it have come, but are not durable yet: keep them
        self._anchor_due_s = 0.0
        self._listener = asyncio.ensure_future(self.listen())
        self._listener.add_done_callback(lambda task: task.cancelled() or task.exception())  # its end is no surprise
        return self.streaming

    async def _receive_welcome(self, timeout_s: float) -> tuple[int, int, int]:
        while True:
            welcome = decode_welcome(await asyncio.wait_for(self._ws.recv(), timeout_s))
            if welcome:
                return welcome

    async def listen(self) -> None:
        """Frees what each ACKF covers, until `recv` raises because the connection has ended."""
        while True:
            durable_next = decode_durable_next(await self._ws.recv())
            if durable_next is not None and self._buffer.free_before(durable_next):
                self._wait_bound_s = FIRST_WAIT_S

    async def streaming(self):
        buffer = self._buffer
        while not (buffer.is_complete and self._cursor == buffer.next):
            if self._listener.done():
                self._listener.result()  # raises what ended the connection
            if seq_distance(self._cursor, buffer.oldest) > 0:  # those between are gone: an ANCR tells so
                self._cursor, self._anchor_due_s = buffer.oldest, 0.0
            if self._cursor == buffer.next:
                await asyncio.sleep(TICK_S)
            else:
                await self._send_frame(self._cursor, buffer.frames[self._cursor])
        return self.finishing

    async def _send_frame(self, seq: int, frame: Frame) -> None:
        if time.monotonic() >= self._anchor_due_s:
            capture_ms = wall_ms(frame.capture_us) if self._plan.realtime else 0  # a file has no clock
            dropped = self._buffer.dropped - self._dropped_before
            await self._send(encode_anchor(seq, capture_ms, frame.capture_us, dropped))
            self._anchor_due_s = time.monotonic() + ANCHOR_INTERVAL_S
        await self._send(frame.message)
        self._cursor = seq_after(seq)
        if seq_distance(self._furthest, self._cursor) > 0:
            self._furthest = self._cursor
            self.sent += 1

    async def _send(self, message: bytes) -> None:
        await asyncio.wait_for(self._ws.send(message), DEAD_AFTER_S)
        await asyncio.sleep(0)  # a send that finds room does not yield, and the other tasks want their turn

    async def finishing(self):
        await self._send(encode_finish(self._buffer.next))
        await self._listener  # ends by raising; _judge tells success from failure

    async def streaming_plainly(self):
        """Version 1, where nothing comes back: a frame is given up when it is sent."""
        buffer = self._buffer
        while buffer or not buffer.is_complete:
            if not buffer:
                await asyncio.sleep(TICK_S)
                continue
            seq = buffer.oldest
            await self._send(buffer.frames[seq].message)
            self.sent += 1
            if seq == buffer.oldest:
                buffer.remove_oldest()
        await self._ws.close()
        self.error = "the server does not acknowledge: what of it is durable is not known"

    async def waiting(self):
        self._abandon()
        await asyncio.sleep(self._least_wait_s + random.uniform(0, self._wait_bound_s))
        self._wait_bound_s = min(2 * self._wait_bound_s, LONGEST_WAIT_S)
        return self.connecting

    def _judge(self, error: Exception):
        """What follows when a connection has ended or cannot be made; None, which ends all, for good or for bad."""
        close = getattr(error, "rcvd", None)  # the server's CLOSE, where one came
        code = close.code if close else None
        status = getattr(getattr(error, "response", error), "status_code", 0)  # of an upgrade that was refused
        if self.state == self.finishing and code == 1000 and not self._buffer:
            return None
        why = str(error) or "no answer came in time"
        if code in STOP_CODES or (400 <= status < 500 and status != 429):
            self.error = why
            return None
        print(f"{why}; connecting again", file=sys.stderr, flush=True)
        self._least_wait_s = LEAST_WAITS_S.get(code, 0)
        return self.waiting

    def _abandon(self) -> None:
        """Drops TCP at once: a farewell may never be answered."""
        if self._listener:
            self._listener.cancel()
        if self._ws:
            self._ws.transport.abort()
        self._ws = self._listener = None


# --- audio in, lines out ---------------------------------------------------------------------------------------


def monotonic_us() -> int:
    return time.monotonic_ns() // 1_000


def wall_ms(moment_us: int) -> int:
    """The wall clock at a moment of the monotonic one."""
    return (time.time_ns() // 1_000 - monotonic_us() + moment_us) // 1_000


async def capture(source: plain.Source, plan: plain.Plan, buffer: FrameBuffer, stop: asyncio.Future) -> None:
    """Audio into numbered frames. A full buffer lets a file wait; live audio cannot, the oldest frame is dropped."""
    encoder = plain.AdpcmEncoder(plan.nibble_order) if plan.codec == "adpcm" else None
    rate_hz, start_s, samples = plan.audio.rate_hz, time.monotonic(), 0
    try:
        while not stop.done():
            pcm = plan.audio.to_pcm16(await source.read(plan.frame_samples * plan.audio.block_bytes))
            if not pcm:
                break
            begin_s, samples = samples / rate_hz, samples + len(pcm) // (2 * plan.channels)
            if plan.realtime:
                if not plan.endless:  # a file plays the microphone
                    await asyncio.sleep(start_s + samples / rate_hz - time.monotonic())
                begin_s += time.monotonic() - samples / rate_hz  # the last sample has come just now
                if buffer.is_full():
                    buffer.drop_oldest()
            while buffer.is_full():
                await asyncio.sleep(TICK_S)
            payload = encoder.encode(pcm) if encoder else pcm
            frame = plain.encode_frame(plan.codec, buffer.next, payload)
            buffer.append(Frame(frame, round(begin_s * 1_000_000)))
            await asyncio.sleep(0)
        if not samples and not stop.done():
            raise plain.InputError("there was no audio to send")
    finally:
        buffer.is_complete = True


def describe(client: DurableClient, buffer: FrameBuffer) -> str:
    dropped = f", {buffer.dropped} dropped" if buffer.dropped else ""
    return f"{client.sent} frames sent, {buffer.durable} durable, {len(buffer)} buffered{dropped}"


async def report(client: DurableClient, buffer: FrameBuffer) -> None:
    start_s = time.monotonic()
    while True:
        await asyncio.sleep(1)
        elapsed_s = time.monotonic() - start_s
        print(f"{elapsed_s:.0f} s: {client.state.__name__}, {describe(client, buffer)}", file=sys.stderr, flush=True)


def parse_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Deliver audio to an EET server: nothing lost, nothing twice.")
    add = parser.add_argument
    add("--wav", metavar="FILE", help=f"WAV file, or - for standard input (default: {plain.DEFAULT_WAV})")
    add("--raw", action="store_true", help="the input is headerless 16-bit little-endian PCM")
    add("--rate", type=int, metavar="HZ", help="sample rate of --raw (default: 16000)")
    add("--channels", type=int, metavar="N", help="channels of --raw (default: 1)")
    add("--live", dest="realtime", action="store_true", help="the input cannot wait; a file goes at the speed of sound")
    add("--buffer-s", type=float, default=30, metavar="S", help="audio to keep while it is not durable (default: 30)")
    add("--codec", choices=("adpcm", "pcm"), default="adpcm", help="default: adpcm, which is mono")
    add("--url", default="ws://localhost:5096/ws", help="default: ws://localhost:5096/ws; the token comes from EET_TOKEN")
    add("--hwid", help="device id: streams to URL/HWID")
    add("--frame-ms", type=int, default=20, metavar="MS", help="audio in a full frame (default: 20)")
    add("--first-seq", type=int, default=0, metavar="N", help="number of the first frame (default: 0)")
    # What stream_client.py has options for and this client has not.
    parser.set_defaults(streams=1, stream_id_base=1, seconds=None, loop=False, reset_state=False, mono=False)
    parser.set_defaults(nibble_order="low")
    options = parser.parse_args(arguments)
    problem = plain.find_problem(options)
    if not LEAST_BUFFER_S <= options.buffer_s < 1e9:
        problem = f"--buffer-s is {options.buffer_s:g}, it must be {LEAST_BUFFER_S} or more"
    if not 0 <= options.first_seq <= SEQ_MASK:
        problem = f"--first-seq is {options.first_seq}, it must be 0 to {SEQ_MASK}"
    if problem:
        parser.error(problem)
    return options


async def run(options: argparse.Namespace, input_stream) -> int:
    audio, data_bytes = plain.open_audio(options, input_stream)
    plan = plain.make_plan(options, audio)
    stop = asyncio.get_running_loop().create_future()
    plain.stop_on_signals(stop)
    if options.wav == "-":
        source = plain.PipeSource(input_stream, data_bytes, stop)
    else:
        (source,) = plain.make_file_sources(options, plan, input_stream, data_bytes)
    buffer = FrameBuffer(options.first_seq, round(options.buffer_s * 1000 / options.frame_ms))
    client = DurableClient(plain.make_streams(options)[0], plan, buffer)
    capturing = asyncio.ensure_future(capture(source, plan, buffer, stop))
    reporting = asyncio.ensure_future(report(client, buffer))
    await client.run()
    reporting.cancel()
    print(describe(client, buffer))
    if client.error:
        raise plain.StreamError(client.error)
    await capturing  # raises what was wrong with the input
    if stop.done() and not plan.endless:
        return 130
    return 1 if buffer.dropped else 0


def main(arguments: list[str] | None = None) -> int:
    options = parse_arguments(arguments)
    try:
        with plain.open_input(options) as input_stream:
            return asyncio.run(run(options, input_stream))
    except (plain.InputError, plain.StreamError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
