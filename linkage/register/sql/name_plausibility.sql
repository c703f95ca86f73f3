-- How plausible a written name is: log2 of how many persons carry its rarest character in that place (first, or later), or its rarest
-- segment where it has dots. A slip of the pen or of the ear mostly gives a character that hardly anybody's name has: 玉晓莹 for 王晓莹.
CREATE OR REPLACE TEMP TABLE name_plausibility AS
WITH written AS (
    SELECT person_id, full_name AS value, CASE WHEN strpos(full_name, '·') > 0 THEN string_split(full_name, '·') ELSE string_split(full_name, '') END AS pieces
    FROM person_records WHERE full_name IS NOT NULL GROUP BY ALL
), pieces AS (
    SELECT person_id, value, unnest(pieces) AS piece, generate_subscripts(pieces, 1) = 1 AND strpos(value, '·') = 0 AS is_first FROM written
), carried AS (
    SELECT piece, is_first, count(DISTINCT person_id) AS persons FROM pieces GROUP BY ALL
)
SELECT value, round(min(log2(persons)), 2) AS bits FROM (SELECT DISTINCT value, piece, is_first FROM pieces) JOIN carried USING (piece, is_first) GROUP BY value;
