"""Run by the Python of jupyter-scheduler's environment: `scheduler_jobs.py STAMP RUNS CELL`.

Prints, as JSON, the seconds from `Scheduler.create_job` to the moment that the cell writes to STAMP, for each of RUNS
jobs. The scheduler is its own, over its own SQLite, called directly: without the HTTP request that a user's click would add.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path

import nbformat
from jupyter_scheduler.environments import CondaEnvironmentManager
from jupyter_scheduler.models import CreateJob
from jupyter_scheduler.orm import create_tables
from jupyter_scheduler.scheduler import Scheduler


def main() -> None:
    stamp, runs, cell = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    with tempfile.TemporaryDirectory(prefix="slml-scheduler-") as made:
        root = Path(made)
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell)])
        notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
        nbformat.write(notebook, root / "job.ipynb")
        url = f"sqlite:///{root / 'scheduler.sqlite'}"
        create_tables(url)
        environments = CondaEnvironmentManager()
        scheduler = Scheduler(root_dir=str(root), environments_manager=environments, db_url=url, task_runner_class=None)
        found = []
        for _ in range(runs):
            stamp.unlink(missing_ok=True)
            begun = time.time()
            job = scheduler.create_job(CreateJob(name="bench", input_uri="job.ipynb", runtime_environment_name="python"))
            while (state := str(scheduler.get_job(job, job_files=False).status)) not in ("COMPLETED", "Status.COMPLETED"):
                if "FAILED" in state:
                    raise RuntimeError(scheduler.get_job(job).status_message)
                time.sleep(0.02)
            found.append(float(stamp.read_text()) - begun)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
