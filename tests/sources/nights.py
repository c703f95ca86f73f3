"""Nights of one small department as the night itself runs them: land, plan, read; and what a release leaves behind."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import yaml

from linkage.kernel.run import State, write_bytes, write_json
from linkage.night import land_source, run_one_stage
from linkage.night_plan import plan_night
from tests.builders import REPOSITORY

Row = dict[str, Any]


@dataclass
class Nights:
    """A state folder and a configuration with the one department ``config``."""

    folder: Path
    config: dict[str, Any]

    def __post_init__(self) -> None:
        shutil.copytree(REPOSITORY / "config", self.config_dir)
        shutil.rmtree(self.config_dir / "sources")
        self.configure(self.config)

    @property
    def config_dir(self) -> Path:
        return self.folder / "config"

    @property
    def state(self) -> Path:
        return self.folder / "state"

    def configure(self, config: dict[str, Any]) -> None:
        path = self.config_dir / "sources" / f"{config['source']}.yaml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(yaml.safe_dump(config, allow_unicode=True), encoding="utf-8")
        shared = self.config_dir / "sharing.yaml"
        sharing = yaml.safe_load(shared.read_text(encoding="utf-8"))
        sharing["departments"] = [d for d in sharing["departments"] if d["source"] == config["source"]]
        shared.write_text(yaml.safe_dump(sharing, allow_unicode=True), encoding="utf-8")

    def deliver(self, night: date, files: Mapping[str, bytes]) -> Path:
        """Put files into the night's exports folder, and nothing else."""
        exports = self.folder / "exports" / f"night={night.isoformat()}"
        shutil.rmtree(exports, ignore_errors=True)
        for name, data in files.items():
            (exports / name).parent.mkdir(parents=True, exist_ok=True)
            (exports / name).write_bytes(data)
        return exports

    def land(self, night: date, files: Mapping[str, bytes]) -> None:
        land_source(self.deliver(night, files), self.state, night, self.config_dir, self.config["source"])

    def read(self, night: date) -> str:
        """Plan the night and run the stage; returns the run id."""
        run_id = plan_night(self.state, night, self.config_dir)
        run_one_stage(self.state, run_id, "sources", note=lambda text: None)
        return run_id

    def publish(self, run_id: str) -> None:
        """A release as the next night sees it."""
        state = State(self.state)
        before = state.current_release()
        manifest = {
            "night": run_id[:10],
            "previous_release": before.name if before else None,
            "model": {"id": None},
        }
        write_json(state.releases / run_id / "manifest.json", manifest)
        write_bytes(state.current_pointer, run_id.encode())

    def night(self, night: date, files: Mapping[str, bytes]) -> str:
        """A whole night: landed, read, published."""
        self.land(night, files)
        run_id = self.read(night)
        self.publish(run_id)
        return run_id

    def rows(self, run_id: str, table: str) -> list[Row]:
        cursor = duckdb.execute(f"SELECT * FROM read_parquet('{self.state}/runs/{run_id}/sources/{table}.parquet')")
        names = [column[0] for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def kinds(self, run_id: str) -> dict[str, str]:
        """Severity of each kind of signal."""
        return {signal["kind"]: signal["severity"] for signal in self.rows(run_id, "signals")}
