"""How long a marked copy takes to make, by format: a department's persons slice of a real release, enlarged to so many rows.

    python -m benchmarks.copies --state state --rows 600 --rows 50000 --rows 300000

Persons are repeated under new ids, so that values stay as a register has them; nothing is written into the state folder. Printed are the seconds of
each process as the portal starts it, and those of the processor, which tell on a busy machine too.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pyarrow.parquet as pq

from linkage.kernel.engine import Engine
from linkage.kernel.run import State
from linkage.portal.downloads.marks import FORMATS
from linkage.portal.downloads.prepare import DESCRIPTION, Job, job_json
from linkage.release.manifest import file_hash

XLSX_MAXIMUM_ROWS = 50_000


def enlarge(slice_file: Path, rows: int, target: Path) -> None:
    """Write ``rows`` rows of a slice, repeated under new ids, in key order."""
    with Engine() as engine:
        engine.read("slice", slice_file)
        times = -(-rows // int(engine.scalar("SELECT count(*) FROM slice")))
        engine.write_query(
            f"SELECT slice.* REPLACE (person_id || lpad(CAST(n AS VARCHAR), 6, '0') AS person_id) FROM slice, range({times}) t(n) ORDER BY person_id LIMIT {rows}",
            target,
        )


def seconds(
    release: Path, source: str, columns: tuple[str, ...], format: str, folder: Path
) -> tuple[float, float, int]:
    """Seconds, seconds of the processor, and bytes of one copy."""
    target = folder / f"copy{format}"
    job = Job(str(release), source, "persons", columns, format, "ABCD-EFGH-2345", "00" * 32, str(target))
    began, used = time.perf_counter(), _processor_seconds()
    subprocess.run([sys.executable, "-m", "linkage.portal.downloads.prepare"], input=job_json(job), check=True)
    took, worked = time.perf_counter() - began, _processor_seconds() - used
    size = target.stat().st_size
    for path in (target, target.with_name(target.name + DESCRIPTION)):
        path.unlink()
    return took, worked, size


def _processor_seconds() -> float:
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return children.ru_utime + children.ru_stime


def main() -> None:
    """Print a line for each number of rows and format."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--department", default="grid")
    parser.add_argument("--rows", type=int, action="append", required=True)
    given = parser.parse_args()
    current = State(given.state).current_release()
    assert current is not None
    source = f"slices/{given.department}/persons.parquet"
    for rows in given.rows:
        with tempfile.TemporaryDirectory() as name:
            release = Path(name)
            file = release / source
            file.parent.mkdir(parents=True)
            enlarge(current / source, rows, file)
            (release / "manifest.json").write_text(
                json.dumps({"files": {source: {"sha256": file_hash(file), "rows": rows}}})
            )
            columns = tuple(pq.read_schema(file).names)
            for format in FORMATS:
                if format != ".xlsx" or rows <= XLSX_MAXIMUM_ROWS:
                    took, worked, size = seconds(release, source, columns, format, release)
                    print(
                        f"{rows:>9,} rows {format:<12} {took:6.1f} s {worked:6.1f} s processor {size / 1e6:8.1f} MB",
                        flush=True,
                    )


if __name__ == "__main__":
    main()
