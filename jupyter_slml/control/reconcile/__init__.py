"""The reconciler: the only writer of observed state.

One deduplicating list says what to look at. Each look reads the records, chooses the event, lets the life-cycle table say
where it leads, and commits records and events together. Effects become further looks, which talk to the cluster or to the
gateway, are tried again later when they fail, and may be repeated after any restart: the other side knows orders by id.

Kinds of looks: `job`, `attempt`, `endpoint`, `replica` move records; `queue` gives free slots to waiting jobs; `submit`,
`end`, `host`, `rotate` and `unhost` (a replica), `route` carry out effects; `adopt` asks again for everything that is not
final.
"""

from jupyter_slml.control.reconcile.loop import Reconciler as Reconciler
