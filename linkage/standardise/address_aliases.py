"""What stewards know about names of estates and roads: ``config/address_aliases.yaml``. It counts before anything learned."""

from pathlib import Path

from linkage.kernel.config import ClosedModel, read_config

FILE = "address_aliases.yaml"


class EstateAlias(ClosedModel):
    """Names that mean one estate."""

    estate: str
    """The name to use, as it stands at the gate."""
    aliases: tuple[str, ...]
    """Other names people write for it, exactly as written in addresses (武林里)."""
    street: str | None = None
    """Township-level name (翠苑街道) in which this holds; left out: everywhere."""


class RoadRename(ClosedModel):
    """A road that got a new name."""

    road: str
    """The name in force."""
    old_names: tuple[str, ...]
    """Names it had before."""


class AddressAliases(ClosedModel):
    """Estates and roads with several names, kept by data stewards."""

    estates: tuple[EstateAlias, ...] = ()
    """Estates with other names that the night's own records cannot tell, or tell wrongly."""
    roads: tuple[RoadRename, ...] = ()
    """Roads with former names."""

    def estate_rows(self) -> list[list[str | None]]:
        """(alias, street or '', estate)."""
        return [[alias, entry.street or "", entry.estate] for entry in self.estates for alias in entry.aliases]

    def road_rows(self) -> list[list[str | None]]:
        """(old name, name in force)."""
        return [[old, entry.road] for entry in self.roads for old in entry.old_names]


def read_address_aliases(config_dir: Path) -> AddressAliases:
    """Read ``config/address_aliases.yaml``. Raises ConfigurationError when it is missing or not as declared."""
    return read_config(config_dir / FILE, AddressAliases)
