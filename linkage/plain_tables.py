"""Plain tables as ``linkage link`` reads them: CSV (every value a text) or Parquet."""

from pathlib import Path

import pyarrow as pa
import pyarrow.csv as csv
import pyarrow.parquet as parquet

from linkage.kernel.errors import ConfigurationError, UnreadableInput


def read_table(path: Path) -> pa.Table:
    """All rows of ``path``, column names without surrounding blanks, and ``input_file`` (its name without suffix).

    Raises ConfigurationError for a path that is no CSV or Parquet file, UnreadableInput for one that cannot be read.
    """
    readers = {".csv": _read_csv, ".parquet": parquet.read_table}
    if path.suffix not in readers or not path.is_file():
        raise ConfigurationError(
            f"{path} {'is not there' if path.suffix in readers else 'is neither .csv nor .parquet'}.",
            remedy="Give files that exist and end in .csv (with a header) or .parquet.",
        )
    try:
        table = readers[path.suffix](path)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, UnicodeDecodeError) as error:
        raise UnreadableInput(
            f"{path} cannot be read: {error}",
            remedy="Correct the file; CSV must be UTF-8 with as many values as headers.",
        ) from None
    table = table.rename_columns([str(name).strip() for name in table.column_names])
    return table.append_column("input_file", pa.array([path.stem] * table.num_rows, pa.string()))


def _read_csv(path: Path) -> pa.Table:
    parse = csv.ParseOptions(newlines_in_values=True)
    with csv.open_csv(path, parse_options=parse) as reader:
        names = reader.schema.names
    convert = csv.ConvertOptions(
        column_types={name: pa.string() for name in names}, strings_can_be_null=True, null_values=[""]
    )
    return csv.read_csv(path, parse_options=parse, convert_options=convert)
