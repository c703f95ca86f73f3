"""How fast entries of the audit are written and checked, with a copy of the head.

.venv/bin/python benchmarks/audit.py --entries 2000 --folder /tmp/audit
"""

import argparse
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from linkage.kernel.run import State
from linkage.portal.audit import Audit, Entry


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, default=2_000)
    parser.add_argument("--threads", type=int, default=4)
    parser.add_argument("--folder", type=Path, required=True, help="New folder; on the disk that is to be measured.")
    options = parser.parse_args()
    state = State(options.folder / "state")
    state.prepare()
    audit = Audit(state, options.folder / "copy")

    def append(number: int) -> float:
        began = time.perf_counter()
        persons = tuple(f"P{number + n:016d}" for n in range(3))
        query_hash = audit.keyed_hash(str(number))
        audit.append(
            Entry("person", "reader", "grid", "done", 200, "visit", None, persons, details={"query_hash": query_hash})
        )
        return time.perf_counter() - began

    for threads in (1, options.threads):
        began = time.perf_counter()
        with ThreadPoolExecutor(threads) as pool:
            took = sorted(pool.map(append, range(options.entries)))
        rate = options.entries / (time.perf_counter() - began)
        p95 = took[int(len(took) * 0.95)] * 1000
        print(f"{threads} writer(s): {rate:,.0f} entries/s, p95 {p95:.1f} ms")
    began = time.perf_counter()
    entries = audit.verify()
    print(f"verified {entries:,} entries: {entries / (time.perf_counter() - began):,.0f}/s")


if __name__ == "__main__":
    main()
