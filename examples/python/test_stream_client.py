"""Tests of stream_client.py: run with `python3 -m unittest discover -s examples/python`."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import io
import json
import os
import random
import signal
import struct
import subprocess
import sys
import tempfile
import unittest
from unittest import mock

import stream_client as client
import websockets

CLIENT = client.__file__


def pcm16(samples) -> bytes:
    return struct.pack(f"<{len(samples)}h", *samples)


def noise(sample_count: int, seed: int = 1) -> bytes:
    """Loud enough to saturate the encoder now and then."""
    return random.Random(seed).randbytes(2 * sample_count)


def chunk(name: bytes, body: bytes, size: int | None = None) -> bytes:
    return name + struct.pack("<I", len(body) if size is None else size) + body + b"\0" * (len(body) % 2)


def format_chunk(tag=1, channels=1, rate_hz=16_000, sample_bytes=2, extension=b"") -> bytes:
    block_bytes = channels * sample_bytes
    fields = (tag, channels, rate_hz, rate_hz * block_bytes, block_bytes, sample_bytes * 8)
    return chunk(b"fmt ", struct.pack("<HHIIHH", *fields) + extension)


def wav(*chunks: bytes, riff: bytes = b"RIFF") -> bytes:
    body = b"WAVE" + b"".join(chunks)
    return riff + struct.pack("<I", len(body)) + body


def mono_wav(pcm: bytes, rate_hz: int = 16_000) -> bytes:
    return wav(format_chunk(rate_hz=rate_hz), chunk(b"data", pcm))


class Pipe(io.BytesIO):
    """Bytes that cannot be sought and come three at a time."""

    def seekable(self):
        return False

    def read(self, size=-1):
        return super().read(min(size, 3))


class EncodeIma(unittest.TestCase):
    # The wire format's published vectors: input, state before, codes with the high nibble first, state after.
    VECTORS = (
        (
            (0, 1000, 2000, 4000, 8000, 12000, 16000, 20000, 16000, 8000, 0, -8000, -16000, -24000, -32768, 32767),
            (0, 0),
            "0777777773feabb7",
            (-16305, 82),
        ),
        ((30000, -30000, 5, -5, 0, 0, 0, 0), (-16305, 82), "7d380808", (-1163, 82)),
    )

    def test_gives_the_vectors_bit_for_bit(self):
        for samples, before, codes, after in self.VECTORS:
            self.assertEqual(client.encode_ima_python(pcm16(samples), before), (bytes.fromhex(codes), after))

    @unittest.skipUnless(client.audioop, "this Python has no audioop")
    def test_equals_audioop_for_every_length_and_state(self):
        generator = random.Random(7)
        for sample_count in [*range(12), 160, 441, 5_000, 5_001]:
            for seed in range(20):
                pcm = noise(sample_count, seed)
                state = (generator.randint(-32768, 32767), generator.randint(0, 88))
                self.assertEqual(client.encode_ima_python(pcm, state), client.encode_ima_audioop(pcm, state))

    def test_drops_an_odd_last_code_and_keeps_its_sample_in_the_state(self):
        even, odd = noise(8), noise(9)
        self.assertEqual(even, odd[:-2])
        codes, state = client.encode_ima_python(odd, (0, 0))
        self.assertEqual(codes, client.encode_ima_python(even, (0, 0))[0])
        self.assertNotEqual(state, client.encode_ima_python(even, (0, 0))[1])


class AdpcmEncoder(unittest.TestCase):
    def test_puts_the_state_before_the_frame_in_front_of_the_codes(self):
        encoder = client.AdpcmEncoder("high")
        payloads = [encoder.encode(pcm16(samples)) for samples, *_ in EncodeIma.VECTORS]
        self.assertEqual([payload.hex() for payload in payloads], ["000000000777777773feabb7", "4fc052007d380808"])

    def test_swaps_the_nibbles_when_low_comes_first(self):
        encoder = client.AdpcmEncoder("low")
        payloads = [encoder.encode(pcm16(samples)) for samples, *_ in EncodeIma.VECTORS]
        self.assertEqual([payload.hex() for payload in payloads], ["000000007077777737efba7b", "4fc05200d7838080"])

    def test_begins_anew_after_a_reset(self):
        encoder = client.AdpcmEncoder("high")
        first = encoder.encode(noise(100))
        self.assertNotEqual(encoder.encode(noise(100)), first)
        encoder.reset()
        self.assertEqual(encoder.encode(noise(100)), first)


class Messages(unittest.TestCase):
    def test_handshake_is_the_published_one(self):
        message = client.encode_handshake(7, 16_000, 1, "adpcm", 16, 1_700_000_000_000)
        self.assertEqual(message.hex(), "435044410100200007000000803e000001000100100000000068e5cf8b010000")

    def test_frame_carries_magic_length_and_a_wrapping_seq(self):
        self.assertEqual(client.encode_frame("pcm", 0xFFFFFFFF, b"ab").hex(), "50434d4602000000ffffffff6162")
        self.assertEqual(client.encode_frame("adpcm", 0x1_0000_0000, b"").hex(), "465044410000000000000000")


class OpenWav(unittest.TestCase):
    def read(self, data: bytes, stream_class=io.BytesIO):
        stream = stream_class(data)
        audio, data_bytes = client.open_wav(stream)
        return audio.to_pcm16(client.read_exactly(stream, len(data) if data_bytes is None else data_bytes))

    def test_converts_every_integer_width(self):
        expected = pcm16([-32768, -256, 0, 32512])
        for sample_bytes, samples in (
            (1, bytes([0, 127, 128, 255])),
            (2, expected),
            (3, b"".join(b"\xff" + expected[at : at + 2] for at in range(0, 8, 2))),
            (4, b"".join(b"\xff\xff" + expected[at : at + 2] for at in range(0, 8, 2))),
        ):
            data = wav(format_chunk(sample_bytes=sample_bytes), chunk(b"data", samples))
            self.assertEqual(self.read(data), expected, f"{sample_bytes} bytes")

    def test_rounds_and_clamps_floats(self):
        values = (0.0, 0.5, -1.0, 1.0, -7.5, float("inf"), float("nan"), 1.6 / 32768)
        expected = pcm16([0, 16384, -32768, 32767, -32768, 32767, 0, 2])
        for sample_bytes, code in ((4, "f"), (8, "d")):
            samples = struct.pack(f"<{len(values)}{code}", *values)
            data = wav(format_chunk(3, sample_bytes=sample_bytes), chunk(b"data", samples))
            self.assertEqual(self.read(data), expected)

    def test_reads_the_format_inside_an_extensible_one(self):
        extension = struct.pack("<HHIH", 22, 16, 4, 1) + bytes.fromhex("000000001000800000aa00389b71")
        data = wav(format_chunk(0xFFFE, extension=extension), chunk(b"data", pcm16([1, -2])))
        self.assertEqual(self.read(data), pcm16([1, -2]))

    def test_takes_chunks_in_any_order_and_skips_the_unknown(self):
        extra = chunk(b"LIST", b"odd")
        data = wav(extra, chunk(b"data", pcm16([1, 2, 3])), extra, format_chunk(), extra)
        self.assertEqual(self.read(data), pcm16([1, 2, 3]))

    def test_reads_to_the_end_when_the_size_is_unknown(self):
        for size in (0, 0xFFFFFFFF):
            data = wav(format_chunk(), chunk(b"data", pcm16([1, 2, 3]), size))
            self.assertEqual(self.read(data), pcm16([1, 2, 3]))
            self.assertEqual(self.read(data, Pipe), pcm16([1, 2, 3]))

    def test_takes_the_size_of_an_rf64_from_its_ds64_chunk(self):
        ds64 = chunk(b"ds64", struct.pack("<QQQI", 0, 4, 2, 0))
        data = wav(
            ds64, format_chunk(), chunk(b"data", pcm16([1, 2]), 0xFFFFFFFF), chunk(b"LIST", b"more"), riff=b"RF64"
        )
        self.assertEqual(self.read(data), pcm16([1, 2]))

    def test_reads_a_pipe_that_gives_a_few_bytes_at_a_time(self):
        data = wav(chunk(b"LIST", b"odd"), format_chunk(), chunk(b"data", pcm16([1, 2, 3])), chunk(b"LIST", b"more"))
        self.assertEqual(self.read(data, Pipe), pcm16([1, 2, 3]))

    def test_refuses_what_it_cannot_send_and_says_what_to_do(self):
        for data, stream_class, message in (
            (b"", io.BytesIO, "--raw"),
            (b"OggS" + bytes(40), io.BytesIO, "--raw"),
            (wav(format_chunk()), io.BytesIO, "no data chunk"),
            (wav(chunk(b"data", bytes(4))), io.BytesIO, "no fmt chunk"),
            (wav(chunk(b"fmt ", bytes(4))), io.BytesIO, "damaged"),
            (wav(format_chunk(7, sample_bytes=1), chunk(b"data", bytes(4))), io.BytesIO, "format tag 7 .* convert"),
            (wav(format_chunk(channels=0), chunk(b"data", bytes(4))), io.BytesIO, "0 channels"),
            (wav(chunk(b"data", bytes(4)), format_chunk()), Pipe, "needs a file"),
        ):
            with self.assertRaisesRegex(client.InputError, message):
                client.open_wav(stream_class(data))


class MixToMono(unittest.TestCase):
    def test_averages_the_channels(self):
        self.assertEqual(
            client.mix_to_mono(pcm16([100, 300, -32768, -32768, 32767, 32767]), 2), pcm16([200, -32768, 32767])
        )


class Server:
    """Keeps what arrives on every connection; may close after some messages."""

    def __init__(self, close_after: int | None = None, code: int = 1008, reason: str = ""):
        self.connections: list[list[bytes]] = []
        self.paths: list[str] = []
        self.authorizations: list[str | None] = []
        self.close_codes: list[int] = []
        self._close_after = close_after
        self._close = (code, reason)

    async def __aenter__(self) -> Server:
        self._server = await websockets.serve(self._receive, "127.0.0.1", 0)
        self.url = f"ws://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/ws"
        return self

    async def __aexit__(self, *_) -> None:
        self._server.close()
        await self._server.wait_closed()

    async def _receive(self, ws) -> None:
        messages: list[bytes] = []
        self.connections.append(messages)
        self.paths.append(ws.request.path if hasattr(ws, "request") else ws.path)
        headers = ws.request.headers if hasattr(ws, "request") else ws.request_headers
        self.authorizations.append(headers.get("Authorization"))
        with contextlib.suppress(websockets.exceptions.ConnectionClosed):
            async for message in ws:
                messages.append(message)
                if len(messages) == self._close_after:
                    await ws.close(*self._close)
        self.close_codes.append(ws.close_code)


class Result:
    def __init__(self, code: int, out: bytes, err: bytes):
        self.code, self.out, self.err = code, out.decode(), err.decode()


async def run_client(*arguments: str, stdin: bytes = b"") -> Result:
    process = await start_client(*arguments)
    out, err = await process.communicate(stdin)
    return Result(process.returncode, out, err)


async def start_client(*arguments: str) -> asyncio.subprocess.Process:
    pipe = subprocess.PIPE
    return await asyncio.create_subprocess_exec(
        sys.executable, CLIENT, *arguments, stdin=pipe, stdout=pipe, stderr=pipe
    )


def split_frames(messages: list[bytes]) -> list[bytes]:
    """The payloads of one connection, after checking the framing."""
    payloads = []
    for seq, message in enumerate(messages[1:]):
        magic, length, seen_seq = struct.unpack_from("<III", message)
        assert magic in client.FRAME_MAGICS.values() and length == len(message) - 12 and seen_seq == seq
        payloads.append(message[12:])
    return payloads


class Streaming(unittest.IsolatedAsyncioTestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def write(self, data: bytes) -> str:
        path = os.path.join(self.folder, "input.wav")
        with open(path, "wb") as file:
            file.write(data)
        return path

    async def test_sends_handshake_frames_and_a_clean_close(self):
        pcm = noise(1_000)
        async with Server() as server:
            result = await run_client("--url", server.url, "--wav", self.write(mono_wav(pcm)), "--codec", "pcm")
        self.assertEqual((result.code, result.err), (0, ""))
        self.assertIn("1 of 1 streams complete: 4 frames, 1000 samples", result.out)
        handshake = struct.unpack("<IHHIIHHHHQ", server.connections[0][0])
        self.assertEqual(handshake[:-1], (0x41445043, 1, 32, 1, 16_000, 1, 0, 320, 0))
        payloads = split_frames(server.connections[0])
        self.assertEqual([len(payload) for payload in payloads], [640, 640, 640, 80])
        self.assertEqual(b"".join(payloads), pcm)
        self.assertEqual(server.close_codes, [1000])

    async def test_sends_the_token_of_the_environment_and_shows_it_nowhere(self):
        path = self.write(mono_wav(noise(1_000)))
        with mock.patch.dict(os.environ, EET_TOKEN="eet_d_secret"):
            async with Server() as server:
                arguments = ("--url", server.url, "--wav", path, "--streams", "2", "--hwid", "mic", "--json")
                result = await run_client(*arguments)
        self.assertEqual(result.code, 0, result.err)
        basic = "Basic " + base64.b64encode(b":eet_d_secret").decode()
        self.assertEqual(server.authorizations, [basic, basic])
        self.assertNotIn("eet_d_secret", result.out + result.err)

    async def test_encodes_adpcm_across_odd_frames_as_one_encoder_would(self):
        pcm = noise(1_000)
        async with Server() as server:
            await run_client("--url", server.url, "--wav", self.write(mono_wav(pcm, 22_050)))
        encoder = client.AdpcmEncoder("high")
        expected = [encoder.encode(pcm[at : at + 882]) for at in range(0, len(pcm), 882)]
        self.assertEqual(split_frames(server.connections[0]), expected)

    async def test_runs_streams_in_parallel_each_with_its_id_and_hwid(self):
        path = self.write(mono_wav(noise(8_000)))
        async with Server() as server:
            result = await run_client(
                "--url",
                server.url,
                "--wav",
                path,
                "--streams",
                "50",
                "--stream-id-base",
                "7",
                "--hwid",
                "a:b",
                "--json",
            )
        summary = json.loads(result.out)
        self.assertEqual((result.code, summary["complete"], summary["samples"]), (0, 50, 400_000))
        self.assertEqual(sorted(server.paths), sorted(f"/ws/a:b-{number}" for number in range(1, 51)))
        ids = [struct.unpack_from("<8xI", messages[0])[0] for messages in server.connections]
        self.assertEqual(sorted(ids), list(range(7, 57)))
        self.assertEqual(len({b"".join(split_frames(messages)) for messages in server.connections}), 1)

    async def test_loops_without_a_seam(self):
        pcm = noise(1_000)
        async with Server() as server:
            arguments = ("--wav", self.write(mono_wav(pcm)), "--loop", "--seconds", "0.15625", "--codec", "pcm")
            result = await run_client("--url", server.url, *arguments)
        payloads = split_frames(server.connections[0])
        self.assertEqual((result.code, b"".join(payloads)), (0, pcm + pcm + pcm[:1_000]))
        self.assertEqual({len(payload) for payload in payloads[:-1]}, {640})

    async def test_ends_a_frame_and_resets_the_encoder_at_each_pass_when_asked(self):
        pcm = noise(1_000)
        async with Server() as server:
            arguments = ("--wav", self.write(mono_wav(pcm)), "--loop", "--seconds", "0.125", "--reset-state")
            await run_client("--url", server.url, *arguments)
        payloads = split_frames(server.connections[0])
        self.assertEqual([len(payload) for payload in payloads], [164, 164, 164, 24] * 2)
        self.assertEqual(payloads[:4], payloads[4:])

    async def test_reads_a_wav_and_raw_samples_from_standard_input(self):
        pcm = noise(1_000)
        for stdin, arguments in (
            (wav(format_chunk(channels=2), chunk(b"data", pcm, 0xFFFFFFFF)), ()),
            (pcm, ("--raw", "--rate", "16000", "--channels", "2")),
        ):
            async with Server() as server:
                result = await run_client("--url", server.url, "--wav", "-", "--codec", "pcm", *arguments, stdin=stdin)
            self.assertEqual((result.code, result.err), (0, ""))
            self.assertEqual(struct.unpack_from("<16xH", server.connections[0][0]), (2,))
            self.assertEqual(b"".join(split_frames(server.connections[0])), pcm)

    async def test_mixes_down_for_adpcm_or_says_how(self):
        path = self.write(wav(format_chunk(channels=2), chunk(b"data", noise(1_000))))
        async with Server() as server:
            refused = await run_client("--url", server.url, "--wav", path)
            mixed = await run_client("--url", server.url, "--wav", path, "--mono")
        self.assertEqual((refused.code, mixed.code, len(server.connections)), (1, 0, 1))
        self.assertRegex(refused.err, "2 channels; use --codec pcm or --mono")
        self.assertIn("500 samples", mixed.out)

    async def test_keeps_pace_in_real_time(self):
        path = self.write(mono_wav(noise(16_000)))
        async with Server() as server:
            result = await run_client("--url", server.url, "--wav", path, "--realtime", "--json")
        self.assertEqual(result.code, 0)
        self.assertGreaterEqual(json.loads(result.out)["wallS"], 0.97)

    async def test_reports_why_the_server_closed(self):
        path = self.write(mono_wav(noise(160_000)))
        async with Server(close_after=3, reason="invalid audio frame") as server:
            result = await run_client("--url", server.url, "--wav", path, "--realtime")
        self.assertEqual(result.code, 1)
        self.assertRegex(result.err, 'stream 1: the server closed with 1008 "invalid audio frame": .*--frame-ms')

    async def test_takes_an_early_goodbye_for_a_failure(self):
        path = self.write(mono_wav(noise(160_000)))
        async with Server(close_after=3, code=1000, reason="bye") as server:
            result = await run_client("--url", server.url, "--wav", path, "--realtime")
        self.assertEqual(result.code, 1)
        self.assertRegex(result.err, '1000 "bye": .*start again')

    async def test_says_when_no_server_answers(self):
        async with Server() as server:
            url = server.url
        result = await run_client("--url", url, "--wav", self.write(mono_wav(noise(100))))
        self.assertEqual(result.code, 1)
        self.assertRegex(result.err, "cannot reach .*check --url and that the server runs")

    @unittest.skipIf(os.name == "nt", "Windows sends no SIGINT to one process")
    async def test_ends_cleanly_when_interrupted(self):
        # An endless loop has nothing left to send: 0. A file that was cut short does: 130.
        for more, code in ((("--loop",), 0), ((), 130)):
            async with Server() as server:
                path = self.write(mono_wav(noise(160_000)))
                process = await start_client("--url", server.url, "--wav", path, "--realtime", *more)
                await process.stderr.readline()  # the first line of progress
                process.send_signal(signal.SIGINT)
                out, _ = await process.communicate()
            frames = len(split_frames(server.connections[0]))
            self.assertEqual((process.returncode, server.close_codes), (code, [1000]))
            self.assertIn(f" {frames} frames, {frames * 320} samples", out.decode())

    @unittest.skipIf(os.name == "nt", "Windows sends no SIGINT to one process")
    async def test_ends_cleanly_when_interrupted_while_the_pipe_is_silent(self):
        async with Server() as server:
            process = await start_client("--url", server.url, "--wav", "-", "--raw", "--codec", "pcm")
            process.stdin.write(noise(330))
            await process.stderr.readline()
            process.send_signal(signal.SIGINT)
            out = await process.stdout.read()
            code = await process.wait()
        self.assertEqual((code, server.close_codes), (0, [1000]))
        self.assertEqual(b"".join(split_frames(server.connections[0])), noise(330))
        self.assertIn(b"330 samples", out)


class Options(unittest.TestCase):
    def test_takes_a_token_in_the_address_before_that_of_the_environment(self):
        with mock.patch.dict(os.environ, EET_TOKEN="a/b"):
            self.assertEqual(client.with_token("wss://host/ws/mic"), "wss://:a%2Fb@host/ws/mic")
            self.assertEqual(client.with_token("ws://mic:t@host/ws/mic"), "ws://mic:t@host/ws/mic")
        with mock.patch.dict(os.environ, EET_TOKEN=""):
            self.assertEqual(client.with_token("ws://host/ws"), "ws://host/ws")

    def test_refuses_wrong_ones_with_the_reason(self):
        for arguments, message in (
            (("--streams", "0"), "--streams is 0"),
            (("--stream-id-base", "4294967295", "--streams", "2"), "--stream-id-base is 4294967295"),
            (("--frame-ms", "0"), "--frame-ms is 0"),
            (("--seconds", "nan"), "--seconds is nan"),
            (("--wav", "-", "--loop"), "--loop needs a file"),
            (("--wav", "-", "--streams", "2"), "feeds one stream"),
            (("--rate", "8000"), "describe --raw input"),
            (("--url", "http://localhost/ws"), "must look like ws://"),
            (("--url", "ws://localhost:99999/ws"), "must look like ws://"),
        ):
            with contextlib.redirect_stderr(io.StringIO()) as err, self.assertRaises(SystemExit) as exit_:
                client.parse_arguments(list(arguments))
            self.assertEqual(exit_.exception.code, 2)
            self.assertIn(message, err.getvalue())

    def test_refuses_audio_that_the_wire_cannot_carry(self):
        for audio, arguments, message in (
            (client.AudioFormat(3_999, 1), (), "4000 to 192000 Hz"),
            (client.AudioFormat(192_001, 1), (), "4000 to 192000 Hz"),
            (client.AudioFormat(16_000, 9), ("--codec", "pcm"), "1 to 8 can be sent"),
            (client.AudioFormat(16_000, 0), ("--codec", "pcm"), "1 to 8 can be sent"),
            (client.AudioFormat(16_000, 1), ("--frame-ms", "5000"), "choose another --frame-ms"),
        ):
            with self.assertRaisesRegex(client.InputError, message):
                client.make_plan(client.parse_arguments(list(arguments)), audio)

    def test_puts_the_hwid_into_the_path_and_keeps_the_query(self):
        options = client.parse_arguments(["--url", "wss://host/ws/?token=t", "--hwid", "a/b c"])
        self.assertEqual([stream.url for stream in client.make_streams(options)], ["wss://host/ws/a%2Fb%20c?token=t"])


if __name__ == "__main__":
    unittest.main()
