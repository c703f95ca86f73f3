-- Distinct dates per feed and field with the format that the column declares, and the rows they stand in.
-- Times are cut off first: update times are nearly all different, their days are not.
CREATE OR REPLACE TEMP MACRO date_text(t) AS
    CASE WHEN regexp_full_match(t, '(1[89]|20)[0-9]{12}') THEN left(t, 8)
         WHEN regexp_full_match(t, '[0-9]{4}[-/][0-9]{1,2}[-/][0-9]{1,2}[ T][0-9:.]+') THEN regexp_extract(t, '^[^ T]+')
         ELSE t END;

CREATE OR REPLACE TEMP TABLE date_cells AS
SELECT u.source, u.feed, u.field, u.text, u.from_number_cell, coalesce(f.format, 'auto') AS format, sum(u.rows) AS rows
FROM (
    SELECT source, feed, field, date_text(text) AS text, coalesce(list_contains(numeric_cells, field), false) AS from_number_cell, count(*) AS rows
    FROM (
        UNPIVOT (SELECT source, feed, numeric_cells, birth_date, started_on, ended_on, observed_on, event_date FROM raw_records)
        ON birth_date, started_on, ended_on, observed_on, event_date
        INTO NAME field VALUE text
    )
    GROUP BY ALL
) AS u
LEFT JOIN date_formats AS f ON f.feed = u.feed AND f.field = u.field
GROUP BY ALL;

CREATE OR REPLACE TEMP TABLE date_inputs AS
SELECT DISTINCT text, from_number_cell, format FROM date_cells;
