"""What the running portal knows: its state folder, its configuration, the register, the audit."""

import threading
import time
from collections import defaultdict, deque
from dataclasses import dataclass, field
from pathlib import Path
from zoneinfo import ZoneInfo

from linkage.kernel.config import read_config
from linkage.kernel.run import State
from linkage.night_config import DistrictConfig
from linkage.portal.access import AccessConfig, check_against_sharing
from linkage.portal.audit import Audit
from linkage.portal.config import PortalConfig
from linkage.portal.downloads.copies import Copies
from linkage.portal.register import Registers
from linkage.portal.sealing import Sealer, read_sealer
from linkage.release.sharing import SharingConfig

MOST_KEPT = 10_000


class Pace:
    """How many requests of one kind a user made in the last minute; in this process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen: dict[str, deque[float]] = defaultdict(deque)

    def allows(self, who: str, per_minute: int) -> bool:
        """Count one more request of ``who``; False when there were ``per_minute`` within the last minute."""
        moment = time.monotonic()
        with self._lock:
            seen = self._seen[who]
            while seen and seen[0] < moment - 60:
                seen.popleft()
            if len(seen) >= per_minute:
                return False
            seen.append(moment)
            if len(self._seen) > MOST_KEPT:
                self._forget(moment)
            return True

    def _forget(self, moment: float) -> None:
        for who in [who for who, seen in self._seen.items() if seen and seen[-1] < moment - 60]:
            del self._seen[who]


@dataclass(frozen=True)
class Settings:
    """One installation's portal."""

    state: State
    config_dir: Path
    portal: PortalConfig
    access: AccessConfig
    sharing: SharingConfig
    registers: Registers
    audit: Audit
    copies: Copies
    sealer: Sealer
    zone: ZoneInfo
    """The district's time, for what people read."""
    pace: Pace = field(default_factory=Pace)


def read_settings(state: State, config_dir: Path) -> Settings:
    """Read the configuration and open what the portal needs. Raises ConfigurationError for the first mistake."""
    access = read_config(config_dir / "access.yaml", AccessConfig)
    sharing = read_config(config_dir / "sharing.yaml", SharingConfig)
    portal = read_config(config_dir / "portal.yaml", PortalConfig)
    check_against_sharing(access, sharing, str(config_dir / "access.yaml"))
    state.prepare()
    copy_to = Path(portal.audit_heads) if portal.audit_heads else None
    zone = ZoneInfo(read_config(config_dir / "district.yaml", DistrictConfig).timezone)
    return Settings(
        state,
        config_dir,
        portal,
        access,
        sharing,
        Registers(state),
        Audit(state, copy_to),
        Copies(state),
        read_sealer(state),
        zone,
    )
