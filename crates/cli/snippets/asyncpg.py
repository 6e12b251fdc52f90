# The password comes from PGPASSWORD or ~/.pgpass.
import asyncio

import asyncpg


async def main():
    connection = await asyncpg.connect(
        "postgresql://{user}@{host}:{port}/{dbname}"
        "?sslmode=verify-full&sslrootcert={bundle}"
    )
    print(await connection.fetchval("SELECT version FROM pg_stat_ssl WHERE pid = pg_backend_pid()"))
    await connection.close()


asyncio.run(main())
