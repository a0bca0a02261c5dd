"""An endpoint in Python: its state, and `invoke`."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from jupyter_slml.errors import Invalid, NotFound, SlmlError
from jupyter_slml.notebook.card import bundle, endpoint_payload, text
from jupyter_slml.notebook.load import decisions, revisions

if TYPE_CHECKING:
    from jupyter_slml.domain.loads import EndpointLoad
    from jupyter_slml.domain.views import EndpointView
    from jupyter_slml.notebook.session import Session
    from jupyter_slml.notebook.table import Table

#: Seconds between two looks at an endpoint that is ending: it takes about as long.
_STEP = 0.05


class EndpointHandle:
    """An endpoint of this workspace."""

    def __init__(self, session: Session, view: EndpointView) -> None:
        self._session = session
        self._view = view

    def refresh(self) -> EndpointView:
        """The daemon's view now. Raises NotFound when it is gone."""
        self._view = self._session.client.endpoints.get(self.name)
        return self._view

    @property
    def name(self) -> str:
        return self._view.name

    @property
    def state(self) -> str:
        return self.refresh().state.value

    @property
    def url(self) -> str:
        """Where to POST to; requests carry the token of the workspace's token file as `Authorization: Bearer …`."""
        return self._view.url

    @property
    def model(self) -> str:
        """`name@version` that was asked for last."""
        return f"{self._view.model}@{self._view.version}"

    def invoke(self, rows: Any) -> Any:
        """Predict for a DataFrame, a 2-d array, or a list of rows.

        Returns a numpy array for frames and arrays, a list for lists. Raises Invalid for rows that the model cannot take.
        """
        body = encode_rows(rows)
        _, answer = self._session.client.endpoints.invoke(self.name, body, "application/json")
        return decode_predictions(answer, as_list=isinstance(rows, (list, tuple)))

    def traffic(self, shares: Mapping[Any, int]) -> EndpointHandle:
        """Share the traffic anew: percents by revision number or `name@version`, 100 in all. Raises NotFound, Invalid,
        Conflict for a revision that has never answered."""
        return self._now(self._session.client.endpoints.share(self.name, {str(key): share for key, share in shares.items()}))

    def scale(self, min_replicas: int | None = None, max_replicas: int | None = None) -> EndpointHandle:
        """Set the bounds of the number of replicas, until the next deployment. Raises NotFound, Invalid."""
        return self._now(self._session.client.endpoints.scale(self.name, min_replicas, max_replicas))

    def rollback(self) -> EndpointHandle:
        """Give the traffic back to what had it before. Raises NotFound, Conflict."""
        return self._now(self._session.client.endpoints.rollback(self.name))

    def wake(self) -> EndpointHandle:
        """Have a replica although nobody calls yet. Raises NotFound."""
        return self._now(self._session.client.endpoints.wake(self.name))

    def decisions(self, limit: int = 20) -> Table:
        """What the autoscaler decided and saw, newest first. Raises NotFound."""
        return decisions(self._session, self.name, limit)

    def revisions(self, limit: int = 20) -> Table:
        """What it was given to serve, newest first. Raises NotFound."""
        return revisions(self._session, self.name, limit)

    def _now(self, view: EndpointView) -> EndpointHandle:
        self._view = view
        return self

    def remove(self, wait: float = 15.0) -> EndpointHandle:
        """Take it down; returns when it is gone, or after `wait` seconds while it still ends. Raises NotFound."""
        from jupyter_slml.domain.states import EndpointState

        self._view = self._session.client.endpoints.remove(self.name)
        deadline = time.monotonic() + wait
        while not self._view.state.is_final and time.monotonic() < deadline:
            time.sleep(_STEP)
            try:
                self.refresh()
            except NotFound:
                self._view = self._view.evolve(state=EndpointState.STOPPED, reason="", replicas=[], revisions=[])
        return self

    def widget(self) -> Any:
        """An ipywidgets face: state, address, Undeploy."""
        from jupyter_slml.notebook.widget import endpoint_widget

        return endpoint_widget(self)

    @property
    def load(self) -> EndpointLoad:
        """What it does now: requests per second, latency percentiles, cold starts, cost so far. Raises NotFound."""
        return self._session.client.endpoints.load(self.name)

    def payload(self) -> dict[str, Any]:
        view = self._view.model_dump(mode="json")
        try:
            load = self.load.model_dump(mode="json")
        except SlmlError:
            # An endpoint that is gone has no figures; its card says that it is gone.
            load = None
        return endpoint_payload(view, self._session.client.workspace.id, load)

    def __repr__(self) -> str:
        return f"<endpoint {text(self.payload())}>"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        return bundle(self.payload())

    def __reduce__(self) -> tuple[Any, ...]:
        raise TypeError("an endpoint's handle stays in the notebook; in a job, POST to its URL")


def encode_rows(rows: Any) -> bytes:
    """Rows as the endpoint's JSON body. Raises Invalid for what is no table."""
    import orjson

    try:
        return orjson.dumps(_plain(rows), option=orjson.OPT_SERIALIZE_NUMPY)
    except TypeError as error:
        raise Invalid(
            f"The rows cannot be sent as JSON: {error}.",
            field="rows",
            value=type(rows).__name__,
            remedy="Send numbers: a numeric DataFrame, a 2-d array, or a list of rows.",
        ) from None


def _plain(rows: Any) -> Any:
    if hasattr(rows, "columns") and hasattr(rows, "to_numpy"):
        return {"columns": [str(name) for name in rows.columns], "data": _matrix(rows)}
    if hasattr(rows, "to_frame"):  # a pandas Series is one row
        return _plain(rows.to_frame().T)
    if hasattr(rows, "__array__"):
        import numpy as np

        array = np.ascontiguousarray(rows)
        if array.ndim == 1:
            array = array.reshape(1, -1)
        return array if array.dtype.kind in "biuf" else array.tolist()
    if isinstance(rows, dict):
        return rows
    if isinstance(rows, (list, tuple)):
        if rows and isinstance(rows[0], dict):
            return {"instances": list(rows)}
        nested = (bool(rows) and isinstance(rows[0], (list, tuple))) or any(hasattr(row, "__array__") for row in rows[:1])
        return [list(row) for row in rows] if nested else [list(rows)]
    raise Invalid(
        f"Rows of type {type(rows).__name__} cannot be sent.",
        field="rows",
        value=type(rows).__name__,
        remedy="Send a DataFrame, a 2-d array, or a list of rows.",
    )


def _matrix(frame: Any) -> Any:
    """The values of a frame; missing ones become NaN, which JSON shows as null."""
    import numpy as np

    if all(getattr(kind, "kind", "O") in "biuf" for kind in frame.dtypes):
        return np.ascontiguousarray(frame.to_numpy(dtype="float64", na_value=float("nan")))
    return frame.astype(object).where(frame.notna(), None).to_numpy().tolist()


def decode_predictions(answer: bytes, *, as_list: bool) -> Any:
    """The predictions of an answer: a numpy array, or a list."""
    import orjson

    predictions = orjson.loads(answer)
    # Handlers of one's own answer as they like: SageMaker's defaults give the bare list.
    if isinstance(predictions, dict) and "predictions" in predictions:
        predictions = predictions["predictions"]
    if as_list:
        return predictions
    import numpy as np

    return np.asarray(predictions)
