"""Answers cells with asyncpg."""

import asyncio

import asyncpg
from cells import QUERY, answer, python


async def ask(url):
    session = await asyncpg.connect(url)
    try:
        return await session.fetchval(QUERY)
    finally:
        await session.close()


loop = asyncio.new_event_loop()
answer(f"asyncpg {asyncpg.__version__}", python(), lambda url: loop.run_until_complete(ask(url)))
loop.close()
