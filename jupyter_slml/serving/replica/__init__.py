"""The serving kernel: a Jupyter kernel that holds a model, and the supervisor that keeps it.

Lives here: `kernel` (the forked program), `link` (its data thread), `codec` (bodies and arrays), `predictors`, `xgb`,
`provisioner` (forked kernels for jupyter_client), `supervisor` (the runner's side).
May import: `serving.frames`, `ports`, `domain`, `errors`, ipykernel, jupyter_client; model libraries inside functions.
Promises: it announces itself only after the model is loaded and a sample prediction passed; one bad body of a batch fails
alone; the data thread answers while the kernel side is still starting or busy.
First file to read: `kernel.py`.
"""
