"""An Airflow of its own for these tests: SQLite in a temporary home, the shipped DAGs, a tiny fictional district."""

import os
import shutil
import tempfile
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
HOME = Path(tempfile.mkdtemp(prefix="gridroll-airflow-"))

# The shipped configuration, but nobody waits minutes for a second try.
shutil.copytree(REPOSITORY / "config", HOME / "config")
shutil.copytree(REPOSITORY / "expectations", HOME / "expectations")
SCHEDULE = HOME / "config" / "schedule.yaml"
SCHEDULE.write_text(
    SCHEDULE.read_text(encoding="utf-8")
    .replace("retry_delay_minutes: 5", "retry_delay_minutes: 0")
    .replace("poll_seconds: 120", "poll_seconds: 1"),
    encoding="utf-8",
)

# Airflow reads its configuration when it is imported, so this stands before any test module imports it.
os.environ.update(
    {
        "AIRFLOW_HOME": str(HOME / "airflow"),
        "AIRFLOW__CORE__DAGS_FOLDER": str(REPOSITORY / "dags"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "WARNING",
        "GRIDROLL_STATE": str(HOME / "state"),
        "GRIDROLL_EXPORTS": str(HOME / "exports"),
        "GRIDROLL_CONFIG": str(HOME / "config"),
    }
)
