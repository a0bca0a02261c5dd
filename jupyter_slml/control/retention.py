"""Making room: old jobs, and bytes that nothing refers to any more."""

from __future__ import annotations

from jupyter_slml.control.jobs import remove
from jupyter_slml.control.tuning import Tuning
from jupyter_slml.domain.views import Collected
from jupyter_slml.ports.blobs import Blobs, Entry, digest_key
from jupyter_slml.storage import jobs, models
from jupyter_slml.storage.database import Database

#: Bytes younger than this stay, whoever refers to them: a client may have sent them for a job that it is about to submit.
GUARD = 3600.0
#: Files of `incoming` that nobody has written to for so long belong to uploads that will not end.
UNFINISHED = 86400.0


class Retention:
    def __init__(self, database: Database, blobs: Blobs, tuning: Tuning) -> None:
        self._database, self._blobs, self._tuning = database, blobs, tuning

    def collect(self, *, older_than: float, keep: int, dry_run: bool) -> Collected:
        """Delete jobs that ended more than `older_than` seconds ago, except the newest `keep` of each name, then every
        stored byte that no remaining job and no model version refers to, and what unfinished uploads have left. With
        `dry_run` nothing is deleted and the report says what would be.
        """
        if dry_run:
            with self._database.read() as connection:
                old = jobs.finished(connection, self._database.clock.now() - older_than, keep)
                without = {job.id for job in old}
                attempts = {item.id for job in old for item in jobs.attempts_of(connection, job.id)}
                used = jobs.digests(connection, without=without) | models.digests(connection)
                used |= self._tuning.digests(connection, without=without)
                live = jobs.attempt_ids(connection) - attempts
        else:
            with self._database.write() as transaction:
                connection = transaction.connection
                old = jobs.finished(connection, transaction.now - older_than, keep)
                for job in old:
                    remove(transaction, job)
                used = jobs.digests(connection) | models.digests(connection) | self._tuning.digests(connection)
                live = jobs.attempt_ids(connection)
        kept = {digest_key(digest) for digest in used}
        now = self._database.clock.now()

        def unwanted(entry: Entry) -> bool:
            place, _, rest = entry.key.partition("/")
            match place:
                case "attempts":
                    return rest.partition("/")[0] not in live
                case "cas":
                    return entry.key not in kept and entry.modified <= now - GUARD
                case _:
                    return entry.modified <= now - UNFINISHED

        freed = 0
        gone = dict.fromkeys(("attempts", "cas", "incoming"), 0)
        for place in gone:
            for entry in [entry for entry in self._blobs.entries(place) if unwanted(entry)]:
                gone[place] += 1
                freed += entry.size
                if not dry_run:
                    self._blobs.delete(entry.key)
        return Collected(
            jobs=[job.id for job in old],
            objects=gone["attempts"] + gone["cas"],
            uploads=gone["incoming"],
            bytes=freed,
            dry_run=dry_run,
        )
