-- DuckDB's levenshtein counts bytes, and a Chinese character has three: these count characters.

-- One character replaced by another.
CREATE OR REPLACE TEMP MACRO one_character_replaced(a, b) AS
    length(a) = length(b) AND length(a) BETWEEN 2 AND 8
    AND (CAST(a[1] <> b[1] AS INTEGER) + CAST(a[2] <> b[2] AS INTEGER) + CAST(a[3] <> b[3] AS INTEGER) + CAST(a[4] <> b[4] AS INTEGER)
         + CAST(a[5] <> b[5] AS INTEGER) + CAST(a[6] <> b[6] AS INTEGER) + CAST(a[7] <> b[7] AS INTEGER) + CAST(a[8] <> b[8] AS INTEGER)) = 1;

-- b is a without one of its characters (the first five positions; names are rarely longer).
CREATE OR REPLACE TEMP MACRO one_character_dropped(a, b) AS
    length(a) = length(b) + 1
    AND (a[2:] = b OR a[:1] || a[3:] = b OR a[:2] || a[4:] = b OR a[:3] || a[5:] = b OR a[:4] || a[6:] = b);

-- One digit wrong, missing, too many, or swapped with its neighbour. Such a slip leaves one of the two halves as it was, and looking at
-- the halves first spares almost every pair the edit distance (of the random pairs that training draws, all but one in a thousand).
CREATE OR REPLACE TEMP MACRO one_slip(a, b) AS
    (left(a, length(a) // 2 - 1) = left(b, length(a) // 2 - 1) OR right(a, length(a) // 2 - 1) = right(b, length(a) // 2 - 1))
    AND damerau_levenshtein(a, b) = 1;

-- What two columns say, once and in order; NULL when both are empty.
CREATE OR REPLACE TEMP MACRO one_or_two(a, b) AS
    CASE WHEN a IS NULL AND b IS NULL THEN NULL WHEN b IS NULL OR a = b THEN [a] WHEN a IS NULL THEN [b] WHEN a < b THEN [a, b] ELSE [b, a] END;
