"""What is written first in Python: each message is appended to its file as it comes. Nothing is synced, no WAV is made."""

import asyncio
import os
import sys

import websockets

folder = sys.argv[1]
last_id = 0


async def receive(socket, *_):
    global last_id
    last_id += 1
    with open(os.path.join(folder, f"{last_id}.bin"), "ab") as file:
        try:
            await socket.recv()
            async for message in socket:
                file.write(message)
        except websockets.ConnectionClosed:
            pass


async def main():
    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()
    loop.add_reader(sys.stdin.fileno(), stopped.set)
    async with websockets.serve(receive, "127.0.0.1", 0, compression=None, ping_interval=None) as server:
        print(server.sockets[0].getsockname()[1], flush=True)
        await stopped.wait()


asyncio.run(main())
