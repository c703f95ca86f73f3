-- What each date cell of a feed means.
CREATE OR REPLACE TEMP TABLE record_dates AS
SELECT c.source, c.feed, c.field, c.text, c.from_number_cell, c.rows, p.says_lunar, p.day, p.fineness, p.problem
FROM date_cells AS c
JOIN parsed_dates AS p ON p.text = c.text AND p.from_number_cell = c.from_number_cell AND p.format = c.format;
