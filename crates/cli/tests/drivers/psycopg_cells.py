"""Answers cells with psycopg 3, whose wheel carries the newest libpq of any registry."""

import psycopg
from cells import QUERY, answer


def connect(url):
    with psycopg.connect(url) as session:
        return session.execute(QUERY).fetchone()[0]


libpq = psycopg.pq.version()
carried = f"libpq {libpq // 10000}.{libpq % 10000} of its wheel"
answer(f"psycopg {psycopg.__version__} with {carried}", "", connect)
