#!/usr/bin/env python3
"""Streams a WAV file, or live audio from standard input, to an EET server over WebSocket.

One file, Python 3.9 or newer, one dependency (`websockets`). It speaks version 1 of the wire protocol:
a 32-byte handshake, then one binary message per frame, then a clean close. Everything on the wire is little-endian.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import math
import os
import signal
import struct
import sys
import threading
import time
import warnings
from bisect import bisect_right
from dataclasses import dataclass
from functools import lru_cache
from typing import BinaryIO, Union
from urllib.parse import quote, urlsplit

import websockets
from websockets.exceptions import ConnectionClosed, WebSocketException

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    try:
        import audioop  # in C and fast; left the standard library in Python 3.13
    except ImportError:
        audioop = None

HANDSHAKE_MAGIC = 0x41445043
PROTOCOL_VERSION = 1
HANDSHAKE_BYTES = 32
CODEC_IDS = {"pcm": 0, "adpcm": 1}
FRAME_MAGICS = {"pcm": 0x464D4350, "adpcm": 0x41445046}
SAMPLE_RATES_HZ = range(4_000, 192_001)
CHANNEL_COUNTS = range(1, 9)
MAX_FRAME_SAMPLES = 0xFFFF
MAX_U32 = 0xFFFFFFFF

DEFAULT_WAV = os.path.join("data", "sine_pcm16.wav")
OPEN_TIMEOUT_S = 30
CLOSE_TIMEOUT_S = 60  # the server answers the close only after everything still in the socket's buffers
READ_BYTES = 64 * 1024
PIPE_CHUNKS = 4

CLOSE_ADVICE = {
    1000: "it ended the stream before everything was sent; start again",
    1001: "it is restarting; start again in a moment",
    1003: "it takes binary messages only; check that nothing on the way rewrites them",
    1006: "no close frame came, so it is restarting, overloaded or cannot store; see its log, then start again",
    1008: "it refused what was sent; compare --codec, --frame-ms and the audio's rate and channels with its log",
    1009: "a frame was too big for it; use a smaller --frame-ms",
    1011: "it failed inside; see its log",
}
HTTP_ADVICE = {
    400: "check the path of --url, and that --hwid is 1 to 64 of letters, digits, '-', '_', ':' and '.'",
    401: "put the device's token into the environment as EET_TOKEN; `eet token create --hwid ID` makes one",
    403: "the token in EET_TOKEN is for another device; `eet token create --hwid ID` makes one for this",
    404: "check the path of --url, usually /ws",
    503: "the server is busy or stopping; start again in a moment",
}


class InputError(Exception):
    """The audio cannot be read or cannot be sent; the message says what to do."""


class StreamError(Exception):
    """One stream failed; the message says why and what to do."""


# --- audio input -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class AudioFormat:
    """How samples lie in the input; `sample_bytes` is the container's size, valid bits are its upper ones."""

    rate_hz: int
    channels: int
    sample_bytes: int = 2
    is_float: bool = False

    @property
    def block_bytes(self) -> int:
        return self.channels * self.sample_bytes

    def to_pcm16(self, data: bytes) -> bytes:
        """Whole blocks of the input as s16le; integers keep their upper 16 bits, floats are rounded and clamped."""
        data = data[: len(data) // self.block_bytes * self.block_bytes]
        if self.is_float:
            return floats_to_pcm16(data, self.sample_bytes)
        if self.sample_bytes == 2:
            return data
        pcm = bytearray(len(data) // self.sample_bytes * 2)
        if self.sample_bytes == 1:
            pcm[1::2] = data.translate(UNSIGNED_TO_SIGNED)  # WAV's 8-bit samples are unsigned
        else:
            pcm[0::2] = data[self.sample_bytes - 2 :: self.sample_bytes]
            pcm[1::2] = data[self.sample_bytes - 1 :: self.sample_bytes]
        return bytes(pcm)


UNSIGNED_TO_SIGNED = bytes(value ^ 0x80 for value in range(256))


def floats_to_pcm16(data: bytes, sample_bytes: int) -> bytes:
    values = [value for (value,) in struct.iter_unpack("<f" if sample_bytes == 4 else "<d", data)]
    samples = (0 if math.isnan(value) else round(max(-32768, min(32767, value * 32768))) for value in values)
    return struct.pack(f"<{len(values)}h", *samples)


def mix_to_mono(pcm: bytes, channels: int) -> bytes:
    """The average of all channels of interleaved s16le."""
    samples = struct.unpack(f"<{len(pcm) // 2}h", pcm)
    sums = (sum(samples[start : start + channels]) for start in range(0, len(samples), channels))
    return struct.pack(f"<{len(samples) // channels}h", *(total // channels for total in sums))


def read_exactly(stream: BinaryIO, size: int) -> bytes:
    """`size` bytes, fewer only at the end of the input; a pipe gives less than asked at each read."""
    data = bytearray()
    while len(data) < size:
        piece = stream.read(size - len(data))
        if not piece:
            break
        data += piece
    return bytes(data)


def skip(stream: BinaryIO, size: int) -> None:
    while size > 0:
        piece = stream.read(min(size, READ_BYTES))
        if not piece:
            return
        size -= len(piece)


def parse_wav_format(chunk: bytes) -> AudioFormat:
    """The `fmt ` chunk; WAVE_FORMAT_EXTENSIBLE keeps the real tag in the first two bytes of its sub-format."""
    if len(chunk) < 16:
        raise InputError(f"the WAV's fmt chunk has {len(chunk)} bytes, at least 16 are needed; the file is damaged")
    tag, channels, rate_hz, _, block_bytes, bits = struct.unpack_from("<HHIIHH", chunk)
    if tag == 0xFFFE and len(chunk) >= 26:
        (tag,) = struct.unpack_from("<H", chunk, 24)
    sample_bytes = block_bytes // channels if channels else 0
    is_float = tag == 3
    if (tag == 1 and sample_bytes in (1, 2, 3, 4)) or (is_float and sample_bytes in (4, 8)):
        return AudioFormat(rate_hz, channels, sample_bytes, is_float)
    raise InputError(
        f"the WAV holds format tag {tag} with {bits} bits and {channels} channels; integer PCM of 8 to 32 bits and"
        " float of 32 or 64 bits can be sent: convert it first, for example `sox in.wav -e signed -b 16 out.wav`"
    )


def open_wav(stream: BinaryIO) -> tuple[AudioFormat, int | None]:
    """Reads the header and leaves the stream at the first sample; gives the format and the data's size if known."""
    riff = read_exactly(stream, 12)
    if riff[:4] not in (b"RIFF", b"RF64", b"BW64") or riff[8:] != b"WAVE":
        raise InputError(f"the input is no WAV: it begins with {riff!r}; for headerless samples use --raw")
    audio_format = data_size = data_offset = large_size = None
    while audio_format is None or data_size is None:
        header = read_exactly(stream, 8)
        if len(header) < 8:
            missing = "fmt" if audio_format is None else "data"
            raise InputError(f"the WAV has no {missing} chunk; the file is damaged")
        name, size = struct.unpack("<4sI", header)
        padded_size = size + size % 2
        if name == b"fmt ":
            audio_format = parse_wav_format(read_exactly(stream, padded_size))
        elif name == b"ds64":  # RF64 keeps the sizes that do not fit 32 bits here
            (large_size,) = struct.unpack_from("<8xQ", read_exactly(stream, padded_size).ljust(16, b"\0"))
        elif name == b"data":
            data_size = large_size if size == MAX_U32 and large_size else size
            if audio_format is None:
                if not stream.seekable():
                    raise InputError("the WAV's data comes before its format, which needs a file, not a pipe")
                data_offset = stream.tell()
                skip(stream, data_size + data_size % 2)
        else:
            skip(stream, padded_size)
    if data_offset is not None:
        stream.seek(data_offset)
    # Writers that cannot seek back leave one of these in place of the size they did not know.
    is_placeholder = data_size in (0, MAX_U32) or (not stream.seekable() and data_size >= 0x7FFFF000)
    return audio_format, None if is_placeholder else data_size


class FileSource:
    """Reads a file's samples, over and over when looping; many sources can share one open file."""

    def __init__(self, stream: BinaryIO, start: int, data_bytes: int, loop: bool, cut_passes: bool):
        self._stream = stream
        self._start = start
        self._data_bytes = data_bytes
        self._loop = loop
        self._cut_passes = cut_passes
        self._position = 0
        self.passes = 1

    async def read(self, size: int) -> bytes:
        """`size` bytes, fewer at the end; a loop runs on across it unless passes are cut there."""
        data = self._take(size)
        while self._loop and len(data) < size and not (self._cut_passes and data):
            self._position = 0
            self.passes += 1
            data += self._take(size - len(data))
        return data

    def _take(self, size: int) -> bytes:
        size = min(size, self._data_bytes - self._position)
        self._stream.seek(self._start + self._position)
        data = read_exactly(self._stream, size)
        if len(data) < size:
            raise InputError("the file became shorter while it was sent")
        self._position += size
        return data


class PipeSource:
    """Reads a pipe in a thread of its own, a few chunks ahead at most, so that the sockets stay served."""

    passes = 1

    def __init__(self, stream: BinaryIO, data_bytes: int | None, stop: asyncio.Future):
        self._stream = stream
        self._left = sys.maxsize if data_bytes is None else data_bytes
        self._stop = stop
        self._buffer = bytearray()
        self._ended = False
        self._chunks: asyncio.Queue[bytes] = asyncio.Queue()
        self._free_slots = threading.Semaphore(PIPE_CHUNKS)
        # A daemon, for nothing can wake a thread that waits for a silent pipe.
        threading.Thread(target=self._pump, args=(asyncio.get_running_loop(),), daemon=True).start()

    async def read(self, size: int) -> bytes:
        """`size` bytes, fewer at the end of the input or when told to stop."""
        size = min(size, self._left)
        while len(self._buffer) < size and not self._ended:
            chunk = asyncio.ensure_future(self._chunks.get())
            await asyncio.wait({chunk, self._stop}, return_when=asyncio.FIRST_COMPLETED)
            if not chunk.done():
                chunk.cancel()
                break
            self._free_slots.release()
            self._ended = not chunk.result()
            self._buffer += chunk.result()
        data = bytes(self._buffer[:size])
        del self._buffer[:size]
        self._left -= len(data)
        return data

    def _pump(self, loop: asyncio.AbstractEventLoop) -> None:
        chunk = b"begin"
        while chunk:
            self._free_slots.acquire()
            chunk = self._stream.read(READ_BYTES)
            try:
                loop.call_soon_threadsafe(self._chunks.put_nowait, chunk)
            except RuntimeError:  # the loop is closed: all is over
                return


Source = Union[FileSource, PipeSource]


# --- wire format -----------------------------------------------------------------------------------------------


def encode_handshake(
    stream_id: int, rate_hz: int, channels: int, codec: str, frame_samples: int, timestamp_ms: int
) -> bytes:
    """The first message [P-1.1]."""
    head = struct.pack("<IHH", HANDSHAKE_MAGIC, PROTOCOL_VERSION, HANDSHAKE_BYTES)
    audio = struct.pack("<IIHHH", stream_id, rate_hz, channels, CODEC_IDS[codec], frame_samples)
    return head + audio + struct.pack("<HQ", 0, timestamp_ms)


def encode_frame(codec: str, seq: int, payload: bytes) -> bytes:
    """One audio message [P-1.2]; seq wraps at 32 bits."""
    return struct.pack("<III", FRAME_MAGICS[codec], len(payload), seq & MAX_U32) + payload


IMA_INDEX_STEPS = (-1, -1, -1, -1, 2, 4, 6, 8)
IMA_STEP_SIZES = (
    7, 8, 9, 10, 11, 12, 13, 14, 16, 17, 19, 21, 23, 25, 28, 31, 34, 37, 41, 45, 50, 55, 60, 66, 73, 80, 88, 97, 107,
    118, 130, 143, 157, 173, 190, 209, 230, 253, 279, 307, 337, 371, 408, 449, 494, 544, 598, 658, 724, 796, 876, 963,
    1060, 1166, 1282, 1411, 1552, 1707, 1878, 2066, 2272, 2499, 2749, 3024, 3327, 3660, 4026, 4428, 4871, 5358, 5894,
    6484, 7132, 7845, 8630, 9493, 10442, 11487, 12635, 13899, 15289, 16818, 18500, 20350, 22385, 24623, 27086, 29794,
    32767,
)  # fmt: skip
# For each step index, the least difference that each code stands for: its bits are a step, a half and a quarter of one.
IMA_LEVELS = tuple(
    tuple((code >> 2) * step + (code >> 1 & 1) * (step >> 1) + (code & 1) * (step >> 2) for code in range(8))
    for step in IMA_STEP_SIZES
)


@lru_cache(maxsize=1024)  # parallel streams of one file encode the same frames
def encode_ima_python(pcm: bytes, state: tuple[int, int]) -> tuple[bytes, tuple[int, int]]:
    """IMA ADPCM, high nibble first, bit for bit as `audioop.lin2adpcm(pcm, 2, state)`.

    The state is (predictor, step index). Codes come in pairs: an odd last sample's code is dropped, yet the state
    includes it, so that the next frame's header tells a decoder what it was [P-1.6].
    """
    predictor, index = state
    codes = bytearray()
    for (sample,) in struct.iter_unpack("<h", pcm):
        levels = IMA_LEVELS[index]
        code = bisect_right(levels, abs(sample - predictor)) - 1
        change = levels[code] + (IMA_STEP_SIZES[index] >> 3)
        if sample < predictor:
            predictor = max(-32768, predictor - change)
            codes.append(code | 8)
        else:
            predictor = min(32767, predictor + change)
            codes.append(code)
        index = max(0, min(88, index + IMA_INDEX_STEPS[code]))
    return bytes(high << 4 | low for high, low in zip(codes[0::2], codes[1::2])), (predictor, index)


def encode_ima_audioop(pcm: bytes, state: tuple[int, int]) -> tuple[bytes, tuple[int, int]]:
    return audioop.lin2adpcm(pcm, 2, state)


# audioop takes samples in the machine's byte order, these are little-endian.
encode_ima = encode_ima_audioop if audioop and sys.byteorder == "little" else encode_ima_python

SWAP_NIBBLES = bytes((value & 0x0F) << 4 | value >> 4 for value in range(256))


class AdpcmEncoder:
    """Mono s16le to ADPCM payloads [P-1.4]: the encoder's state before the frame, then its codes."""

    def __init__(self, nibble_order: str):
        self._swap = nibble_order == "low"
        self._state = (0, 0)

    def reset(self) -> None:
        self._state = (0, 0)

    def encode(self, pcm: bytes) -> bytes:
        header = struct.pack("<hBB", *self._state, 0)
        codes, self._state = encode_ima(pcm, self._state)
        return header + (codes.translate(SWAP_NIBBLES) if self._swap else codes)


# --- streaming -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Plan:
    """What every stream sends."""

    audio: AudioFormat
    codec: str = "adpcm"
    nibble_order: str = "high"
    mono: bool = False
    frame_samples: int = 320
    max_samples: int = sys.maxsize
    realtime: bool = False
    reset_state: bool = False
    endless: bool = False

    @property
    def channels(self) -> int:
        return 1 if self.mono else self.audio.channels


@dataclass
class Stream:
    """One connection and how far it got; `error` is None as long as nothing went wrong."""

    stream_id: int
    url: str
    frames: int = 0
    samples: int = 0
    lag_s: float = 0.0
    state: str = "waiting"  # then "open", then "closed"
    finished: bool = False
    error: str | None = None

    @property
    def complete(self) -> bool:
        return self.finished and not self.error


async def send_audio(ws, stream: Stream, source: Source, plan: Plan, stop: asyncio.Future) -> None:
    """Handshake, then all frames; each send waits until the socket's buffer, which is bounded, has room."""
    rate_hz = plan.audio.rate_hz
    now_ms = time.time_ns() // 1_000_000
    await ws.send(encode_handshake(stream.stream_id, rate_hz, plan.channels, plan.codec, plan.frame_samples, now_ms))
    encoder = AdpcmEncoder(plan.nibble_order) if plan.codec == "adpcm" else None
    passes = source.passes
    start_s = time.monotonic()
    while stream.samples < plan.max_samples and not stop.done():
        sample_count = min(plan.frame_samples, plan.max_samples - stream.samples)
        pcm = plan.audio.to_pcm16(await source.read(sample_count * plan.audio.block_bytes))
        if not pcm:
            break
        if plan.mono:
            pcm = mix_to_mono(pcm, plan.audio.channels)
        if encoder and plan.reset_state and source.passes != passes:
            encoder.reset()
        passes = source.passes
        if plan.realtime:
            due_s = start_s + stream.samples / rate_hz
            await asyncio.sleep(due_s - time.monotonic())
            stream.lag_s = max(0.0, time.monotonic() - due_s)
        await ws.send(encode_frame(plan.codec, stream.frames, encoder.encode(pcm) if encoder else pcm))
        stream.frames += 1
        stream.samples += len(pcm) // (2 * plan.channels)
        await asyncio.sleep(0)  # a send that finds room does not yield, and the other streams want their turn
    if not stream.frames and not stop.done():
        raise InputError("there was no audio to send")
    stream.finished = plan.endless or not stop.done()


async def discard_incoming(ws) -> None:
    """Reads until the connection ends; only /ws/echo sends anything, and unread messages would stall it."""
    with contextlib.suppress(ConnectionClosed):
        async for _ in ws:
            pass


def with_token(url: str) -> str:
    """The address with the device's token as its password, which `websockets` sends as `Authorization: Basic` [P-3.1]."""
    token = os.environ.get("EET_TOKEN")
    if not token or "@" in urlsplit(url).netloc:
        return url
    return url.replace("://", f"://:{quote(token, safe='')}@", 1)


async def connect(url: str):
    # Compressing ADPCM costs time and saves nothing.
    try:
        return await websockets.connect(
            with_token(url), compression=None, open_timeout=OPEN_TIMEOUT_S, close_timeout=CLOSE_TIMEOUT_S
        )
    except asyncio.TimeoutError:
        raise StreamError(f"no answer from {url} within {OPEN_TIMEOUT_S} s; check --url and the network") from None
    except OSError as error:
        raise StreamError(f"cannot reach {url}: {error}; check --url and that the server runs") from error
    except WebSocketException as error:
        response = getattr(error, "response", error)  # websockets before 14 keeps the status on the error itself
        advice = HTTP_ADVICE.get(getattr(response, "status_code", 0), "check that --url names an EET server")
        raise StreamError(f"{url} refused the connection: {error}; {advice}") from error


async def run_stream(stream: Stream, source: Source, plan: Plan, stop: asyncio.Future) -> None:
    """Runs one stream from connect to the end of the close handshake; never raises for what can go wrong on the way."""
    try:
        ws = await connect(stream.url)
        stream.state = "open"
        incoming = asyncio.ensure_future(discard_incoming(ws))
        sending = asyncio.ensure_future(send_audio(ws, stream, source, plan, stop))
        try:
            await asyncio.wait({incoming, sending}, return_when=asyncio.FIRST_COMPLETED)
            sending.cancel()  # the server closed; no effect when all was sent
            with contextlib.suppress(asyncio.CancelledError, ConnectionClosed):
                await sending
        finally:
            # The close frame travels behind the last audio frame: once it is answered, the server has read everything.
            await ws.close(1000)
            await incoming
        if ws.close_code != 1000 or not (stream.finished or stop.done()):
            reason = f' "{ws.close_reason}"' if ws.close_reason else ""
            advice = CLOSE_ADVICE.get(ws.close_code, "see its log")
            raise StreamError(f"the server closed with {ws.close_code}{reason}: {advice}")
    except (StreamError, InputError, OSError) as error:
        stream.error = str(error)
    finally:
        stream.state = "closed"


async def report_progress(streams: list[Stream], plan: Plan) -> None:
    start_s = time.monotonic()
    while True:
        await asyncio.sleep(1)
        elapsed_s = time.monotonic() - start_s
        opened = sum(stream.state == "open" for stream in streams)
        frames = sum(stream.frames for stream in streams)
        audio_s = sum(stream.samples for stream in streams) / plan.audio.rate_hz
        lag_ms = max(stream.lag_s for stream in streams) * 1000
        pace = f", lag {lag_ms:.0f} ms" if plan.realtime else f", {audio_s / elapsed_s:.1f} x real time"
        print(
            f"{elapsed_s:.0f} s: {opened} of {len(streams)} open, {frames} frames, {audio_s:.1f} s of audio{pace}",
            file=sys.stderr,
            flush=True,
        )


def stop_on_signals(stop: asyncio.Future) -> None:
    """The first Ctrl-C or SIGTERM ends the streams cleanly, a second one ends the process."""
    loop = asyncio.get_running_loop()

    def set_stop() -> None:
        if not stop.done():
            stop.set_result(None)

    def request_stop(signum, _frame) -> None:
        signal.signal(signum, signal.SIG_DFL)
        loop.call_soon_threadsafe(set_stop)

    signal.signal(signal.SIGINT, request_stop)
    signal.signal(signal.SIGTERM, request_stop)


# --- command line ----------------------------------------------------------------------------------------------


def parse_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="Stream audio to an EET server over WebSocket.",
        epilog="It does not reconnect: when the server closes or cannot be reached, that stream ends with an error."
        " Exit code: 0 when every stream sent everything and closed cleanly, 1 when one did not, 2 for wrong options,"
        " 130 when interrupted before the end.",
    )
    add = parser.add_argument
    add("--wav", metavar="FILE", help=f"WAV file, or - for standard input (default: {DEFAULT_WAV})")
    add("--raw", action="store_true", help="the input is headerless 16-bit little-endian PCM")
    add("--rate", type=int, metavar="HZ", help="sample rate of --raw (default: 16000)")
    add("--channels", type=int, metavar="N", help="channels of --raw (default: 1)")
    add("--codec", choices=("adpcm", "pcm"), default="adpcm", help="default: adpcm, which is mono")
    add("--mono", action="store_true", help="mix all channels down to one")
    add("--url", default="ws://localhost:5096/ws", help="default: ws://localhost:5096/ws; the token comes from EET_TOKEN")
    add("--hwid", help="device id: streams to URL/HWID; with more than one stream to URL/HWID-1 to URL/HWID-N")
    add("--streams", type=int, default=1, metavar="N", help="connections in parallel (default: 1)")
    add("--stream-id-base", type=int, default=1, metavar="ID", help="the first stream's id (default: 1)")
    add("--frame-ms", type=int, default=20, metavar="MS", help="audio in a full frame (default: 20)")
    add("--realtime", action="store_true", help="send at the speed of sound, not as fast as the server takes it")
    add("--loop", action="store_true", help="start the file again at its end, until Ctrl-C or --seconds")
    add("--reset-state", action="store_true", help="reset the ADPCM encoder where --loop starts again")
    add("--seconds", type=float, metavar="N", help="stop each stream after N seconds of audio")
    add("--nibble-order", choices=("high", "low"), default="high", help="first ADPCM code of a byte (default: high)")
    add("--json", action="store_true", help="print the summary as one line of JSON")
    options = parser.parse_args(arguments)
    problem = find_problem(options)
    if problem:
        parser.error(problem)
    return options


def find_problem(options: argparse.Namespace) -> str | None:
    """The first thing wrong with the options, or None."""
    if options.streams < 1:
        return f"--streams is {options.streams}, it must be 1 or more"
    if options.stream_id_base < 0 or options.stream_id_base + options.streams - 1 > MAX_U32:
        return f"--stream-id-base is {options.stream_id_base}, every stream's id must be 0 to {MAX_U32}"
    if options.frame_ms < 1:
        return f"--frame-ms is {options.frame_ms}, it must be 1 or more"
    if options.seconds is not None and not 0 < options.seconds < math.inf:
        return f"--seconds is {options.seconds}, it must be more than 0"
    if options.wav == "-" and options.loop:
        return "--loop needs a file: standard input cannot start again"
    if options.wav == "-" and options.streams > 1:
        return "standard input feeds one stream; use --streams 1 or a file"
    if not options.raw and (options.rate is not None or options.channels is not None):
        return "--rate and --channels describe --raw input; a WAV says its own"
    try:
        url = urlsplit(options.url)
        is_websocket = url.scheme in ("ws", "wss") and url.hostname and url.port != 0
    except ValueError:
        is_websocket = False
    if not is_websocket:
        return f"--url is {options.url!r}, it must look like ws://host:5096/ws or wss://host/ws"
    return None


def open_input(options: argparse.Namespace) -> BinaryIO:
    if options.wav == "-":
        return open(0, "rb", buffering=0, closefd=False)  # unbuffered: live audio is sent as it comes
    if options.wav is not None:
        return open(options.wav, "rb")
    beside_repository = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", DEFAULT_WAV)
    for path in (DEFAULT_WAV, beside_repository):
        if os.path.exists(path):
            return open(path, "rb")
    raise InputError(f"there is no {DEFAULT_WAV} here; name a file with --wav FILE")


def make_plan(options: argparse.Namespace, audio: AudioFormat) -> Plan:
    """Checks that the wire format can carry the audio [P-1.1]."""
    plan = Plan(
        audio=audio,
        codec=options.codec,
        nibble_order=options.nibble_order,
        mono=options.mono and audio.channels > 1,
        frame_samples=audio.rate_hz * options.frame_ms // 1000,
        max_samples=sys.maxsize if options.seconds is None else max(1, round(options.seconds * audio.rate_hz)),
        realtime=options.realtime,
        reset_state=options.reset_state,
        endless=options.seconds is None and (options.loop or options.wav == "-"),
    )
    if audio.rate_hz not in SAMPLE_RATES_HZ:
        raise InputError(f"the audio has {audio.rate_hz} Hz, 4000 to 192000 Hz can be sent; resample it first")
    if plan.channels not in CHANNEL_COUNTS:
        raise InputError(f"the audio has {plan.channels} channels, 1 to 8 can be sent; --mono mixes them down")
    if plan.codec == "adpcm" and plan.channels > 1:
        raise InputError(f"ADPCM is mono here and the audio has {plan.channels} channels; use --codec pcm or --mono")
    if not 1 <= plan.frame_samples <= MAX_FRAME_SAMPLES:
        raise InputError(
            f"--frame-ms {options.frame_ms} makes frames of {plan.frame_samples} samples at {audio.rate_hz} Hz,"
            f" 1 to {MAX_FRAME_SAMPLES} can be sent; choose another --frame-ms"
        )
    return plan


def make_streams(options: argparse.Namespace) -> list[Stream]:
    base = urlsplit(options.url)
    streams = []
    for number in range(1, options.streams + 1):
        url = base
        if options.hwid is not None:
            hwid = options.hwid if options.streams == 1 else f"{options.hwid}-{number}"
            url = base._replace(path=base.path.rstrip("/") + "/" + quote(hwid, safe=":"))
        streams.append(Stream(options.stream_id_base + number - 1, url.geturl()))
    return streams


def open_audio(options: argparse.Namespace, input_stream: BinaryIO) -> tuple[AudioFormat, int | None]:
    """The input's format and its data's size if known; leaves the stream at the first sample."""
    if options.raw:
        rate_hz = 16_000 if options.rate is None else options.rate
        return AudioFormat(rate_hz, 1 if options.channels is None else options.channels), None
    audio, data_bytes = open_wav(input_stream)
    if audio.is_float or audio.sample_bytes != 2:
        kind = "float" if audio.is_float else "integer"
        print(f"note: {audio.sample_bytes * 8}-bit {kind} samples are sent as 16-bit", file=sys.stderr)
    return audio, data_bytes


def make_file_sources(options: argparse.Namespace, plan: Plan, file: BinaryIO, data_bytes: int | None) -> list[Source]:
    start = file.tell()
    rest_bytes = os.fstat(file.fileno()).st_size - start
    data_bytes = rest_bytes if data_bytes is None else min(data_bytes, rest_bytes)
    data_bytes -= data_bytes % plan.audio.block_bytes
    if not data_bytes:
        raise InputError("the file holds no audio")
    return [FileSource(file, start, data_bytes, options.loop, plan.reset_state) for _ in range(options.streams)]


async def run(options: argparse.Namespace, plan: Plan, input_stream: BinaryIO, data_bytes: int | None) -> int:
    """Runs all streams and prints the summary; gives the exit code."""
    stop = asyncio.get_running_loop().create_future()
    stop_on_signals(stop)
    streams = make_streams(options)
    if options.wav == "-":
        sources: list[Source] = [PipeSource(input_stream, data_bytes, stop)]
    else:
        sources = make_file_sources(options, plan, input_stream, data_bytes)
    start_s = time.monotonic()
    progress = asyncio.ensure_future(report_progress(streams, plan))
    await asyncio.gather(*(run_stream(stream, source, plan, stop) for stream, source in zip(streams, sources)))
    progress.cancel()
    print_summary(streams, plan, time.monotonic() - start_s, options.json)
    if any(stream.error for stream in streams):
        return 1
    return 0 if all(stream.complete for stream in streams) else 130


def print_summary(streams: list[Stream], plan: Plan, wall_s: float, as_json: bool) -> None:
    for stream in streams:
        if stream.error:
            print(f"stream {stream.stream_id}: {stream.error}", file=sys.stderr)
    complete = sum(stream.complete for stream in streams)
    frames = sum(stream.frames for stream in streams)
    samples = sum(stream.samples for stream in streams)
    audio_s = samples / plan.audio.rate_hz
    if not as_json:
        print(
            f"{complete} of {len(streams)} streams complete: {frames} frames, {samples} samples,"
            f" {audio_s:.2f} s of audio in {wall_s:.2f} s"
        )
        return
    details = [
        {
            "streamId": stream.stream_id,
            "url": stream.url,
            "frames": stream.frames,
            "samples": stream.samples,
            "complete": stream.complete,
            "error": stream.error,
        }
        for stream in streams
    ]
    totals = {"complete": complete, "frames": frames, "samples": samples, "audioS": audio_s, "wallS": wall_s}
    print(json.dumps({**totals, "streams": details}))


def main(arguments: list[str] | None = None) -> int:
    options = parse_arguments(arguments)
    try:
        with open_input(options) as input_stream:
            audio, data_bytes = open_audio(options, input_stream)
            return asyncio.run(run(options, make_plan(options, audio), input_stream, data_bytes))
    except (InputError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:  # before there was anything to stop: while waiting for the header on a pipe
        return 130


if __name__ == "__main__":
    sys.exit(main())
