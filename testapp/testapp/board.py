"""Notes: kept in the database, found by search, their words counted by a worker."""

import os
import socket

from flask import Blueprint, abort, request

from . import services

board = Blueprint("board", __name__)


@board.before_request
def services_are_there() -> None:
    """Answer 503 where the app runs without services."""
    if "DATABASE_URL" not in os.environ:
        abort(503, "this app was given no database")


@board.post("/notes")
def write() -> tuple[dict[str, object], int]:
    """Keep a note: in the database, in the search engine, and in the queue of those to be counted."""
    text = str((request.get_json(silent=True) or {}).get("text", "")).strip()
    if not text:
        abort(400, "a note has a text")
    with services.database() as database:
        row = database.execute("INSERT INTO notes (text) VALUES (%s) RETURNING id", [text]).fetchone()
    assert row is not None
    services.search("load", [{"_key": str(row[0]), "text": text}], table="Notes")
    services.queue().lpush(services.QUEUE, row[0])
    return {"id": row[0], "text": text}, 201


@board.get("/notes")
def read() -> list[dict[str, object]]:
    """All notes, newest first."""
    with services.database() as database:
        rows = database.execute("SELECT id, text FROM notes ORDER BY id DESC LIMIT 1000").fetchall()
    return [{"id": number, "text": text} for number, text in rows]


@board.get("/search")
def search() -> list[dict[str, object]]:
    """The notes that have a word."""
    word = request.args.get("q", "")
    found = services.search("select", table="Notes", match_columns="text", query=word, output_columns="_key,text")
    return [{"id": int(key), "text": text} for key, text in found[0][2:]]


@board.get("/counts")
def counts() -> list[dict[str, object]]:
    """Each time that a worker counted a note's words: which note, how many, by which version."""
    with services.database() as database:
        rows = database.execute("SELECT note, words, version, worker FROM counts ORDER BY id").fetchall()
    return [dict(zip(("note", "words", "version", "worker"), row, strict=True)) for row in rows]


@board.get("/digests")
def digests() -> list[dict[str, object]]:
    """What the cron job wrote: how many notes there were, and when, newest first."""
    with services.database() as database:
        rows = database.execute("SELECT notes, at FROM digests ORDER BY id DESC LIMIT 100").fetchall()
    return [{"notes": number, "at": at.isoformat()} for number, at in rows]


@board.get("/smoke")
def smoke() -> dict[str, object]:
    """Use database and search as visitors do, without leaving anything behind."""
    with services.database() as database:
        database.execute("INSERT INTO notes (text) VALUES ('smoke')")
        database.execute("SELECT id, text FROM notes ORDER BY id DESC LIMIT 1")
        database.rollback()
    return {"host": socket.gethostname()}
