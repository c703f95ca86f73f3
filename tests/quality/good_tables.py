"""Small tables that break no rule. Tests copy one, break one thing in it, and see which rule notices."""

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa

from linkage.kernel.contracts import contract
from linkage.kernel.engine import Engine
from linkage.quality.parameters import path_literal
from tests.builders import NEUTRAL, NIGHT, record

Row = dict[str, Any]
Tables = dict[str, list[Row]]
SOURCES = ["civil", "grid", "health", "police"]
GRID_ROWS = 30  # so that one of them is less than the 5 % that shares by department allow
SURNAMES, GIVEN = "赵钱孙李周吴郑王冯陈", "一乙丁人力士工土大小"


def common_records() -> list[Row]:
    """Two records per department, thirty of the grid; every code known, every number good."""
    keys = [f"{source}:{n}" for source in SOURCES for n in range(GRID_ROWS if source == "grid" else 2)]
    return [
        record(
            key,
            name=SURNAMES[i % 10] + GIVEN[i // 10] + GIVEN[i % 7],
            number=f"33010619850312{i:03d}X",
            birth=date(1985, 3, 12),
            sex="1",
            ethnicity="01",
            relation_to_head="01",
            person_status="alive",
            residence_address="翠苑路1号",
            residence_address_grade="room",
            file=f"{key.split(':')[0]}/export.csv",
            row_number=i + 2,
        )
        for i, key in enumerate(keys)
    ]


def file_accounting() -> list[Row]:
    """One file per department; its accepted rows are the common records above."""
    accepted = {source: GRID_ROWS if source == "grid" else 2 for source in SOURCES}
    feeds = {"civil": "civil_marriage", "grid": "grid_visit", "health": "health_archive", "police": "police_hukou"}
    return [
        {
            "source": source,
            "feed": feeds[source],
            "delivery": "full",
            "file": f"{source}/export.csv",
            "counted_rows": rows + 1,
            "accepted_rows": rows,
            "rejected_rows": 1,
            "duplicate_rows": 0,
            "carried_rows": 0,
            "stale": False,
            "landed_night": NIGHT,
        }
        for source, rows in accepted.items()
    ]


def person_id(n: int) -> str:
    return f"P{n:016d}"


def household_id(n: int) -> str:
    return f"H{n:016d}"


def register() -> Tables:
    """Twenty persons with one hukou record each, ten hukou households of two."""
    people = range(20)
    records = [
        record(f"police:{n}", name=SURNAMES[n % 10] + GIVEN[n // 10], number=f"33010619850312{n:03d}X") for n in people
    ]
    number = {n: f"33010619850312{n:03d}X" for n in people}
    golden = {"full_name": "王一", "sex": "1", "birth_date": date(1985, 3, 12)}
    return {
        "common_records": records,
        "persons": [
            {
                "person_id": person_id(n),
                **golden,
                "identity_number": number[n],
                "identity_grade": "A",
                "identity_kind": "resident_id",
                "birth_date_precision": "day",
                "status": "alive",
                "records": 1,
                "sources": ["police"],
                "confidence": 1.0,
                "first_night": NIGHT,
            }
            for n in people
        ],
        "households": [
            {
                "household_id": household_id(n),
                "kind": "hukou",
                "household_number": f"33010600{n}",
                "head_person_id": person_id(2 * n),
                "members": 2,
            }
            for n in range(10)
        ],
        "members": [
            {
                "household_id": household_id(n // 2),
                "person_id": person_id(n),
                "is_head": n % 2 == 0,
                "relation_to_head": "01",
                "valid_from": date(2020, 1, 1),
            }
            for n in people
        ],
        "links": [
            {
                "source": "police",
                "feed": "police_hukou",
                "record_id": str(n),
                "record_key": f"police:{n}",
                "person_id": person_id(n),
                "link_kind": "match",
            }
            for n in people
        ],
        "values": [
            {
                "person_id": person_id(n),
                "field": field,
                "value": str(value),
                "source": "police",
                "record_id": str(n),
                "won": True,
                "reason": "only_value",
            }
            for n in people
            for field, value in {**golden, "identity_number": number[n]}.items()
        ],
    }


def write_tables(engine: Engine, tables: Tables, folder: Path) -> dict[str, Path]:
    """Each table as a Parquet file by its contract, by name; fields not named are null, or neutral where required."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in tables.items():
        fields = contract(name).fields
        filled = [
            {f.name: row.get(f.name, None if f.nullable else NEUTRAL.get(f.type)) for f in fields} for row in rows
        ]
        columns = {f.name: [row[f.name] for row in filled] for f in fields}
        engine.load_arrow("building", pa.table(columns))
        engine.write_table(name, folder / f"{name}.parquet", source="building")
        engine.con.execute("DROP TABLE building")
    return {name: folder / f"{name}.parquet" for name in tables}


def parameters(paths: Mapping[str, Path], **more: Any) -> dict[str, Any]:
    """What a first night's suites may refer to; ``more`` adds the figures of a night before."""
    known: dict[str, Any] = {f"path_{name}": path_literal(path) for name, path in paths.items()}
    before = {"persons_before": None, "households_before": None, "path_common_records_before": None}
    return {"night": NIGHT.isoformat(), "sources": SOURCES, **known, **before, **more}
